//! Journey *Liar*: a proxy in front of the relay lies; every lie is found or harmless, nothing false counts, nothing true is held back.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use teleward_tests::console::Console;
use teleward_tests::house::House;
use teleward_tests::liar::{After, Answer, Asked, Bound, Instead, Liar};
use teleward_tests::phone::Phone;
use vault::{FileVault, KeyVault as _, open_file, seal_file};
use wire::receipt::{Durable, Receipt};
use wire::roster::RosterChain;
use wire::{EnvelopeId, MailboxId, SigningKey, Time, sha256};

const PATIENCE: Duration = Duration::from_secs(40);

struct Journey {
    house: House,
    liar: Liar,
    phone: Phone,
    patient: String,
    up: MailboxId,
    taken: u32,
    /// The clinic's true rosters, as they came by at the join.
    rosters: String,
}

impl Journey {
    async fn new() -> anyhow::Result<Self> {
        let bound = Bound::new().await?;
        let proxy = format!("http://{}", bound.address()?);
        let house = House::start_behind(Some(&proxy)).await?;
        let liar = bound.serve(&house.relay_url())?;
        house.relay_answers().await?;
        let console = house.console().await?;
        let patient = console.new_patient("Lia Reyes", "L-1").await?;
        let invite = console.invite(&patient).await?;
        let seen = Arc::new(Mutex::new(String::new()));
        let note = seen.clone();
        liar.tell(After(move |asked: &Asked, answer: Answer| {
            if asked.is_rosters() && !answer.body.is_empty() {
                *note.lock().unwrap_or_else(PoisonError::into_inner) =
                    String::from_utf8_lossy(&answer.body).into_owned();
            }
            answer
        }));
        let mut phone = Phone::new(house.folder("phone")?, false)?;
        phone.start(&[])?;
        phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
        let status = phone.joined(PATIENCE)?;
        let up = status["link"]["up"].as_str().context("no link")?.parse()?;
        liar.repent();
        let rosters = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Self {
            house,
            liar,
            phone,
            patient,
            up,
            taken: 0,
            rosters,
        })
    }

    /// Takes a reading on the phone; gives its id.
    fn take(&mut self) -> anyhow::Result<String> {
        self.taken += 1;
        let reading = json!({ "do": "reading", "draft": format!("{:032x}", self.taken), "systolic": (110 + self.taken).to_string(), "diastolic": "70" });
        let id = self.phone.ask(&reading, PATIENCE)?;
        id.as_str()
            .map(str::to_owned)
            .context("a reading without an id")
    }

    async fn console(&self) -> anyhow::Result<Console> {
        self.house.console().await
    }

    /// Waits until the station shows exactly the phone's readings, and the phone holds an acknowledgement for each.
    async fn all_arrive(&mut self) -> anyhow::Result<()> {
        let on_phone: BTreeSet<String> = self.phone.acknowledged(PATIENCE)?.into_iter().collect();
        let at_station: Vec<Value> = self.console().await?.readings(&self.patient).await?;
        let ids: BTreeSet<String> = at_station
            .iter()
            .filter_map(|r| r["id"].as_str().map(str::to_owned))
            .collect();
        ensure!(
            ids.len() == at_station.len(),
            "a reading stands twice at the station"
        );
        ensure!(
            ids == on_phone,
            "phone and station differ: {} and {}",
            on_phone.len(),
            ids.len()
        );
        Ok(())
    }

    async fn until_station_has(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/api/patients/{}/readings?limit=100", self.patient);
        let has = |page: &Value| {
            page["readings"]
                .as_array()
                .is_some_and(|all| all.iter().any(|r| r["id"] == id))
        };
        self.console()
            .await?
            .until(&path, PATIENCE, has)
            .await
            .map(drop)
    }

    /// Waits until the station tells a finding of this code, in words.
    async fn station_finds(&self, code: &str) -> anyhow::Result<()> {
        let told = |page: &Value| found(&page["findings"], code, "next_step");
        self.console()
            .await?
            .until("/api/findings", PATIENCE, told)
            .await
            .with_context(|| format!("no finding `{code}`"))
            .map(drop)
    }

    /// Waits until the phone tells a finding of this code, in words.
    fn phone_finds(&mut self, code: &str) -> anyhow::Result<()> {
        self.phone
            .until(PATIENCE, |status| found(&status["findings"], code, "text"))
            .with_context(|| format!("no finding `{code}`"))
            .map(drop)
    }
}

