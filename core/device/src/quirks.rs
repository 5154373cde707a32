//! How single models differ from the standard: one table of rows, `quirks/table.json`, and its reader.
//!
//! A row says for which devices it counts (by maker, model, firmware, name, service), what they do ([`Behaviour`]), where
//! that is known from and how well it is proven ([`Proof`]), and with which frames it is tested. A newer table is a text
//! like this one: a behaviour in it that this version does not know does nothing, so that an older companion can use
//! the rest.

use serde::Deserialize;
use std::collections::BTreeSet;

/// The table that this version brings along.
const BUILT_IN: &str = include_str!("quirks/table.json");

/// The version of the table's form.
const VERSION: u32 = 1;

/// Why a text is no table.
#[derive(Debug, thiserror::Error)]
pub enum QuirkError {
    /// It is not what the form asks for.
    #[error("the table of devices cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// It has another form.
    #[error("the table of devices has form {0}; this version knows form 1: update the app")]
    Version(u32),
    /// A row that would count for every device.
    #[error("row {id} names no device: it would count for all")]
    Everything {
        /// The row.
        id: String,
    },
    /// Two rows with one name.
    #[error("two rows are called {id}")]
    Twice {
        /// The name.
        id: String,
    },
}

/// All rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuirkTable {
    rows: Vec<Quirk>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Quirk {
    /// Its name in the table.
    pub id: String,
    /// What it is about, for a person.
    pub about: String,
    /// For which devices it counts.
    #[serde(rename = "match")]
    pub devices: Devices,
    /// What they do.
    pub behaviours: Vec<Behaviour>,
    /// How well it is proven.
    pub proof: Proof,
    /// Where it is known from.
    pub sources: Vec<String>,
    /// With what it is tested.
    pub frames: Vec<TestFrame>,
}

/// For which devices a row counts: one pattern of each list that is not empty must fit. In a pattern `*` stands for any
/// letters; upper and lower case are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Devices {
    /// Names that they advertise.
    pub name: Vec<String>,
    /// Manufacturer Name String.
    pub maker: Vec<String>,
    /// Model Number String.
    pub model: Vec<String>,
    /// Firmware Revision String.
    pub firmware: Vec<String>,
    /// Services, four hex digits.
    pub service: Vec<String>,
}

/// What is known of a device that is met; what is not known yet is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Met {
    /// The name that it advertises.
    pub name: String,
    /// Manufacturer Name String.
    pub maker: String,
    /// Model Number String.
    pub model: String,
    /// Firmware Revision String.
    pub firmware: String,
    /// The 16-bit numbers of its services.
    pub services: Vec<u16>,
}

/// What a model does otherwise than the standard, or within it so that it must be known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Behaviour {
    /// NaN throughout is a failed measurement.
    AllNanIsFailed,
    /// Says in its advertisement, under this company number, whether it waits for pairing and what is stored.
    AdvertisesState {
        /// The Bluetooth SIG's number of the company.
        company: u16,
    },
    /// Asks the person twice to pair.
    AsksToPairTwice,
    /// Bond before anything else, or two dialogs appear.
    BondFirst,
    /// Gives nothing without a bond.
    BondRequired,
    /// Stays with a former phone until its batteries are taken out.
    BoundToFormerPhone,
    /// Its clock may be written at the first notification of Current Time only, and only when it is this wrong.
    ClockAtFirstNotification {
        /// Minutes.
        wrong_by_min: u16,
    },
    /// Answers a written time with this status, and has taken it.
    ClockWriteStatus {
        /// The ATT status.
        code: u8,
    },
    /// Closes the link when a strip is put in.
    ClosesAtStrip,
    /// Reports itself connected before the code is entered.
    ConnectedBeforePasskey,
    /// Keeps users apart by registration and consent.
    Consent,
    /// Disconnects by itself after sending.
    DisconnectsAfterSending,
    /// Fails when discovery starts late.
    DiscoverAtOnce,
    /// Removing the bond breaks the next session.
    KeepBond,
    /// What is marked as read is lost for the maker's app.
    KeepUnreadCounter,
    /// The standard service gives the latest reading or nothing.
    LatestOnly,
    /// May give nothing before one value is stored.
    NeedsStoredValue,
    /// Cannot tell whether it touches the skin.
    NoContact,
    /// Connecting at once after it disconnected blocks the next measurement.
    NoInstantReconnect,
    /// Sends this characteristic with a layout of its own: it is not read.
    OwnLayout {
        /// Four hex digits.
        characteristic: String,
    },
    /// How a person brings it into its pairing mode.
    PairingMode {
        /// A short sentence for a patient.
        how: String,
    },
    /// Pairs in its pairing mode only.
    PairingModeOnly,
    /// Shows a code of so many digits.
    Passkey {
        /// How many.
        digits: u8,
    },
    /// Sends a rate of 0 until it feels a beat.
    #[serde(rename = "rate_0_is_no_value")]
    Rate0IsNoValue,
    /// Sends its whole memory each time.
    SendsAllEachTime,
    /// Wants so long a pause after the link is up.
    Settle {
        /// Milliseconds.
        ms: u32,
    },
    /// Sends several times between beats in one frame.
    SeveralTimesBetweenBeats,
    /// Takes no more users.
    SlotsMayBeFull,
    /// Holds so many users.
    Users {
        /// How many at most.
        at_most: u8,
    },
    /// Has a clock of its own.
    VendorClock {
        /// Its service.
        service: String,
        /// Its characteristic.
        characteristic: String,
    },
    /// Speaks the maker's protocol only.
    VendorProtocol,
    /// Keeps older readings in a service of the maker.
    VendorService {
        /// That service.
        service: String,
    },
    /// One of a newer table: it does nothing here.
    #[serde(other)]
    Unknown,
}

