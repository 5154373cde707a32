//! What devices say about the time, for `teleward decode`: Current Time Service and Date Time.

use super::{Entry, Fields, names, text};
use crate::bits::named;
use crate::bytes::{Cursor, DecodeError};
use crate::datetime::CurrentTime;
use crate::local_time::LocalTimeInformation;
use reading::{DeviceTime, to_hex};

/// What this family can print.
pub(super) const ENTRIES: [Entry; 3] = [
    Entry {
        characteristic: 0x2a2b,
        kind: "current_time",
        about: "Current Time",
        fields: current_time,
    },
    Entry {
        characteristic: 0x2a0f,
        kind: "local_time_information",
        about: "Local Time Information",
        fields: local_time,
    },
    Entry {
        characteristic: 0x2a08,
        kind: "date_time",
        about: "Date Time",
        fields: date_time,
    },
];

/// The names of the reasons, from bit 0.
const REASONS: [&str; 4] = [
    "manual",
    "external_reference",
    "zone_changed",
    "summer_time_changed",
];

fn current_time(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = CurrentTime::decode(frame)?;
    let reasons = read.adjust_reason;
    let mut fields: Fields = vec![
        ("time", text(read.time)),
        ("weekday", text(read.weekday)),
        ("fractions_256", text(read.fractions)),
        (
            "adjust_reason",
            names(named(u32::from(reasons), 0, &REASONS)),
        ),
    ];
    if reasons & 0xf0 != 0 {
        fields.push(("adjust_reason_reserved", to_hex(&[reasons & 0xf0]).into()));
    }
    Ok(fields)
}

fn local_time(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = LocalTimeInformation::decode(frame)?;
    let mut fields: Fields = vec![
        ("zone", text(read.zone)),
        ("summer_time", text(read.summer_time)),
    ];
    fields.extend(read.zone_min().map(|min| ("zone_min", text(min))));
    fields.extend(
        read.summer_time_min()
            .map(|min| ("summer_time_min", text(min))),
    );
    Ok(fields)
}

fn date_time(frame: &[u8]) -> Result<Fields, DecodeError> {
    let mut cursor = Cursor::new(frame);
    let time = DeviceTime::from_bytes(cursor.take("time")?);
    cursor.end()?;
    Ok(vec![("time", text(time))])
}
