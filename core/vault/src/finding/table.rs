//! The table of findings in `docs/formats/findings.md` is made from the words in the code and compared with them.

use super::{Finding, Side};
use crate::refusal::Refusal;
use std::fmt::Write as _;
use wire::{EnvelopeId, Kid, MailboxId, Time};

/// One of each.
fn all() -> Vec<Finding> {
    let (mailbox, kid, id) = (MailboxId([1; 16]), Kid([2; 32]), EnvelopeId([3; 32]));
    let since = Time::parse("2026-11-24T07:10:00.000Z").unwrap();
    let reason = || "padding".to_owned();
    vec![
        Finding::Gap {
            mailbox,
            kid,
            from: 7,
            to: 9,
        },
        Finding::Fork {
            mailbox,
            kid,
            seq: 7,
        },
        Finding::BrokenChain {
            mailbox,
            kid,
            seq: 7,
        },
        Finding::Copy {
            mailbox,
            kid,
            seq: 7,
            id,
        },
        Finding::Replays {
            mailbox,
            day: 20_781,
        },
        Finding::RosterBehind {
            mailbox,
            kid,
            stated: 4,
        },
        Finding::RosterFork { n: 4 },
        Finding::RosterRefused {
            reason: "foreign_root".into(),
        },
        Finding::GotBeyondSent {
            mailbox,
            kid,
            seq: 7,
        },
        Finding::ClockOff { mailbox, kid },
        Finding::WaitingLong {
            mailbox,
            id,
            reason: "roster".into(),
        },
        Finding::Quarantined {
            mailbox,
            id,
            reason: reason(),
        },
        Finding::RefusedByPeer {
            mailbox,
            id,
            reason: reason(),
        },
        Finding::RefusedTwice { mailbox, id },
        Finding::CircleWrong { mailbox, n: 2 },
        Finding::UnreadableContent {
            mailbox,
            id,
            kind: "postcard".into(),
        },
        Finding::ForgedReceipt { mailbox, id },
        Finding::WrongBytes { mailbox, id },
        Finding::NotTaken { mailbox, id },
        Finding::Withheld { mailbox, id },
        Finding::WrongList { mailbox },
        Finding::RosterWithheld {
            relay: "https://relay.example".into(),
            n: 4,
        },
        Finding::RelayNotInRoster {
            relay: "https://relay.example".into(),
        },
        Finding::Contested { mailbox },
        Finding::ClaimDiffers { mailbox },
        Finding::LateJoin { mailbox, id },
        Finding::WrongPerson {
            reading: "00".repeat(32),
        },
        Finding::ForeignAmendment {
            mailbox,
            reading: "00".repeat(32),
        },
        Finding::NotHeard { mailbox, since },
        Finding::NoSignOfClinic { mailbox, since },
    ]
}

fn docs(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/formats")
        .join(name)
}

fn table() -> String {
    let mut table =
        String::from("| Code | Told at the clinic | Told to the patient |\n|---|---|---|\n");
    let cell = |finding: &Finding, side| {
        finding.words(side).map_or_else(
            || "–".to_owned(),
            |words| format!("{} *{}*", words.text, words.next_step),
        )
    };
    for finding in all() {
        let (clinic, patient) = (cell(&finding, Side::Clinic), cell(&finding, Side::Patient));
        writeln!(table, "| `{}` | {clinic} | {patient} |", finding.code()).unwrap();
    }
    table
}

/// REQ-VAULT-034: every finding has a stable code and words for the side that can see it, and the page lists them all.
#[test]
fn the_page_of_findings_is_that_of_the_code() {
    let path = docs("findings.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, _) = page.split_once("| Code |").unwrap();
    let wanted = format!("{head}{}", table());
    if std::env::var_os("TELEWARD_BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(
        page == wanted,
        "docs/formats/findings.md: TELEWARD_BLESS=1 writes the table anew"
    );
    let mut codes: Vec<_> = all().iter().map(Finding::code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all().len());
}

/// REQ-VAULT-034: every reason has a stable code, and the page of envelopes lists them all.
#[test]
fn the_page_of_envelopes_lists_every_reason() {
    let page = std::fs::read_to_string(docs("envelope.md")).unwrap();
    for reason in Refusal::ALL {
        assert!(
            page.contains(&format!("`{}`", reason.code())),
            "{} is not in envelope.md",
            reason.code()
        );
    }
}

#[test]
fn each_finding_is_told_to_somebody_once_and_survives_storage() {
    for finding in all() {
        assert!(
            finding.words(Side::Clinic).is_some() || finding.words(Side::Patient).is_some(),
            "{}",
            finding.code()
        );
        let stored = serde_json::to_string(&finding).unwrap();
        assert!(
            stored.starts_with(&format!("{{\"code\":\"{}\"", finding.code())),
            "{stored}"
        );
        assert_eq!(serde_json::from_str::<Finding>(&stored).unwrap(), finding);
        assert!(finding.subject().starts_with(finding.code()));
    }
}