/// How well a row is proven, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Seen by us on the device.
    Hardware,
    /// A frame of the device, recorded by others.
    Captured,
    /// In a document of the maker.
    Documented,
    /// Told by users or maintainers of other software.
    Reported,
    /// Put together from descriptions; to be confirmed on a device.
    Reconstructed,
    /// Our reasoning.
    Inferred,
}

/// A frame with which a row is tested.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TestFrame {
    /// Four hex digits.
    pub characteristic: String,
    /// The frame in hex.
    pub hex: String,
    /// `frame` when it is read, or the code of the error with which it is refused.
    pub becomes: String,
    /// Where it comes from.
    pub from: Proof,
}

#[derive(Deserialize)]
struct Form {
    v: u32,
}

#[derive(Deserialize)]
struct Rows {
    rows: Vec<Quirk>,
}

impl QuirkTable {
    /// The table that this version brings along; empty only if it were none, which a test rules out.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).unwrap_or(Self { rows: Vec::new() })
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`QuirkError`]; a table is taken as a whole or not at all.
    pub fn parse(text: &str) -> Result<Self, QuirkError> {
        let form: Form = serde_json::from_str(text)?;
        if form.v != VERSION {
            return Err(QuirkError::Version(form.v));
        }
        let Rows { rows } = serde_json::from_str(text)?;
        let mut seen = BTreeSet::new();
        for row in &rows {
            if row.devices == Devices::default() {
                return Err(QuirkError::Everything { id: row.id.clone() });
            }
            if !seen.insert(&row.id) {
                return Err(QuirkError::Twice { id: row.id.clone() });
            }
        }
        Ok(Self { rows })
    }

    /// This table with a newer one laid over it: a row of the newer one replaces the one of its name; a row without
    /// behaviours so takes one away.
    #[must_use]
    pub fn under(self, newer: Self) -> Self {
        let mut rows = newer.rows;
        let replaced: BTreeSet<String> = rows.iter().map(|row| row.id.clone()).collect();
        rows.extend(
            self.rows
                .into_iter()
                .filter(|row| !replaced.contains(&row.id)),
        );
        Self { rows }
    }

    /// All rows, in the order of the table.
    #[must_use]
    pub fn rows(&self) -> &[Quirk] {
        &self.rows
    }

    /// The rows that count for a device. Ask again when more of it is known: a row never counts by what is not known.
    pub fn of<'a>(&'a self, met: &'a Met) -> impl Iterator<Item = &'a Quirk> {
        self.rows.iter().filter(|row| row.devices.count_for(met))
    }

    /// What a device is known to do.
    pub fn behaviours<'a>(&'a self, met: &'a Met) -> impl Iterator<Item = &'a Behaviour> {
        let all = self.of(met).flat_map(|row| &row.behaviours);
        all.filter(|behaviour| **behaviour != Behaviour::Unknown)
    }
}

impl Devices {
    fn count_for(&self, met: &Met) -> bool {
        let services: Vec<String> = met.services.iter().map(|s| format!("{s:04x}")).collect();
        let fits = |patterns: &[String], value: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, value))
        };
        fits(&self.name, &met.name)
            && fits(&self.maker, &met.maker)
            && fits(&self.model, &met.model)
            && fits(&self.firmware, &met.firmware)
            && (self.service.is_empty()
                || services.iter().any(|service| fits(&self.service, service)))
    }
}

/// Whether a value fits a pattern. What is not known fits none.
fn fits(pattern: &str, value: &str) -> bool {
    let (pattern, value) = (pattern.to_lowercase(), value.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = value.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty() && !value.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last) && !value.is_empty()
}
