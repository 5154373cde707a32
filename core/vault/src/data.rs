//! Tables that a clinic's station signs and its installs follow (`typ: tw-data-1`): today the table of device models.
//!
//! In: a table and who adopted it. Out: the statement as JWS, which travels as [`DataMail`]; the reader checks it against
//! the roster and against the number that it holds. See `docs/formats/data.md`.

use crate::content::Content;
use crate::header::Kind;
use serde::{Deserialize, Serialize};
use wire::jws::{JwsError, Unverified, sign_json};
use wire::roster::{RosterChain, StationState};
use wire::{Kid, SigningKey, Time};

const TYP: &str = "tw-data-1";

/// A statement that travels as mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataMail {
    /// Version of the format: 1.
    pub v: u32,
    /// The statement.
    pub jws: String,
}

impl Content for DataMail {
    const KIND: Kind = Kind::Data;
}

/// What a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataTopic {
    /// How models of devices differ from the standard.
    DeviceTable,
    /// One of a later version: kept by nobody here.
    #[serde(other)]
    Unknown,
}

/// A signed table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// Version of the format: 1.
    pub v: u32,
    /// What it is about.
    pub topic: DataTopic,
    /// Rises from table to table of this topic at this clinic; the highest is the one that counts. A station takes the
    /// seconds since 1970, or one more than the last, so that it rises after a restore too.
    pub n: u32,
    /// When it was adopted.
    pub at: Time,
    /// The administrator who adopted it, by name.
    pub adopted_by: String,
    /// The table itself.
    pub table: serde_json::Value,
}

/// Why a statement does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataRefusal {
    /// It is not such a statement, or the signature does not hold.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Another version of the format.
    #[error("the statement has version {0}")]
    Version(u32),
    /// No station of the newest roster that may speak has this key.
    #[error("no station of the clinic has the key {0}")]
    Sender(Kid),
}

impl Data {
    /// Signs it.
    #[must_use]
    pub fn sign(&self, station: &SigningKey) -> String {
        sign_json(station, TYP, self)
    }

    /// Reads a statement of a station that the newest roster names and does not call compromised.
    ///
    /// # Errors
    /// [`DataRefusal`].
    pub fn verify(jws: &str, rosters: &RosterChain) -> Result<Self, DataRefusal> {
        let statement = Unverified::parse(jws, TYP)?;
        let newest = rosters.newest().map(|held| held.roster.stations.as_slice());
        let station = newest
            .unwrap_or_default()
            .iter()
            // an older statement of a station that has retired since still travels in letters of its successor
            .filter(|station| {
                !matches!(
                    station.state,
                    StationState::Compromised | StationState::Unknown
                )
            })
            .find(|station| station.sign.kid() == statement.kid())
            .ok_or(DataRefusal::Sender(statement.kid()))?;
        let data: Self = statement.verify_json(&station.sign)?;
        if data.v != 1 {
            return Err(DataRefusal::Version(data.v));
        }
        Ok(data)
    }
}
