//! Whose readings are: the words for it on the command line, and finding a reading by the beginning of its id.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use companion::{Answer, Companion, HistoryQuery, Person};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Fewer characters of an id could be any reading's.
const SHORTEST: usize = 8;
/// Readings of one page of history.
const PAGE: u32 = 200;

/// Who measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The patient.
    Me,
    /// Somebody else.
    SomebodyElse,
}

impl From<Who> for Person {
    fn from(who: Who) -> Self {
        match who {
            Who::Me => Self::Me,
            Who::SomebodyElse => Self::SomebodyElse,
        }
    }
}

/// An answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It was me.
    Me,
    /// It was somebody else.
    SomebodyElse,
    /// It was me, and nobody else uses this device.
    OnlyMe,
}

impl From<Said> for Answer {
    fn from(said: Said) -> Self {
        match said {
            Said::Me => Self::Me,
            Said::SomebodyElse => Self::SomebodyElse,
            Said::OnlyMe => Self::OnlyMe,
        }
    }
}

/// The code in a file. What it holds is in no message.
pub fn code(file: &Path) -> Result<u16> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = text.trim();
    let digits = text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_digit());
    match text.parse() {
        Ok(code) if digits => Ok(code),
        _ => bail!("{} does not hold a code of four digits", file.display()),
    }
}

/// Says it of all these readings, or of none when one of them is not known.
pub async fn say(companion: &Companion, readings: &[String], who: Who) -> Result<Value> {
    let mut ids = Vec::new();
    for begun in readings {
        ids.push(whole(companion, begun).await?);
    }
    for id in &ids {
        match who {
            Who::Me => companion.me(id).await?,
            Who::SomebodyElse => companion.not_me(id).await?,
        }
    }
    Ok(json!({ "readings": ids }))
}

/// The one reading whose id begins so.
async fn whole(companion: &Companion, begun: &str) -> Result<String> {
    ensure!(
        begun.len() >= SHORTEST,
        "{begun:?} is too short: give at least {SHORTEST} characters of the id in `teleward hub history`"
    );
    let mut found: Vec<String> = Vec::new();
    let mut cursor = None;
    loop {
        let query = HistoryQuery {
            limit: PAGE,
            ..HistoryQuery::default()
        };
        let page = companion.history(query, cursor).await?;
        let begins = page.readings.into_iter().map(|reading| reading.id);
        found.extend(begins.filter(|id| id.starts_with(begun)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    match found.as_slice() {
        [id] => Ok(id.clone()),
        [] => bail!("no reading here begins with {begun:?}: see `teleward hub history`"),
        _ => bail!("several readings begin with {begun:?}: give more characters of the id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-DEVICE-106: a code comes in a file, has four digits, and is told by nobody.
    #[test]
    fn a_code_has_four_digits_and_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("code");
        std::fs::write(&file, "0042\n").unwrap();
        assert_eq!(code(&file).unwrap(), 42);
        for wrong in ["", "42", "12345", "+123", "12a4"] {
            std::fs::write(&file, wrong).unwrap();
            let told = format!("{:#}", code(&file).unwrap_err());
            let place = file.display();
            assert_eq!(told, format!("{place} does not hold a code of four digits"));
        }
        assert!(code(&dir.path().join("none")).is_err());
    }
}
