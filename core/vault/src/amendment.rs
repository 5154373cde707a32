//! The content of an `amend` envelope: statements about readings, one JSON object a line. Each names its reading, stands
//! beside it for good and never replaces it. Layout and what counts: `docs/formats/amend.md`.
//!
//! In: what a person said at an install. Out: lines. The companion writes them, the station reads them.

use serde::{Deserialize, Serialize};
use wire::{Hash, Time, json};

/// One statement about one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// Version of the format: 1.
    pub v: u32,
    /// The reading's id, in hex.
    pub reading: Hash,
    /// What is said.
    pub what: Amends,
    /// When it was said. From one install about one reading, a later statement has a later time.
    pub at: Time,
    /// The device's user slot, when the statement follows from what was said about that slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u8>,
}

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amends {
    /// The patient measured: a doubt is gone, or *not me* is taken back.
    Me,
    /// Somebody else measured.
    NotMe,
}

impl Amends {
    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::NotMe => "not_me",
        }
    }

    /// The statement with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Me, Self::NotMe]
            .into_iter()
            .find(|known| known.as_str() == name)
    }
}

/// What a content says, and how many of its lines say nothing that is understood here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Amendments {
    /// The statements, in the order of the lines.
    pub said: Vec<Amendment>,
    /// Lines of a later version, of a kind that is not built yet, or that are no statement: kept in the letter, reported.
    pub unreadable: u64,
}

impl Amendment {
    /// One line, with its LF.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut line = json::to_string(self);
        line.push('\n');
        line
    }

    /// Reads a whole content. A line that is not understood holds up none of the others.
    #[must_use]
    pub fn read(content: &[u8]) -> Amendments {
        let mut read = Amendments::default();
        let lines = content.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.is_empty()) {
            match json::parse::<Self>(line) {
                Ok(said) if said.v == 1 => read.said.push(said),
                _ => read.unreadable += 1,
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amendment() -> impl Strategy<Value = Amendment> {
        let what = prop_oneof![Just(Amends::Me), Just(Amends::NotMe)];
        let at = 0..4_102_444_800_000_i64;
        (any::<[u8; 32]>(), what, at, any::<Option<u8>>()).prop_map(|(reading, what, at, user)| {
            Amendment {
                v: 1,
                reading: Hash(reading),
                what,
                at: Time::from_ms(at),
                user,
            }
        })
    }

    proptest! {
        /// REQ-READING-040: what is written about readings is read as the same, line by line.
        #[test]
        fn statements_are_read_as_they_were_written(said in proptest::collection::vec(amendment(), 0..20)) {
            let content: String = said.iter().map(Amendment::to_line).collect();
            let read = Amendment::read(content.as_bytes());
            prop_assert_eq!(read, Amendments { said, unreadable: 0 });
        }

        /// REQ-READING-040: whatever bytes come, each line is a statement or is counted as unreadable.
        #[test]
        fn any_bytes_are_answered(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
            let read = Amendment::read(&content);
            prop_assert_eq!(read.said.len() as u64 + read.unreadable, lines);
        }
    }

    /// REQ-READING-040: the line is fixed; a later version, a kind that is not built and a line that is none are counted,
    /// and hold up nothing.
    #[test]
    fn the_line_is_fixed_and_what_is_not_understood_is_counted() {
        let first = Amendment {
            v: 1,
            reading: Hash([0xab; 32]),
            what: Amends::NotMe,
            at: Time::from_ms(1_790_000_000_000),
            user: Some(2),
        };
        let id = "ab".repeat(32);
        let line = format!(
            "{{\"v\":1,\"reading\":\"{id}\",\"what\":\"not_me\",\"at\":\"2026-09-21T14:13:20.000Z\",\"user\":2}}\n"
        );
        assert_eq!(first.to_line(), line);
        let back = line
            .replace("not_me", "me")
            .replace(",\"user\":2", ",\"more\":[]");
        let content = [
            line.clone(),
            line.replace("\"v\":1", "\"v\":2"),
            line.replace("not_me", "typo"),
            line.replace("\"user\":2", "\"user\":256"),
            line.replace(&id, &id[2..]),
            line.replace("\"v\":1,", "\"v\":1,\"v\":1,"),
            "noise\n".to_owned(),
            back,
        ]
        .concat();
        let read = Amendment::read(content.as_bytes());
        let second = Amendment {
            what: Amends::Me,
            user: None,
            ..first
        };
        assert_eq!((read.said, read.unreadable), (vec![first, second], 6));
    }
}