fn found(list: &Value, code: &str, words: &str) -> bool {
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .any(|f| f["code"] == code && f[words].as_str().is_some_and(|w| w.len() > 20))
}

/// Whether this is about the phone's mailbox towards the clinic.
fn is_up(asked: &Asked, up: MailboxId) -> bool {
    asked.mailbox() == Some(up.to_string().as_str())
}

/// REQ-LIAR-001: a receipt that the relay's keys did not sign ends nothing: the letter is sent again, the patient told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_receipt_counts_for_nothing() -> anyhow::Result<()> {
    let mut journey = Journey::new().await?;
    let forger = SigningKey::generate()?;
    journey.liar.tell(Instead(move |asked: &Asked| {
        asked.is_put().then(|| {
            let (mailbox, id) = (asked.mailbox()?.parse().ok()?, asked.last().parse().ok()?);
            let receipt = Receipt {
                v: 1,
                mailbox,
                id,
                size: asked.body.len() as u64,
                n: 77,
                at: Time::system(),
                durable: Durable::Disk,
            };
            Some(Answer {
                status: 201,
                content_type: wire::api::JOSE.into(),
                body: receipt.sign(&forger).into(),
            })
        })?
    }));
    let id = journey.take()?;
    journey.phone_finds("forged_receipt")?;
    let history = journey.phone.history(PATIENCE)?;
    let stage = history
        .iter()
        .find(|r| r["id"] == *id)
        .map(|r| r["stage"].clone());
    ensure!(
        stage == Some(json!("waiting")),
        "a forged receipt moved the reading on: {stage:?}"
    );
    journey.liar.repent();
    journey.all_arrive().await
}

/// REQ-LIAR-002: a letter that the relay hides is never shown as at the clinic, and the next one is not held back by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_letter_is_never_shown_as_arrived() -> anyhow::Result<()> {
    let mut journey = Journey::new().await?;
    let up = journey.up;

    let hidden = Arc::new(Mutex::new(None::<EnvelopeId>));
    let first_seen = hidden.clone();
    let from = list_now(&journey).await?;
    journey
        .liar
        .tell(After(move |asked: &Asked, answer: Answer| {
            if !(asked.is_list() && is_up(asked, up)) {
                return answer;
            }
            answer.with_items(|items| {
                let mut hidden = first_seen.lock().unwrap_or_else(PoisonError::into_inner);
                for item in items.iter().filter(|item| item.n > from) {
                    hidden.get_or_insert(item.id);
                }
                items.retain(|item| Some(item.id) != *hidden);
            })
        }));
    let dropped = journey.take()?;
    journey
        .phone
        .until(PATIENCE, |status| status["queue"]["waiting"] == 0)?;
    let later = journey.take()?;
    journey.until_station_has(&later).await?;
    journey.phone.until(PATIENCE, |status| {
        status["queue"]["at_clinic"].as_u64() >= Some(1)
    })?;
    let history = journey.phone.history(PATIENCE)?;
    let stage = |id: &str| {
        history
            .iter()
            .find(|r| r["id"] == *id)
            .map(|r| r["stage"].clone())
    };
    ensure!(
        hidden
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some(),
        "nothing was hidden"
    );
    ensure!(
        stage(&dropped) == Some(json!("at the post office")),
        "a hidden letter is shown as {:?}",
        stage(&dropped)
    );
    ensure!(
        stage(&later) == Some(json!("at the clinic")),
        "a true letter was held back: {:?}",
        stage(&later)
    );
    Ok(())
}

