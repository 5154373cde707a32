//! A clinic and a relay in memory, for properties: they lose, repeat and forget as told, and count what arrived.

use crate::engine::{Answer, Ask, Call};
use post::{Reach, RelayError};
use reading::{Reading, ReadingId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use vault::{
    Ack, AgeIdentity, Amendment, Amends, Beat, Chain, ChainEffect, ChainEvent, CircleChain,
    CircleLink, Content, DataMail, Draft, Invite, JoinTerms, Kind, LinkState, Outcome, Recipients,
    Released, Resend, RosterMail, RosterRef, Seen, Stored, UpContext, UpSender, Welcome, open_up,
    seal_envelope,
};
use wire::api::{ErrorCode, Item, Items, PAGE};
use wire::receipt::{Durable, Receipt};
use wire::roster::{
    Clinic, Cover, Relay as RosterRelay, RelayState, Roster, RosterChain, Station, StationState,
    next_root_hash,
};
use wire::{EnvelopeId, Hash, MailboxId, PublicKey, SigningKey, Time, sha256};

pub(crate) const RELAY: &str = "http://127.0.0.1:9";

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    /// It never arrives.
    LostBefore,
    /// It arrives, its answer does not.
    LostAfter,
    /// The relay is busy.
    Busy,
    /// The mailbox is full.
    Full,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

#[derive(Debug, Default)]
struct Mailbox {
    next: u64,
    /// Listed, in order; a replayed file stands twice.
    items: Vec<(u64, EnvelopeId)>,
    files: BTreeMap<EnvelopeId, Vec<u8>>,
    numbers: BTreeMap<EnvelopeId, u64>,
    /// Asked for by their reader.
    given: BTreeSet<EnvelopeId>,
}

impl Mailbox {
    fn put(&mut self, id: EnvelopeId, bytes: Vec<u8>) -> u64 {
        if let Some(n) = self.numbers.get(&id) {
            return *n;
        }
        self.next += 1;
        self.items.push((self.next, id));
        self.files.insert(id, bytes);
        self.numbers.insert(id, self.next);
        self.next
    }
}

pub(crate) struct World {
    pub invite: Invite,
    rosters: Vec<String>,
    chain_of_rosters: RosterChain,
    auth: Option<PublicKey>,
    boxes: BTreeMap<MailboxId, Mailbox>,
    age: AgeIdentity,
    // the station's side of the link
    read_up_to: usize,
    sender: Option<(PublicKey, EnvelopeId, vault::AgeRecipient, CircleLink)>,
    chain: Chain,
    circles: CircleChain,
    named_circle: u64,
    down_head: Option<(u64, EnvelopeId)>,
    /// How often each reading was in a released envelope, and in how many different envelopes.
    pub readings: BTreeMap<ReadingId, BTreeSet<EnvelopeId>>,
    pub findings: Vec<String>,
    /// What was said about readings, and in how many different envelopes.
    pub said: BTreeMap<(Hash, Time, Amends), BTreeSet<EnvelopeId>>,
    /// The newest reading of each id, as it came.
    pub observed: BTreeMap<ReadingId, Reading>,
    /// So many envelopes of readings are refused.
    pub refuse_next: u32,
    pub refused: Vec<(EnvelopeId, Option<u64>)>,
    pub forged_receipts: u32,
    waiting: VecDeque<EnvelopeId>,
    hidden: Option<(u64, EnvelopeId)>,
}

impl World {
    pub(crate) fn new(now: Time) -> Self {
        let (root, age) = (key(1), AgeIdentity::from_seed(&[4; 32]).unwrap());
        let roster = Roster {
            v: 1,
            n: 1,
            prev: Hash::ZERO,
            at: now,
            root: root.public(),
            next_root: next_root_hash(&key(2).public()),
            clinic: Clinic {
                name: "Clinic".into(),
                phone: "1".into(),
                emergency: "2".into(),
                languages: vec!["en".into()],
            },
            stations: vec![Station {
                sign: key(5).public(),
                auth: key(6).public(),
                age: age.recipient().to_string(),
                state: StationState::Active,
                since: now,
            }],
            escrow: vec![],
            relays: vec![RosterRelay {
                url: RELAY.into(),
                receipt: vec![key(7).public()],
                state: RelayState::Active,
                until: None,
            }],
            mirrors: vec![],
            beat_hours: 24,
            keep_days: 14,
            cover: Cover {
                hours: "Mon-Fri 8-17".into(),
                text: "We look on working days.".into(),
            },
            notices: vec![],
            review_by: None,
        };
        let line = roster.sign(&root).unwrap();
        let mut chain_of_rosters = RosterChain::pinned(root.public());
        chain_of_rosters.feed(&line).unwrap();
        let invite = Invite::new(
            RELAY,
            root.public(),
            &[9; 32],
            now.plus(Duration::from_secs(86_400)),
            1,
        )
        .unwrap();
        Self {
            chain: Chain::new(invite.up()),
            invite,
            rosters: vec![line],
            chain_of_rosters,
            auth: None,
            boxes: BTreeMap::new(),
            age,
            read_up_to: 0,
            sender: None,
            circles: CircleChain::new(None),
            named_circle: 0,
            down_head: None,
            readings: BTreeMap::new(),
            findings: Vec::new(),
            said: BTreeMap::new(),
            observed: BTreeMap::new(),
            refuse_next: 0,
            refused: Vec::new(),
            forged_receipts: 0,
            waiting: VecDeque::new(),
            hidden: None,
        }
    }

    pub(crate) fn invite_text(&self) -> String {
        self.invite.to_text().expose().clone()
    }

    /// How many letters lie at the relay towards the phone.
    pub(crate) fn lie_down(&self) -> usize {
        let down = self.boxes.get(&self.invite.down());
        down.map_or(0, |held| held.files.len())
    }

    /// Every letter that lies at the relay towards the clinic.
    pub(crate) fn sent(&self) -> Vec<Vec<u8>> {
        let sent = self.boxes.get(&self.invite.up());
        sent.map_or_else(Vec::new, |held| held.files.values().cloned().collect())
    }

    /// The relay's answer to a call, with what became of it on the way.
    pub(crate) fn answer(&mut self, call: &Call, fate: Fate) -> Result<Answer, RelayError> {
        match fate {
            Fate::LostBefore => return Err(RelayError::Unreachable(Reach::NoConnection)),
            Fate::Busy => {
                return Err(RelayError::Refused {
                    code: ErrorCode::Busy,
                    retry_after: Some(Duration::from_secs(3)),
                });
            }
            Fate::Full => {
                return Err(RelayError::Refused {
                    code: ErrorCode::Quota,
                    retry_after: None,
                });
            }
            Fate::Good | Fate::LostAfter => {}
        }
        let answer = self.take(call);
        if fate == Fate::LostAfter {
            Err(RelayError::Unreachable(Reach::CutOff))
        } else {
            answer
        }
    }

    fn take(&mut self, call: &Call) -> Result<Answer, RelayError> {
        let foreign = RelayError::Refused {
            code: ErrorCode::Foreign,
            retry_after: None,
        };
        let by_claim_key = call.key.public() == self.invite.claim_key().public();
        let by_link = Some(call.key.public()) == self.auth;
        match &call.ask {
            Ask::Claim(claim) if by_claim_key => match self.auth {
                Some(other) if other != claim.auth => Err(RelayError::Refused {
                    code: ErrorCode::Contested,
                    retry_after: None,
                }),
                _ => {
                    self.auth = Some(claim.auth);
                    Ok(Answer::Done)
                }
            },
            Ask::Rosters { after } if by_claim_key || by_link => {
                let after = usize::try_from(*after).unwrap();
                Ok(Answer::Rosters(
                    self.rosters
                        .iter()
                        .skip(after)
                        .map(|line| format!("{line}\n"))
                        .collect(),
                ))
            }
            Ask::Put { mailbox, id, bytes } if by_link && *mailbox == self.invite.up() => {
                assert_eq!(sha256(&[bytes]).0, id.0);
                let n = self
                    .boxes
                    .entry(*mailbox)
                    .or_default()
                    .put(*id, bytes.to_vec());
                let forge = self.forged_receipts > 0;
                self.forged_receipts -= u32::from(forge);
                let receipt = Receipt {
                    v: 1,
                    mailbox: *mailbox,
                    id: *id,
                    size: bytes.len() as u64,
                    n,
                    at: Time::from_ms(0),
                    durable: Durable::Disk,
                };
                Ok(Answer::Receipt(receipt.sign(&key(if forge {
                    99
                } else {
                    7
                }))))
            }
            Ask::List { mailbox, after } if by_link && *mailbox == self.invite.down() => {
                let held = self.boxes.entry(*mailbox).or_default();
                let rest = held.items.iter().filter(|(n, _)| n > after);
                let items: Vec<Item> = rest
                    .map(|(n, id)| Item {
                        n: *n,
                        id: *id,
                        size: held.files[id].len() as u64,
                    })
                    .take(PAGE)
                    .collect();
                Ok(Answer::Items(Items {
                    v: 1,
                    relay: key(7).kid(),
                    items,
                    more: false,
                }))
            }
            Ask::Get { mailbox, id } if by_link && *mailbox == self.invite.down() => {
                let held = self.boxes.entry(*mailbox).or_default();
                held.given.insert(*id);
                held.files.get(id).cloned().map(Answer::File).ok_or(foreign)
            }
            Ask::Release { mailbox, through } if by_link && *mailbox == self.invite.down() => {
                let held = self.boxes.entry(*mailbox).or_default();
                let due = held.items.iter().filter(|(n, _)| n <= through);
                assert!(
                    due.map(|(_, id)| id).all(|id| held.given.contains(id)),
                    "released unread"
                );
                for (_, id) in held.items.extract_if(.., |(n, _)| *n <= *through) {
                    held.files.remove(&id);
                }
                Ok(Answer::Done)
            }
            Ask::Live => Err(RelayError::Unreachable(Reach::NoConnection)),
            _ => Err(foreign),
        }
    }

    /// The station reads what is new and answers, as a real one does.
    pub(crate) fn station_runs(&mut self, now: Time) {
        let up = self.invite.up();
        let items: Vec<EnvelopeId> = self.boxes.entry(up).or_default().items[self.read_up_to..]
            .iter()
            .map(|i| i.1)
            .collect();
        self.read_up_to += items.len();
        let mut wants_answer = false;
        for id in items.into_iter().chain(std::mem::take(&mut self.waiting)) {
            wants_answer |= self.open(id, now);
        }
        self.chain.input(ChainEvent::Tick, now);
        while let Some(effect) = self.chain.poll_effect() {
            if let ChainEffect::Found(found) = effect {
                self.findings.push(found.code().to_owned());
            }
        }
        if wants_answer {
            self.acknowledge(now);
        }
    }

    fn open(&mut self, id: EnvelopeId, now: Time) -> bool {
        let up = self.invite.up();
        let bytes = self.boxes[&up].files[&id].clone();
        let proof = self.invite.proof_key();
        let sender = match &self.sender {
            None => UpSender::Open(JoinTerms {
                proof_key: &proof,
                expires: self.invite.expires(),
                listed: self.invite.expires(),
                withdrawn: false,
                late_allowed: false,
            }),
            Some((sign, join, ..)) => UpSender::Joined {
                sign: *sign,
                join: *join,
            },
        };
        let identities = [self.age.clone()];
        let context = UpContext {
            mailbox: up,
            identities: &identities,
            rosters: &self.chain_of_rosters,
            sender,
            circles: &self.circles,
        };
        let outcome = open_up(id, bytes, &context);
        let event = outcome
            .place()
            .map_or(ChainEvent::Unplaced(id), |place| ChainEvent::Placed(*place));
        match outcome {
            Outcome::Released(released)
                if self.refuse_next > 0
                    && matches!(released.header.kind, Kind::Readings | Kind::Amend) =>
            {
                self.refuse_next -= 1;
                self.chain.input(event, now);
                self.refused.push((id, Some(released.header.seq)));
                true
            }
            Outcome::Released(released) => {
                self.chain.input(event, now);
                self.release(&released, now);
                released.header.kind.wants_answer()
            }
            Outcome::Waiting(_) => {
                self.waiting.push_back(id);
                false
            }
            Outcome::Quarantined(quarantined) => {
                panic!("the station refuses a true letter: {}", quarantined.reason)
            }
        }
    }

    fn release(&mut self, released: &Released, now: Time) {
        let header = &released.header;
        assert!(header.beat.is_some(), "every up header carries a beat");
        self.named_circle = header.circle;
        if let Some(join) = &released.join {
            let link = CircleLink {
                kid: join.sign.kid(),
                age: join.age.clone(),
                role: join.role,
                label: join.label.clone(),
                since: now,
                state: LinkState::Pending,
            };
            self.circles = CircleChain::new(join.recovery.clone());
            self.sender = Some((join.sign, released.place.id, join.age.clone(), link));
            self.welcome(LinkState::Pending, now);
        }
        if header.kind == Kind::Readings {
            for line in std::str::from_utf8(released.content.expose())
                .unwrap()
                .lines()
            {
                let observed = reading::from_observation(line).unwrap();
                assert_eq!(observed.link, self.invite.up().to_string());
                self.readings
                    .entry(observed.reading.id)
                    .or_default()
                    .insert(released.place.id);
                self.observed.insert(observed.reading.id, observed.reading);
            }
        }
        if header.kind == Kind::Amend {
            let read = Amendment::read(released.content.expose());
            assert_eq!(read.unreadable, 0, "every statement is understood");
            for said in read.said {
                let statement = (said.reading, said.at, said.what);
                let of = self.said.entry(statement).or_default();
                of.insert(released.place.id);
            }
        }
    }

    pub(crate) fn welcome(&mut self, state: LinkState, now: Time) {
        let Some((_, join, _, link)) = self.sender.clone() else {
            return;
        };
        let recovery = self.circles.recovery(self.circles.newest_n()).flatten();
        let circle = self
            .circles
            .next(vec![CircleLink { state, ..link }], recovery)
            .to_text();
        let welcome = Welcome {
            v: 1,
            join,
            state,
            enrolment: "00".repeat(16),
            circle: circle.clone(),
            plan: None,
        };
        self.send(Kind::Welcome, &welcome.to_content(), now);
        self.circles.feed(&circle).unwrap();
    }

    fn acknowledge(&mut self, now: Time) {
        let Some((sign, ..)) = &self.sender else {
            return;
        };
        let positions = self.chain.positions(&sign.kid());
        let refused = self.refused.iter().map(|(id, seq)| vault::AckRefused {
            id: *id,
            seq: *seq,
            reason: "damaged".into(),
        });
        let ack = Ack {
            v: 1,
            stored: positions.stored.map(|(seq, id)| Stored { seq, id }),
            also: positions.also,
            refused: refused.collect(),
            missing: positions.missing,
            log: Hash::ZERO,
        };
        self.send(Kind::Ack, &ack.to_content(), now);
    }

    pub(crate) fn see_everything(&mut self, now: Time) {
        let readings = self.readings.keys().map(|id| Hash(id.0)).collect();
        self.send(
            Kind::Seen,
            &Seen {
                v: 1,
                readings,
                at: now,
                by: "clinician".into(),
            }
            .to_content(),
            now,
        );
    }

    pub(crate) fn resend_everything(&mut self, now: Time) {
        self.send(Kind::Resend, &Resend { v: 1, after: 0 }.to_content(), now);
    }

    pub(crate) fn send_data(&mut self, jws: String, now: Time) {
        self.send(Kind::Data, &DataMail { v: 1, jws }.to_content(), now);
    }

    pub(crate) fn beat(&mut self, next_by: Time, now: Time) {
        let beat = Beat {
            next_by,
            evaluated: None,
            roster: 1,
            log: Hash::ZERO,
        };
        self.send(Kind::Beat, &beat.to_content(), now);
    }

    /// A new roster, published at the relay, or only by mail, sealed under itself.
    pub(crate) fn next_roster(&mut self, by_mail_only: bool, now: Time) {
        let newest = self.chain_of_rosters.newest().unwrap();
        let roster = Roster {
            n: newest.roster.n + 1,
            prev: newest.hash,
            at: now,
            ..newest.roster.clone()
        };
        let line = roster.sign(&key(1)).unwrap();
        self.chain_of_rosters.feed(&line).unwrap();
        if by_mail_only {
            self.send(
                Kind::Roster,
                &RosterMail { v: 1, jws: line }.to_content(),
                now,
            );
        } else {
            self.rosters.push(line);
        }
    }

    /// The relay leaves its newest letter down out of the list, or shows it again.
    pub(crate) fn hide(&mut self, hidden: bool) {
        let held = self.boxes.entry(self.invite.down()).or_default();
        if hidden {
            self.hidden = held.items.pop();
        } else if let Some(item) = self.hidden.take() {
            held.items.push(item);
            held.items.sort_unstable();
        }
    }

    /// The relay lists the first letter down once more.
    pub(crate) fn replay(&mut self) {
        let held = self.boxes.entry(self.invite.down()).or_default();
        if let Some((_, id)) = held.items.first().copied() {
            held.next += 1;
            held.items.push((held.next, id));
        }
    }

    /// A letter that nobody of the clinic signed, and one that is noise.
    pub(crate) fn slip_in_rubbish(&mut self, now: Time) {
        if self.sender.is_none() {
            return;
        }
        let head = self.down_head;
        self.send_by(&key(88), Kind::Ack, b"{}\n", now);
        self.down_head = head;
        let noise = vec![7; 3000];
        self.boxes
            .entry(self.invite.down())
            .or_default()
            .put(EnvelopeId(sha256(&[&noise]).0), noise);
    }

    fn send(&mut self, kind: Kind, content: &[u8], now: Time) {
        self.send_by(&key(5), kind, content, now);
    }

    fn send_by(&mut self, signer: &SigningKey, kind: Kind, content: &[u8], now: Time) {
        let Some((_, _, age, _)) = &self.sender else {
            return;
        };
        let circle = if kind.goes_under_named_circle() {
            self.named_circle
        } else {
            self.circles.newest_n()
        };
        let recipients =
            Recipients::down(age, self.circles.recovery(circle).flatten().as_ref()).unwrap();
        let got = self.chain.got();
        let draft = Draft {
            mailbox: self.invite.down(),
            seq: self.down_head.map_or(1, |(seq, _)| seq + 1),
            prev: self.down_head.map(|(_, id)| id),
            kind,
            at: now,
            roster: RosterRef::from(self.chain_of_rosters.newest().unwrap()),
            circle,
            recipients: &recipients,
            content,
            got: &got,
            re: None,
            proof: None,
            beat: None,
        };
        let sealed = seal_envelope(&draft, signer).unwrap().sealed;
        self.down_head = Some((draft.seq, sealed.id()));
        let _n = self
            .boxes
            .entry(self.invite.down())
            .or_default()
            .put(sealed.id(), sealed.into_bytes());
    }
}
