//! `teleward open` and `teleward verify` on a folder of envelopes, as an auditor would use them.
#![allow(clippy::unwrap_used, reason = "a test may fail here")]

use std::path::Path;
use std::process::{Command, Output};

use vault::{
    AgeIdentity, App, Draft, HeaderBeat, Join, Kind, Recipients, Role, RosterRef, SealedEnvelope,
    seal_envelope,
};
use wire::roster::{Clinic, Cover, Roster, RosterChain, Station, StationState, next_root_hash};
use wire::{EnvelopeId, Hash, MailboxId, SigningKey, Time};

const CONTENT: &[u8] = b"{\"resourceType\":\"Observation\"}\n";

/// A clinic, an install that joined it, and a folder.
struct Scene {
    folder: tempfile::TempDir,
    root: SigningKey,
    station: AgeIdentity,
    install: SigningKey,
    rosters: RosterChain,
    up: MailboxId,
}

impl Scene {
    fn new() -> Self {
        let root = SigningKey::from_seed(&[1; 32]);
        let station = AgeIdentity::from_seed(&[2; 32]).unwrap();
        let now = Time::from_ms(1_800_000_000_000);
        let roster = Roster {
            v: 1,
            n: 1,
            prev: Hash::ZERO,
            at: now,
            root: root.public(),
            next_root: next_root_hash(&SigningKey::from_seed(&[9; 32]).public()),
            clinic: Clinic {
                name: "C".into(),
                phone: "1".into(),
                emergency: "2".into(),
                languages: vec![],
            },
            stations: vec![Station {
                sign: SigningKey::from_seed(&[5; 32]).public(),
                auth: SigningKey::from_seed(&[6; 32]).public(),
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
                hours: String::new(),
                text: String::new(),
            },
            notices: vec![],
            review_by: None,
        };
        let jws = roster.sign(&root).unwrap();
        let mut rosters = RosterChain::pinned(root.public());
        rosters.feed(&jws).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rosters.ndjson"), format!("{jws}\n")).unwrap();
        std::fs::write(
            folder.path().join("station.txt"),
            station.expose_text().expose(),
        )
        .unwrap();
        std::fs::create_dir(folder.path().join("mail")).unwrap();
        let install = SigningKey::from_seed(&[3; 32]);
        Self {
            folder,
            root,
            station,
            install,
            rosters,
            up: MailboxId([4; 16]),
        }
    }

    fn join(&self) -> Vec<u8> {
        let join = Join {
            v: 1,
            sign: self.install.public(),
            auth: SigningKey::from_seed(&[7; 32]).public(),
            age: AgeIdentity::from_seed(&[8; 32])
                .unwrap()
                .recipient()
                .clone(),
            recovery: None,
            role: Role::Patient,
            label: "Phone".into(),
            app: App {
                name: "app".into(),
                version: "1".into(),
                os: "linux".into(),
            },
        };
        join.to_content().unwrap()
    }

    fn seal(
        &self,
        seq: u64,
        prev: Option<EnvelopeId>,
        kind: Kind,
        content: &[u8],
    ) -> SealedEnvelope {
        let newest = self.rosters.newest().unwrap();
        let recipients = Recipients::up(&newest.roster, None).unwrap();
        let beat = HeaderBeat {
            next_by: newest.roster.at,
            depth: 1,
            oldest: None,
            stuck: 0,
            refused: vec![],
            receipts: vec![],
            clock: vault::ClockState::default(),
            app: "test/1".into(),
        };
        let draft = Draft {
            mailbox: self.up,
            seq,
            prev,
            kind,
            at: newest.roster.at,
            roster: RosterRef::from(newest),
            circle: 0,
            recipients: &recipients,
            content,
            got: &[],
            re: None,
            proof: None,
            beat: Some(beat),
        };
        seal_envelope(&draft, &self.install).unwrap()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join("mail").join(name), bytes).unwrap();
    }