/// REQ-LIAR-006: letters that are repeated, put in another order or late arrive once each, and nothing else changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeating_reordering_and_delaying_change_nothing() -> anyhow::Result<()> {
    let mut journey = Journey::new().await?;
    let up = journey.up;
    journey
        .liar
        .tell(After(move |asked: &Asked, answer: Answer| {
            if !(asked.is_list() && is_up(asked, up)) {
                return answer;
            }
            answer.with_items(|items| {
                items.reverse();
                items.extend(items.clone());
            })
        }));
    for _ in 0..4 {
        journey.take()?;
    }
    journey
        .phone
        .until(PATIENCE, |status| status["queue"]["waiting"] == 0)?;
    journey.liar.repent();
    journey.all_arrive().await?;

    // late: the relay pretends to be empty for a while
    journey
        .liar
        .tell(After(move |asked: &Asked, answer: Answer| {
            if asked.is_list() {
                answer.with_items(Vec::clear)
            } else {
                answer
            }
        }));
    let late = journey.take()?;
    journey
        .phone
        .until(PATIENCE, |status| status["queue"]["waiting"] == 0)?;
    journey.liar.repent();
    journey.until_station_has(&late).await?;
    journey.all_arrive().await
}

/// The newest arrival number in the phone's mailbox up, as the relay's own database has it.
async fn list_now(journey: &Journey) -> anyhow::Result<u64> {
    let seen = Arc::new(Mutex::new(0));
    let (note, up) = (seen.clone(), journey.up);
    let (told, mut listed) = tokio::sync::mpsc::unbounded_channel();
    journey
        .liar
        .tell(After(move |asked: &Asked, answer: Answer| {
            if asked.is_list() && is_up(asked, up) {
                let newest = answer
                    .items()
                    .and_then(|list| list.items.iter().map(|item| item.n).max());
                let after = asked
                    .query
                    .trim_start_matches("after=")
                    .parse()
                    .unwrap_or(0);
                *note.lock().unwrap_or_else(PoisonError::into_inner) =
                    newest.unwrap_or(0).max(after);
                // whoever waited has what it wanted after the first
                let _heard = told.send(());
            }
            answer
        }));
    tokio::time::timeout(PATIENCE, listed.recv())
        .await
        .context("the station does not list the mailbox")?;
    let newest = *seen.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(newest)
}

/// REQ-LIAR-003: a file that is not the one that was listed is not accepted, and the right one is asked for again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncated_and_swapped_files_are_not_accepted() -> anyhow::Result<()> {
    let mut journey = Journey::new().await?;
    let up = journey.up;
    journey
        .liar
        .tell(After(move |asked: &Asked, answer: Answer| {
            if asked.is_fetch() && is_up(asked, up) && answer.status == 200 {
                let half = answer.body.slice(..answer.body.len() / 2);
                answer.with_body(half)
            } else {
                answer
            }
        }));
    let id = journey.take()?;
    journey.station_finds("wrong_bytes").await?;
    ensure!(
        !journey
            .console()
            .await?
            .readings(&journey.patient)
            .await?
            .iter()
            .any(|r| r["id"] == *id),
        "half a file became a reading"
    );
    journey.liar.repent();
    journey.until_station_has(&id).await?;

    // swapped: each letter's name gets the body of the one before
    let before = Arc::new(Mutex::new(None));
    journey
        .liar
        .tell(After(move |asked: &Asked, answer: Answer| {
            if !(asked.is_fetch() && is_up(asked, up) && answer.status == 200) {
                return answer;
            }
            let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
            let other = before.get_or_insert_with(|| answer.body.clone()).clone();
            if other == answer.body {
                answer
            } else {
                answer.with_body(other)
            }
        }));
    let first = journey.take()?;
    journey.until_station_has(&first).await?;
    let second = journey.take()?;
    journey
        .phone
        .until(PATIENCE, |status| status["queue"]["waiting"] == 0)?;
    journey.liar.repent();
    journey.until_station_has(&second).await?;
    journey.all_arrive().await
}

/// REQ-LIAR-004: a roster by a root that this clinic has not announced is not accepted, and both sides go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_roster_is_refused_in_words() -> anyhow::Result<()> {
    let mut journey = Journey::new().await?;
    let (foreign, next) = (SigningKey::generate()?, SigningKey::generate()?);
    let line =
        forged_roster(&journey.rosters, &foreign, &next).context("no roster to forge after")?;
    journey
        .liar
        .tell(After(move |asked: &Asked, answer: Answer| {
            if asked.is_rosters() && answer.status == 200 {
                answer.with_body(format!("{line}\n"))
            } else {
                answer
            }
        }));
    journey.phone_finds("roster_refused")?;
    let id = journey.take()?;
    journey.until_station_has(&id).await?;
    // an older list: the relay shows none at all
    journey.liar.tell(After(|asked: &Asked, answer: Answer| {
        if asked.is_rosters() {
            answer.with_body("")
        } else {
            answer
        }
    }));
    let id = journey.take()?;
    journey.until_station_has(&id).await?;
    journey.liar.repent();
    journey.all_arrive().await
}

