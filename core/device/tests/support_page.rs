//! The table of causes that support staff look up is the one that the code has.

#![allow(clippy::unwrap_used)] // a test's way to fail

use std::collections::BTreeSet;
use teleward_device::{Notice, ReasonCode};

fn row(code: &str, words: &str, next_step: &str) -> String {
    format!("| `{code}` | {words} | {next_step} |\n")
}

/// REQ-DEVICE-045: every ending and every notice has words for the patient, a next step where there is one, and a code
/// that support finds on its page.
#[test]
fn the_page_of_causes_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/support.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (head, rest) = page.split_once("| Code |").unwrap();
    let (_, tail) = rest.split_once("\n\n").unwrap();
    let mut table =
        "| Code | What the patient reads | What the patient can do |\n|---|---|---|\n".to_owned();
    for reason in ReasonCode::ALL {
        table += &row(reason.code(), reason.words(), reason.next_step());
    }
    for notice in Notice::ALL {
        table += &row(notice.code(), notice.words(), notice.next_step());
    }
    let wanted = format!("{head}{table}\n{tail}");
    if std::env::var_os("TELEWARD_BLESS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    assert!(
        page == wanted,
        "docs/support.md: TELEWARD_BLESS=1 writes the table anew"
    );
    for code in ReasonCode::ALL
        .map(ReasonCode::code)
        .iter()
        .chain(&Notice::ALL.map(Notice::code))
    {
        assert!(
            tail.contains(&format!("`{code}`")) || is_plain(code),
            "{code} is not explained"
        );
    }
}

/// What needs no word beyond the table.
fn is_plain(code: &str) -> bool {
    ["done", "nothing_new", "cancelled", "clock_set"].contains(&code)
}

#[test]
fn codes_are_distinct_and_a_patient_is_never_left_without_words() {
    let codes: BTreeSet<&str> = ReasonCode::ALL
        .map(ReasonCode::code)
        .into_iter()
        .chain(Notice::ALL.map(Notice::code))
        .collect();
    assert_eq!(codes.len(), ReasonCode::ALL.len() + Notice::ALL.len());
    for reason in ReasonCode::ALL {
        assert!(!reason.words().is_empty());
        assert!(
            reason.is_good() || reason == ReasonCode::Cancelled || !reason.next_step().is_empty(),
            "{reason}"
        );
        let words = reason.words().split_whitespace().count();
        assert!(words <= 16, "{reason} is not short: {words} words");
    }
    for notice in Notice::ALL {
        assert_eq!(Notice::from_code(notice.code()), Some(notice));
    }
}