    /// Join, one readings envelope and another, each under its id.
    fn three(&self) -> [SealedEnvelope; 3] {
        let join = self.seal(1, None, Kind::Join, &self.join());
        let first = self.seal(2, Some(join.sealed.id()), Kind::Readings, CONTENT);
        let second = self.seal(3, Some(first.sealed.id()), Kind::Readings, CONTENT);
        [join, first, second]
    }

    fn put_all(&self, envelopes: &[SealedEnvelope]) {
        for envelope in envelopes {
            self.put(&envelope.sealed.id().to_string(), envelope.sealed.bytes());
        }
    }

    fn run(&self, words: &[&str]) -> (i32, String) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut all = vec![
            words[0].to_owned(),
            "--identity".to_owned(),
            path("station.txt"),
        ];
        all.extend(words[1..].iter().map(|word| word.replace("DIR", &path(""))));
        all.push(path("mail"));
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(Path::new(env!("CARGO_BIN_EXE_teleward")))
            .args(all)
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        (status.code().unwrap(), said)
    }

    fn verify(&self) -> (i32, String) {
        self.run(&["verify", "--rosters", "DIRrosters.ndjson"])
    }
}

/// REQ-CLI-002: genuine envelopes verify by their sender's join and the rosters, and open to readable text.
#[test]
fn a_whole_mailbox_verifies_and_opens() {
    let scene = Scene::new();
    scene.put_all(&scene.three());
    let (status, said) = scene.verify();
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("3 of 3 verified"), "{said}");
    let root = wire::b64u::encode(scene.root.public().as_bytes());
    let (status, said) = scene.run(&["verify", "--rosters", "DIRrosters.ndjson", "--root", &root]);
    assert_eq!(status, 0, "{said}");
    assert!(!said.contains("compare it with the invite"), "{said}");
    let (status, said) = scene.run(&["open"]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(said.matches("Observation").count(), 2, "{said}");
}

/// REQ-CLI-003: for each envelope that does not verify, verify says why.
#[test]
fn what_does_not_verify_is_told_why() {
    let scene = Scene::new();
    let [join, first, second] = scene.three();
    scene.put_all(&[join.clone(), second]);
    let (status, said) = scene.verify();
    assert_eq!(status, 1);
    assert!(
        said.contains("numbers 2 to 2 are not among these files"),
        "{said}"
    );

    let mut damaged = first.sealed.bytes().to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    scene.put("damaged", &damaged);
    scene.put("cut-header", &damaged[..40]);
    scene.put(&EnvelopeId([7; 32]).to_string(), first.sealed.bytes());
    let stock =
        vault::seal_file(&[scene.station.recipient().clone()], b"no header here\n").unwrap();
    scene.put("by-a-stock-tool", &stock);
    let other = SigningKey::from_seed(&[33; 32]);
    let stranger = Scene {
        install: other,
        ..Scene::new()
    };
    let foreign = stranger.seal(2, Some(join.sealed.id()), Kind::Readings, CONTENT);
    scene.put("foreign", foreign.sealed.bytes());
    let fork = scene.seal(
        3,
        Some(first.sealed.id()),
        Kind::Readings,
        b"{\"other\":1}\n",
    );
    scene.put("fork", fork.sealed.bytes());

    let (status, said) = scene.run(&["verify", "--json", "--rosters", "DIRrosters.ndjson"]);
    assert_eq!(status, 1);
    for code in [
        "damaged",
        "shape",
        "wrong_file",
        "no_header",
        "unknown_sender",
    ] {
        assert!(
            said.contains(&format!("\"code\":\"{code}\"")),
            "{code} is not in {said}"
        );
    }
    assert!(said.contains("(a fork)"), "{said}");
}

/// REQ-CLI-003: without any key to tell by, verify says so and does not call an envelope genuine.
#[test]
fn without_a_key_nothing_is_genuine() {
    let scene = Scene::new();
    let [_, first, _] = scene.three();
    scene.put_all(&[first]);
    let (status, said) = scene.run(&["verify"]);
    assert_eq!(status, 1);
    assert!(said.contains("give --rosters or --key"), "{said}");
}
