//! Journey *Liar*: a proxy in front of the relay lies; every lie is found or harmless, nothing false counts, nothing true is held back.
//!
//! Each lie is told about the letters of both ways. What the reader of a mailbox can see is told there, what its writer
//! can see is told there; when the liar tells the truth again, every letter arrives.

use anyhow::{Context as _, ensure};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use teleward_tests::liar::{After, Answer, Asked};
use teleward_tests::lied_to::{Letter, LiedTo, PATIENCE, Way};
use teleward_tests::lies::{self, Rewrapped};
use vault::{AgeIdentity, FileVault, KeyVault as _};
use wire::api::{ErrorCode, Item};
use wire::roster::{Roster, RosterChain};
use wire::{EnvelopeId, SigningKey};

const WAYS: [Way; 2] = [Way::Up, Way::Down];

/// REQ-LIAR-001: a receipt that the relay's keys did not sign for this very letter ends nothing: the letter is sent again,
/// and its writer tells. The patient sees it as waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_receipt_counts_for_nothing() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(2).await?;
        let forger = SigningKey::generate()?;
        scene
            .liar
            .tell(lies::forged_receipts(scene.mailbox(way), forger));
        let letter = scene.write(way).await?;
        scene.writer_finds(way, "forged_receipt").await?;
        if let Letter::Reading(id) = &letter {
            let stage = scene.stage(id)?;
            ensure!(stage == "waiting", "a forged receipt moved it on: {stage}");
        }
        scene.liar.repent();
        scene.until_read(&letter).await?;
        scene.all_arrive().await?;
    }
    Ok(())
}

/// REQ-LIAR-010: the true receipt of one letter is none for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_of_another_letter_counts_for_nothing() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(2).await?;
        scene
            .liar
            .tell(lies::receipts_of_another(scene.mailbox(way)));
        let first = scene.write(way).await?;
        scene.until_read(&first).await?;
        let second = scene.write(way).await?;
        scene.writer_finds(way, "forged_receipt").await?;
        ensure!(!scene.is_read(&second).await?, "the relay never took it");
        scene.liar.repent();
        scene.until_read(&second).await?;
        scene.all_arrive().await?;
    }
    Ok(())
}

/// REQ-LIAR-002: a letter that the relay hides is never shown as arrived and does not hold back the next one; that it is
/// missing is told, and taken back when the relay shows it after all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_letter_is_missed_and_found() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(2).await?;
        let from = scene.newest(way)?;
        let hidden = Arc::new(Mutex::new(None::<EnvelopeId>));
        let first = hidden.clone();
        scene
            .liar
            .tell(lies::lists(scene.mailbox(way), move |items| {
                let mut hidden = first.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(item) = items.iter().find(|item| item.n > from) {
                    hidden.get_or_insert(item.id);
                }
                items.retain(|item| Some(item.id) != *hidden);
            }));
        let dropped = scene.write(way).await?;
        scene.until_newer(way, from).await?;
        let later = scene.write(way).await?;
        scene.until_read(&later).await?;
        ensure!(
            hidden
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some(),
            "nothing was hidden"
        );
        ensure!(!scene.is_read(&dropped).await?, "it was not hidden");
        if let Letter::Reading(id) = &dropped {
            let stage = scene.stage(id)?;
            ensure!(stage == "at the post office", "it is shown as {stage}");
        }
        scene.let_time_pass(way).await?;
        scene.reader_finds(way, "gap").await?;
        scene.liar.repent();
        scene.until_read(&dropped).await?;
        scene.reader_takes_back(way, "gap").await?;
        scene.all_arrive().await?;
    }
    Ok(())
}

