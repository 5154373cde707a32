//! Raw records between their arrival and their becoming readings.
//!
//! A record is durable the moment it arrives, before its device's identity and clock are known. It becomes a reading
//! when the session has told what it can, has ended, or after fifteen minutes, under a provisional identity then. A
//! frame that cannot be decoded stays here and is told; it blocks nothing.

use crate::device_table::{self, Who};
use crate::error::CompanionError;
use crate::finding;
use crate::journal;
use crate::models;
use crate::person;
use device::{
    CapturedRecord, DecodeError, Identity, SessionFacts, identity_at_pairing, to_reading,
};
use reading::{DeviceFacts, DeviceIdentity};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::rusqlite::params;
use store::{Place, RowKey, Tx};
use wire::{InstallId, Time};

/// A record waits so long for its device's identity (`docs/formats/`, reading id).
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// What goes into the spool while the keys are locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Spooled {
    /// A typed reading, whole.
    Reading(Box<reading::Reading>),
    /// A raw record.
    Record(CapturedRecord),
    /// What the session of this connection learnt.
    Facts {
        connection: [u8; 16],
        facts: Box<SessionFacts>,
    },
}

/// Which record: the connection and the number within it.
fn row_name(connection: &[u8; 16], ordinal: u32) -> [u8; 20] {
    let mut name = [0; 20];
    name[..16].copy_from_slice(connection);
    name[16..].copy_from_slice(&ordinal.to_be_bytes());
    name
}

fn place(name: &[u8; 20]) -> Place<'_> {
    Place {
        table: "captured",
        column: "sealed",
        row: name,
    }
}

/// Keeps a raw record; the same one twice is one.
pub(crate) fn keep(
    tx: &Tx<'_>,
    key: &RowKey,
    record: &CapturedRecord,
    now: Time,
) -> Result<(), CompanionError> {
    let body = wire::json::to_string(record);
    tx.prepare_cached(
        "INSERT INTO captured(connection, ordinal, sealed, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        record.connection,
        record.ordinal,
        key.seal(place(&row_name(&record.connection, record.ordinal)), body.as_bytes())?,
        now.ms()
    ])?;
    Ok(())
}

/// Makes readings of a connection's records. Returns how many were new.
pub(crate) fn settle(
    tx: &Tx<'_>,
    key: &RowKey,
    install: InstallId,
    connection: &[u8; 16],
    facts: &SessionFacts,
    now: Time,
) -> Result<u32, CompanionError> {
    let mut rows = tx.prepare_cached("SELECT id, sealed, ordinal FROM captured WHERE connection = ?1 AND fault IS NULL ORDER BY ordinal")?;
    let rows = rows.query_map([connection], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, Vec<u8>>(1)?,
            row.get(2)?,
        ))
    })?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut new = 0;
    for (row, sealed, ordinal) in rows {
        let body = key.open(place(&row_name(connection, ordinal)), &sealed)?;
        let record: CapturedRecord = serde_json::from_slice(&body)
            .map_err(|_| CompanionError::internal("a kept record cannot be read"))?;
        let (facts, identity) = known(tx, key, &record, facts)?;
        match to_reading(&record, &facts, &identity, install.0) {
            Ok(reading) => {
                let agreed = facts.users.and_then(|users| users.outcome.slot());
                let added = person::enter(tx, key, &record.device, reading, agreed, now)?;
                new += u32::from(added == journal::Added::New);
                tx.execute("DELETE FROM captured WHERE id = ?1", [row])?;
            }
            // A context whose measurement came before: kept as it is, and nothing to be told.
            Err(DecodeError::NotAReading { .. }) => {
                tx.execute(
                    "UPDATE captured SET fault = 'no_reading' WHERE id = ?1",
                    [row],
                )?;
            }
            Err(_) => {
                tx.execute(
                    "UPDATE captured SET fault = 'undecodable' WHERE id = ?1",
                    [row],
                )?;
                finding::note_own(tx, finding::BAD_FRAME, &format!("{row}"), now)?;
            }
        }
    }
    Ok(new)
}

/// Makes readings of what has waited too long, and of what no session of this process will settle.
pub(crate) fn settle_old(
    tx: &Tx<'_>,
    key: &RowKey,
    install: InstallId,
    running: &[[u8; 16]],
    now: Time,
) -> Result<u32, CompanionError> {
    let mut rows = tx.prepare_cached(
        "SELECT connection, max(at) FROM captured WHERE fault IS NULL GROUP BY connection",
    )?;
    let rows = rows.query_map([], |row| {
        Ok((row.get::<_, [u8; 16]>(0)?, Time::from_ms(row.get(1)?)))
    })?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut new = 0;
    for (connection, at) in rows {
        // A time that lies ahead means that the clock was set back: do not wait for it.
        let waits = running.contains(&connection) && at <= now && now.since(at) < LONGEST_WAIT;
        if !waits {
            new += settle(tx, key, install, &connection, &SessionFacts::default(), now)?;
        }
    }
    Ok(new)
}

/// Whether anything waits here.
pub(crate) fn is_empty(tx: &Tx<'_>) -> Result<bool, CompanionError> {
    Ok(!tx.query_row(
        "SELECT EXISTS(SELECT 1 FROM captured WHERE fault IS NULL)",
        [],
        |row| row.get::<_, bool>(0),
    )?)
}

/// The device's own identity, fixed when it was paired; a provisional one when there is none.
fn known(
    tx: &Tx<'_>,
    key: &RowKey,
    record: &CapturedRecord,
    facts: &SessionFacts,
) -> Result<(SessionFacts, Identity), CompanionError> {
    let paired = device_table::get(tx, Some(key), &device_table::id_of(&record.device))?;
    let mut facts = facts.clone();
    if let Some(Who {
        name,
        facts: kept,
        identity,
        ..
    }) = paired.and_then(|paired| paired.who)
    {
        facts.own_layouts = models::not_by_the_standard(tx, name.as_deref(), &kept)?;
        facts.device = kept;
        return Ok((facts, identity));
    }
    facts.own_layouts = models::not_by_the_standard(tx, None, &facts.device)?;
    let identity = identity_of(&facts.device, &record.device);
    Ok((facts, identity))
}

/// The strongest identity that the facts give, else a provisional one that stands for this handle for good.
pub(crate) fn identity_of(facts: &DeviceFacts, handle: &device::DeviceHandle) -> Identity {
    if let Some(device) = identity_at_pairing(facts) {
        return Identity {
            device,
            provisional: false,
        };
    }
    let [a, b, c, d, e, f, ..] =
        wire::sha256(&[b"teleward/v1/provisional\n", handle.0.as_bytes()]).0;
    // The bits of a random static address (Bluetooth Core, vol. 6, part B, 1.3.2.1): no maker's, so nobody else's.
    Identity {
        device: DeviceIdentity::Address([a | 0xc0, b, c, d, e, f]),
        provisional: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provisional_identity_is_the_same_for_the_same_device() {
        let of = |handle: &str| {
            identity_of(
                &DeviceFacts::default(),
                &device::DeviceHandle(handle.into()),
            )
        };
        let vector = Identity {
            device: DeviceIdentity::Address([0xe2, 0x10, 0xfb, 0x0f, 0xd4, 0xb6]),
            provisional: true,
        };
        assert_eq!(of("cuff-1"), vector);
        assert_ne!(of("cuff-2"), vector);
    }
}
