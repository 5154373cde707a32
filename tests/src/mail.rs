//! A clinic and an install without servers: enough to seal an envelope up and to open it as the station does.

use anyhow::Context as _;
use vault::{
    AgeIdentity, CircleChain, Draft, HeaderBeat, Kind, Outcome, Recipients, RecoverySheet,
    SealedEnvelope, UpContext, UpSender, open_up, seal_envelope,
};
use wire::roster::{Clinic, Cover, Roster, RosterChain, Station, StationState, next_root_hash};
use wire::{EnvelopeId, Hash, MailboxId, SigningKey, Time};

/// One line of content, recognisable wherever it shows up.
pub const READING_LINE: &str =
    r#"{"resourceType":"Observation","note":[{"text":"a line that a person can read"}]}"#;

/// The keys of both sides, and the roster between them.
#[derive(Debug)]
pub struct Correspondence {
    /// The station's age key.
    pub station: AgeIdentity,
    /// The patient's paper.
    pub recovery: RecoverySheet,
    /// The install's signing key.
    pub install: SigningKey,
    /// The link's mailbox up.
    pub up: MailboxId,
    rosters: RosterChain,
    circles: CircleChain,
}

impl Correspondence {
    /// A clinic with one station, and an install with a recovery key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> anyhow::Result<Self> {
        let recovery = RecoverySheet::generate()?;
        let circles = CircleChain::new(Some(recovery.recipient().clone()));
        Self::with(recovery, circles)
    }

    /// The same for a patient who made no recovery key; the paper opens nothing.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn without_recovery() -> anyhow::Result<Self> {
        Self::with(RecoverySheet::generate()?, CircleChain::new(None))
    }

    fn with(recovery: RecoverySheet, circles: CircleChain) -> anyhow::Result<Self> {
        let (root, next) = (SigningKey::generate()?, SigningKey::generate()?);
        let station = AgeIdentity::generate()?;
        let now = Time::system();
        let roster = Roster {
            v: 1,
            n: 1,
            prev: Hash::ZERO,
            at: now,
            root: root.public(),
            next_root: next_root_hash(&next.public()),
            clinic: Clinic {
                name: "Tern Street".into(),
                phone: "01632 960 100".into(),
                emergency: "999".into(),
                languages: vec!["en".into()],
            },
            stations: vec![Station {
                sign: SigningKey::generate()?.public(),
                auth: SigningKey::generate()?.public(),
                age: station.recipient().to_string(),
                state: StationState::Active,
                since: now,
            }],
            escrow: vec![],
            relays: vec![],
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
        let mut rosters = RosterChain::pinned(root.public());
        rosters.feed(&roster.sign(&root)?)?;
        Ok(Self {
            station,
            recovery,
            install: SigningKey::generate()?,
            up: MailboxId([7; 16]),
            rosters,
            circles,
        })
    }

    /// An envelope of readings with this one line, as the install's first.
    ///
    /// # Errors
    /// Those of the vault.
    pub fn seal(&self, line: &str) -> anyhow::Result<SealedEnvelope> {
        let newest = self.rosters.newest().context("no roster")?;
        let (now, circle) = (Time::system(), 0);
        let recipients = Recipients::up(
            &newest.roster,
            self.circles.recovery(circle).context("no circle")?.as_ref(),
        )?;
        let beat = HeaderBeat {
            next_by: now,
            depth: 0,
            oldest: None,
            stuck: 0,
            refused: vec![],
            receipts: vec![],
            clock: vault::ClockState::default(),
            app: "tests/1".into(),
        };
        let content = format!("{line}\n");
        let draft = Draft {
            mailbox: self.up,
            seq: 1,
            prev: None,
            kind: Kind::Readings,
            at: now,
            roster: newest.into(),
            circle,
            recipients: &recipients,
            content: content.as_bytes(),
            got: &[],
            re: None,
            proof: None,
            beat: Some(beat),
        };
        Ok(seal_envelope(&draft, &self.install)?)
    }

    /// Opens a file as the station does.
    #[must_use]
    pub fn open(&self, id: EnvelopeId, file: Vec<u8>) -> Outcome {
        let context = UpContext {
            mailbox: self.up,
            identities: std::slice::from_ref(&self.station),
            rosters: &self.rosters,
            sender: UpSender::Joined {
                sign: self.install.public(),
                join: EnvelopeId([0; 32]),
            },
            circles: &self.circles,
        };
        open_up(id, file, &context)
    }
}