/// REQ-LIAR-006: letters that a relay repeats, puts in another order or shows late arrive once each. A list that
/// contradicts itself and letters that come again and again are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeating_reordering_and_delaying_change_nothing() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(6).await?;
        let mailbox = scene.mailbox(way);

        // late: the relay pretends to be empty for a while; then in the wrong order, and twice
        let from = scene.newest(way)?;
        scene.liar.tell(lies::lists(mailbox, Vec::clear));
        let mut letters = Vec::new();
        for n in 0..3 {
            letters.push(scene.write(way).await?);
            scene.until_newer(way, from + n).await?;
        }
        scene.liar.tell(lies::lists(mailbox, |items| {
            items.reverse();
            items.extend(items.clone());
        }));
        scene.reader_finds(way, "wrong_list").await?;
        ensure!(!scene.is_read(&letters[0]).await?, "it was not late");
        scene.liar.repent();
        for letter in &letters {
            scene.until_read(letter).await?;
        }
        scene.all_arrive().await?;

        // each under the other's number: no order of the relay's means anything
        scene.liar.tell(lies::lists(mailbox, Vec::clear));
        let from = scene.newest(way)?;
        let mut letters = Vec::new();
        for n in 0..2 {
            letters.push(scene.write(way).await?);
            scene.until_newer(way, from + n).await?;
        }
        scene.liar.tell(lies::lists(mailbox, |items| {
            if let [.., a, b] = items.as_mut_slice() {
                std::mem::swap(&mut a.id, &mut b.id);
                std::mem::swap(&mut a.size, &mut b.size);
            }
        }));
        for letter in &letters {
            scene.until_read(letter).await?;
        }

        // one letter again at each of the next twelve numbers, which hides nothing that comes later
        let (old, last) = (scene.file(way, 1)?, scene.newest(way)?);
        let again = (1..=12).map(|n| Item {
            n: last + n,
            id: EnvelopeId(wire::sha256(&[&old]).0),
            size: old.len() as u64,
        });
        let (lie, _) = lies::lists_once(mailbox, again.collect());
        scene.liar.tell(lie);
        let repeated = scene.write(way).await?;
        scene.reader_finds(way, "replays").await?;
        scene.liar.repent();
        scene.until_read(&repeated).await?;
        scene.all_arrive().await?;
    }
    Ok(())
}

/// REQ-LIAR-011: a number far beyond all others, a file of an impossible size and a file that is listed and not given
/// out are told, and hide nothing once the relay tells the truth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_sizes_and_withheld_files_hide_nothing() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(3).await?;
        let mailbox = scene.mailbox(way);

        scene.liar.tell(lies::lists(mailbox, |items| {
            items.iter_mut().for_each(|item| item.size = 1 << 40);
        }));
        let large = scene.write(way).await?;
        scene.reader_finds(way, "wrong_list").await?;
        scene.liar.repent();
        scene.until_read(&large).await?;

        scene.liar.tell(lies::withheld(mailbox));
        let withheld = scene.write(way).await?;
        scene.reader_finds(way, "withheld").await?;
        scene.liar.repent();
        scene.until_read(&withheld).await?;

        let made_up = Item {
            n: (1 << 53) - 1,
            id: EnvelopeId([7; 32]),
            size: 6000,
        };
        let (lie, told) = lies::lists_once(mailbox, vec![made_up]);
        scene.liar.tell(lie);
        let behind = scene.write(way).await?;
        until(&told).await?;
        scene.liar.repent();
        scene.until_read(&behind).await?;
        scene.all_arrive().await?;
    }
    Ok(())
}

/// REQ-LIAR-003: a file that is not the one that was listed is not accepted, is told, and the right one is asked for again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncated_and_swapped_files_are_not_accepted() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(2).await?;
        let mailbox = scene.mailbox(way);
        scene.liar.tell(lies::files(mailbox, |mut file| {
            file.truncate(file.len() / 2);
            file
        }));
        let letter = scene.write(way).await?;
        scene.reader_finds(way, "wrong_bytes").await?;
        ensure!(!scene.is_read(&letter).await?, "half a file was read");
        scene.liar.repent();
        scene.until_read(&letter).await?;
        scene.all_arrive().await?;

        // swapped: another true letter under this one's name
        let (before, given) = (scene.file(way, 1)?, Arc::new(AtomicBool::new(false)));
        let note = given.clone();
        scene.liar.tell(lies::files(mailbox, move |_| {
            note.store(true, Ordering::SeqCst);
            before.clone()
        }));
        let letter = scene.write(way).await?;
        until(&given).await?;
        scene.reader_finds(way, "wrong_bytes").await?;
        ensure!(!scene.is_read(&letter).await?, "another letter was read");
        scene.liar.repent();
        scene.until_read(&letter).await?;
        scene.all_arrive().await?;
    }
    Ok(())
}

/// Waits until the liar has lied.
async fn until(lied: &AtomicBool) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while !lied.load(Ordering::SeqCst) {
        ensure!(Instant::now() < end, "nobody asked to be lied to");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// REQ-LIAR-012: a letter that the relay refuses for good is kept and told by its writer, and goes when it is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_for_good_loses_nothing() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(1).await?;
        let lie = lies::refused(scene.mailbox(way), ErrorCode::Hash);
        scene.liar.tell(lie);
        let letter = scene.write(way).await?;
        scene.writer_finds(way, "not_taken").await?;
        scene.liar.repent();
        match way {
            Way::Up => scene.other_network()?,
            Way::Down => scene.restart_station().await?,
        }
        scene.until_read(&letter).await?;
        scene.all_arrive().await?;
    }
    Ok(())
}