/// The newest true roster with another root, one number on: signed, well formed, and nobody's.
fn forged_roster(lines: &str, foreign: &SigningKey, next: &SigningKey) -> Option<String> {
    use wire::jws::Unverified;
    let newest = lines.lines().last()?;
    let statement = Unverified::parse(newest, wire::roster::TYP).ok()?;
    let mut roster: wire::roster::Roster =
        wire::json::parse(statement.payload_before_check()).ok()?;
    (roster.n, roster.prev, roster.root) = (roster.n + 1, statement.hash(), foreign.public());
    roster.next_root = wire::roster::next_root_hash(&next.public());
    let line = roster.sign(foreign).ok()?;
    // it is right in itself: a chain that begins with this root takes it
    RosterChain::pinned(foreign.public()).feed(&line).ok()?;
    Some(line)
}

/// REQ-LIAR-005: a letter that a recipient wrapped again is counted once, and found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_wrapped_again_is_counted_once() -> anyhow::Result<()> {
    let mut journey = Journey::new().await?;
    let keys = FileVault::open(&journey.house.root().join("station/keys"), None)?;
    let seed: [u8; 32] = keys.load("age")?.expose().as_slice().try_into()?;
    let station = vault::AgeIdentity::from_seed(&seed)?;
    let up = journey.up;
    // the copy has the same recipients, so that only its id differs
    let copies = Arc::new(Mutex::new(
        std::collections::HashMap::<EnvelopeId, Vec<u8>>::new(),
    ));
    let put = copies.clone();
    let wrap = move |file: &[u8]| -> Option<(EnvelopeId, Vec<u8>)> {
        let plaintext = open_file(file, std::slice::from_ref(&station)).ok()?;
        let again = seal_file(
            std::slice::from_ref(station.recipient()),
            plaintext.expose(),
        )
        .ok()?;
        Some((EnvelopeId(sha256(&[&again]).0), again))
    };
    struct Rewrap<W> {
        wrap: W,
        up: MailboxId,
        copies: Arc<Mutex<std::collections::HashMap<EnvelopeId, Vec<u8>>>>,
    }
    impl<W: FnMut(&[u8]) -> Option<(EnvelopeId, Vec<u8>)> + Send> teleward_tests::liar::Lie
        for Rewrap<W>
    {
        fn instead(&mut self, asked: &Asked) -> Option<Answer> {
            let id: EnvelopeId = asked.is_fetch().then(|| asked.last().parse().ok())??;
            let copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
            copies.get(&id).map(|body| Answer {
                status: 200,
                content_type: wire::api::OCTETS.into(),
                body: body.clone().into(),
            })
        }
        fn after(&mut self, asked: &Asked, answer: Answer) -> Answer {
            if asked.is_put()
                && is_up(asked, self.up)
                && let Some((id, again)) = (self.wrap)(&asked.body)
            {
                self.copies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(id, again);
            }
            if !(asked.is_list() && is_up(asked, self.up)) {
                return answer;
            }
            let copies: Vec<_> = self
                .copies
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .map(|(id, body)| (*id, body.len() as u64))
                .collect();
            answer.with_items(|items| {
                let newest = items.last().map(|item| item.n);
                if let Some(newest) = newest {
                    items.extend(copies.iter().zip(newest + 1..).map(|((id, size), n)| {
                        wire::api::Item {
                            n,
                            id: *id,
                            size: *size,
                        }
                    }));
                }
            })
        }
    }
    journey.liar.tell(Rewrap {
        wrap,
        up,
        copies: put,
    });
    let id = journey.take()?;
    journey.until_station_has(&id).await?;
    journey.station_finds("copy").await?;
    ensure!(
        !copies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty(),
        "nothing was wrapped again"
    );
    let readings = journey.console().await?.readings(&journey.patient).await?;
    ensure!(
        readings.iter().filter(|r| r["id"] == *id).count() == 1,
        "the copy was counted"
    );
    journey.liar.repent();
    journey.all_arrive().await
}
