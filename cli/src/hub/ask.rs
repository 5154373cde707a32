//! What one `teleward hub` asks of another: one line of JSON there, one line back, over a socket in the data folder.
//!
//! The socket is for the folder's owner: its folder is, too.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::person::{Said, Who};

/// An invite is 150 bytes; nobody needs a longer line.
const LONGEST_LINE: u64 = 16 * 1024;

/// One request.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum Ask {
    /// Join a clinic.
    Join {
        /// The invite's text.
        invite: String,
        /// How the clinic calls this hub.
        label: String,
        /// Where the recovery sheet goes, if one is wanted.
        recovery_sheet: Option<PathBuf>,
    },
    /// Pair with a device.
    Pair {
        /// How long to look.
        seconds: u64,
        /// Which one; the nearest new one when it is not named.
        #[serde(default)]
        device: Option<String>,
    },
    /// Whether a device that is being paired waits for its digits.
    AreDigitsWanted,
    /// Those digits.
    Digits {
        /// As they were typed.
        typed: String,
    },
    /// List what is near.
    Look {
        /// How long to look.
        seconds: u64,
    },
    /// The state of everything.
    Status,
    /// The traces that are kept, or one of them.
    Trace {
        /// Which one.
        number: Option<i64>,
    },
    /// The newest readings.
    History {
        /// How many.
        limit: u32,
    },
    /// An answer to a question.
    Answer {
        /// Which question.
        question: i64,
        /// The answer.
        answer: Said,
    },
    /// Who a device's user is.
    User {
        /// Which device.
        device: String,
        /// Which of its users.
        user: u8,
        /// Who that is.
        person: Who,
    },
    /// Which of a device's users the patient wants to be.
    Register {
        /// Which device.
        device: String,
        /// A user that is there, and its code; a new one when none is named.
        user: Option<(u8, u16)>,
    },
    /// Whose readings are.
    Readings {
        /// Their ids, or the beginnings of them.
        readings: Vec<String>,
        /// Who measured.
        person: Who,
    },
}

impl Ask {
    /// What it does, for a person who waits.
    pub fn doing(&self) -> &'static str {
        match self {
            Self::Join { .. } => "joining the clinic",
            Self::Pair { device: None, .. } => "looking for a device that is ready to pair",
            Self::Pair { .. } => "pairing",
            Self::Look { .. } => "looking around",
            Self::AreDigitsWanted | Self::Digits { .. } => "pairing",
            Self::Status | Self::Trace { .. } | Self::History { .. } => "reading",
            Self::Answer { .. }
            | Self::User { .. }
            | Self::Register { .. }
            | Self::Readings { .. } => "keeping it",
        }
    }
}

/// An answer as it travels.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What was asked for.
    Well(Value),
    /// Why not, in words.
    Error(String),
}

/// Where the hub in service listens.
pub fn socket(dir: &Path) -> PathBuf {
    dir.join("hub.sock")
}

/// Asks the hub in service; nothing when there is none.
pub async fn in_service(dir: &Path, ask: &Ask) -> Result<Option<Value>> {
    let Ok(mut stream) = UnixStream::connect(socket(dir)).await else {
        return Ok(None);
    };
    let line = serde_json::to_string(ask)? + "\n";
    stream
        .write_all(line.as_bytes())
        .await
        .context("the hub in service went away: try again")?;
    let mut reply = String::new();
    stream
        .read_to_string(&mut reply)
        .await
        .context("the hub in service went away: try again")?;
    match serde_json::from_str(&reply)
        .context("the hub in service is of another version: start it anew")?
    {
        Reply::Well(answer) => Ok(Some(answer)),
        Reply::Error(why) => bail!(why),
    }
}

/// Reads one request of a caller.
pub async fn read(stream: &mut UnixStream) -> Result<Ask> {
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE))
        .read_line(&mut line)
        .await?;
    Ok(serde_json::from_str(&line)?)
}

/// Sends the answer.
pub async fn write(stream: &mut UnixStream, answer: Result<Value>) -> Result<()> {
    let reply = answer.map_or_else(|error| Reply::Error(format!("{error:#}")), Reply::Well);
    stream
        .write_all(serde_json::to_string(&reply)?.as_bytes())
        .await?;
    Ok(stream.shutdown().await?)
}