/// REQ-LIAR-004: a roster by a root that this clinic has not announced, and a second roster of a number that is held, are
/// refused in words on both sides, which go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_roster_is_refused_in_words() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    let (foreign, next) = (SigningKey::generate()?, SigningKey::generate()?);
    let nobodys = after(&scene.rosters, |roster| {
        (roster.n, roster.root) = (roster.n + 1, foreign.public());
        roster.next_root = wire::roster::next_root_hash(&next.public());
        roster.sign(&foreign).ok()
    });
    let nobodys = nobodys.context("no roster to forge after")?;
    // it is right in itself: a chain that begins with this root takes it
    RosterChain::pinned(foreign.public()).feed(&nobodys)?;
    let root = scene.root_key()?;
    let second = after(&scene.rosters, |roster| {
        roster.prev = wire::Hash::ZERO;
        roster.keep_days += 1;
        roster.sign(&root).ok()
    });
    let second = second.context("no second roster")?;
    for (line, code) in [(nobodys, "roster_refused"), (second, "roster_fork")] {
        scene.liar.tell(After(move |asked: &Asked, answer: Answer| {
            if asked.is_rosters() && answer.status == 200 {
                answer.with_body(format!("{line}\n"))
            } else {
                answer
            }
        }));
        scene.phone_finds(code)?;
        scene.restart_station().await?;
        scene.station_finds(code).await?;
        let id = scene.take()?;
        let letter = Letter::Reading(id);
        scene.until_read(&letter).await?;
    }
    scene.liar.repent();
    scene.all_arrive().await
}

/// REQ-LIAR-013: a relay that shows an older list of keys than the newest keeps it from nobody: the phone has the newest
/// by mail, and the station tells that the relay does not show what it took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_list_of_keys_holds_nobody_back() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    scene.prepare(1).await?;
    let old = scene.rosters.clone();
    scene.liar.tell(After(move |asked: &Asked, answer: Answer| {
        if asked.is_rosters() && answer.status == 200 {
            let after: usize = asked
                .query
                .trim_start_matches("after=")
                .parse()
                .unwrap_or(0);
            let lines = old.lines().skip(after).map(|line| format!("{line}\n"));
            answer.with_body(lines.collect::<String>())
        } else {
            answer
        }
    }));
    scene.make_next_roster().await?;
    // the answer to the next letter brings it
    let letter = scene.write(Way::Up).await?;
    scene.until_read(&letter).await?;
    scene
        .phone
        .until(PATIENCE, |status| status["link"]["roster_n"] == 2)?;
    scene.restart_station().await?;
    scene.station_finds("roster_withheld").await?;
    scene.liar.repent();
    scene.all_arrive().await
}

/// The newest true roster, changed, with `prev` as if it followed itself.
fn after(lines: &str, change: impl FnOnce(&mut Roster) -> Option<String>) -> Option<String> {
    use wire::jws::Unverified;
    let newest = lines.lines().last()?;
    let statement = Unverified::parse(newest, wire::roster::TYP).ok()?;
    let mut roster: Roster = wire::json::parse(statement.payload_before_check()).ok()?;
    roster.prev = statement.hash();
    change(&mut roster)
}

/// REQ-LIAR-005: a letter that a recipient wrapped again is counted once, and found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_wrapped_again_is_counted_once() -> anyhow::Result<()> {
    let mut scene = LiedTo::new().await?;
    for way in WAYS {
        scene.prepare(2).await?;
        let root = scene.house.root();
        let (folder, name) = match way {
            Way::Up => (root.join("station/keys"), "age".to_owned()),
            Way::Down => (root.join("phone/keys"), format!("link.{}.age", scene.up)),
        };
        let keys = FileVault::open(&folder, None)?;
        let seed: [u8; 32] = keys.load(&name)?.expose().as_slice().try_into()?;
        let lie = Rewrapped::new(scene.mailbox(way), AgeIdentity::from_seed(&seed)?);
        let copies = lie.copies.clone();
        scene.liar.tell(lie);
        let letter = scene.write(way).await?;
        scene.until_read(&letter).await?;
        scene.reader_finds(way, "copy").await?;
        let made = copies.lock().unwrap_or_else(PoisonError::into_inner).len();
        ensure!(made > 0, "nothing was wrapped again");
        scene.liar.repent();
        let next = scene.write(way).await?;
        scene.until_read(&next).await?;
        scene.all_arrive().await?;
    }
    Ok(())
}
