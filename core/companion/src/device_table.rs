//! Paired devices: what a session needs to reach one stands in the clear (so that a locked hub goes on collecting),
//! who the device is stands sealed.

use crate::error::CompanionError;
use crate::person::People;
use crate::view::{DeviceView, NoticeView, UserView};
use device::{DeviceHandle, Identity, Notice, ReasonCode, SessionFacts, SessionReport, StoredMark};
use reading::{DeviceFacts, to_hex};
use serde::{Deserialize, Serialize};
use store::rusqlite::{OptionalExtension as _, Row, params};
use store::{Place, RowKey, Tx};
use wire::Time;

/// Who a device is; fixed when it was paired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    pub name: Option<String>,
    pub facts: DeviceFacts,
    pub identity: Identity,
    /// How far its stored records were taken.
    #[serde(default)]
    pub stored: StoredMark,
    /// What the patient has said about its users.
    #[serde(default)]
    pub people: People,
}

/// A paired device.
#[derive(Debug, Clone)]
pub(crate) struct Paired {
    pub id: String,
    pub handle: DeviceHandle,
    pub bonded: bool,
    /// `None` while the keys are out of reach.
    pub who: Option<Who>,
    paired_at: Time,
    last_seen: Option<Time>,
    last_ending: Option<String>,
    last_ended: Option<Time>,
    battery_percent: Option<u8>,
    notices: Vec<Notice>,
    synced_at: Option<Time>,
    clock_behind_ms: Option<i64>,
    clock_read_at: Option<Time>,
}

/// A device's id here: of its handle, which itself may be an address and stays inside.
pub(crate) fn id_of(handle: &DeviceHandle) -> String {
    to_hex(&wire::sha256(&[b"teleward/v1/device\n", handle.0.as_bytes()]).0[..8])
}

fn place(id: &str) -> Place<'_> {
    Place {
        table: "device",
        column: "sealed",
        row: id.as_bytes(),
    }
}

/// Enters a device, or what is known better now about one that is paired again.
pub(crate) fn save(
    tx: &Tx<'_>,
    key: &RowKey,
    handle: &DeviceHandle,
    bonded: bool,
    who: &Who,
    now: Time,
) -> Result<String, CompanionError> {
    let id = id_of(handle);
    let sealed = key.seal(place(&id), wire::json::to_string(who).as_bytes())?;
    tx.execute(
        "INSERT INTO device(id, handle, bonded, sealed, paired_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT(id) DO UPDATE SET bonded = excluded.bonded, sealed = excluded.sealed",
        params![id, handle.0, bonded, sealed, now.ms()],
    )?;
    Ok(id)
}

pub(crate) fn get(
    tx: &Tx<'_>,
    key: Option<&RowKey>,
    id: &str,
) -> Result<Option<Paired>, CompanionError> {
    tx.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?
        .query_row([id], |row| Ok(read(row, key)))
        .optional()?
        .transpose()
}

pub(crate) fn all(tx: &Tx<'_>, key: Option<&RowKey>) -> Result<Vec<Paired>, CompanionError> {
    let mut rows = tx.prepare_cached(&format!("{SELECT} ORDER BY paired_at, id"))?;
    let mut rows = rows.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row, key)?);
    }
    Ok(found)
}

pub(crate) fn remove(tx: &Tx<'_>, id: &str) -> Result<bool, CompanionError> {
    Ok(tx.execute("DELETE FROM device WHERE id = ?1", [id])? > 0)
}

/// Keeps how far a device's stored records were taken.
pub(crate) fn set_mark(
    tx: &Tx<'_>,
    key: &RowKey,
    id: &str,
    mark: &StoredMark,
) -> Result<(), CompanionError> {
    let Some(who) = get(tx, Some(key), id)?.and_then(|paired| paired.who) else {
        return Ok(());
    };
    let who = Who {
        stored: mark.clone(),
        ..who
    };
    set_who(tx, key, id, &who)
}

/// Keeps what was said about a device's users; nothing of one that is not paired.
pub(crate) fn set_people(
    tx: &Tx<'_>,
    key: &RowKey,
    id: &str,
    people: &People,
) -> Result<(), CompanionError> {
    let Some(who) = get(tx, Some(key), id)?.and_then(|paired| paired.who) else {
        return Ok(());
    };
    let who = Who {
        people: people.clone(),
        ..who
    };
    set_who(tx, key, id, &who)
}

fn set_who(tx: &Tx<'_>, key: &RowKey, id: &str, who: &Who) -> Result<(), CompanionError> {
    let sealed = key.seal(place(id), wire::json::to_string(who).as_bytes())?;
    tx.execute(
        "UPDATE device SET sealed = ?2 WHERE id = ?1",
        params![id, sealed],
    )?;
    Ok(())
}

/// Notes how a session ended. A device that was reached was seen; one whose session ended well gave all that it had.
pub(crate) fn ended(
    tx: &Tx<'_>,
    id: &str,
    report: &SessionReport,
    now: Time,
) -> Result<(), CompanionError> {
    let reason = report.reason;
    let well = reason.is_good();
    let reached = well || matches!(reason, ReasonCode::LinkLost | ReasonCode::NotAnswering);
    tx.execute(
        "UPDATE device SET last_ending = ?2, last_ended = ?5, last_seen = CASE WHEN ?3 THEN ?5 ELSE last_seen END,
             synced_at = CASE WHEN ?4 THEN ?5 ELSE synced_at END WHERE id = ?1",
        params![id, reason.code(), reached, well, now.ms()],
    )?;
    if reached {
        // What was noticed stands until the device has been met again.
        let codes: Vec<&str> = report.notices.iter().map(|notice| notice.code()).collect();
        tx.execute(
            "UPDATE device SET notices = ?2 WHERE id = ?1",
            params![id, codes.join(" ")],
        )?;
    }
    Ok(())
}

/// Notes what a session read beside its records; what it did not read stays as it was.
pub(crate) fn learnt(
    tx: &Tx<'_>,
    id: &str,
    facts: &SessionFacts,
    utc_offset_min: i16,
    now: Time,
) -> Result<(), CompanionError> {
    if let Some(percent) = facts.battery_percent {
        tx.execute(
            "UPDATE device SET battery = ?2 WHERE id = ?1",
            params![id, percent],
        )?;
    }
    let clock = facts.clock.as_ref();
    if let Some(behind) = clock.and_then(|clock| clock.offset_ms(utc_offset_min)) {
        tx.execute(
            "UPDATE device SET clock_behind_ms = ?2, clock_read_at = ?3 WHERE id = ?1",
            params![id, behind, now.ms()],
        )?;
    }
    Ok(())
}

pub(crate) fn view(paired: &Paired) -> DeviceView {
    let facts = paired.who.as_ref().map(|who| &who.facts);
    let name = paired.who.as_ref().and_then(|who| who.name.clone());
    let model = facts.and_then(|facts| facts.model.clone());
    DeviceView {
        id: paired.id.clone(),
        name: name
            .or_else(|| model.clone())
            .unwrap_or_else(|| "device without a name".to_owned()),
        maker: facts.and_then(|facts| facts.maker.clone()),
        model,
        serial_tail: facts.and_then(|facts| facts.serial.as_deref()).map(tail),
        paired_at: paired.paired_at,
        last_seen: paired.last_seen,
        state: "resting".to_owned(),
        last_ending: paired.last_ending.clone(),
        last_ending_text: paired
            .last_ending
            .as_deref()
            .and_then(ReasonCode::from_code)
            .map(|reason| with_next_step(reason.words(), reason.next_step())),
        last_ended: paired.last_ended,
        battery_percent: paired.battery_percent,
        notices: paired
            .notices
            .iter()
            .map(|notice| NoticeView {
                code: notice.code().to_owned(),
                text: with_next_step(notice.words(), notice.next_step()),
            })
            .collect(),
        bonded: paired.bonded,
        synced_at: paired.synced_at,
        clock_behind_ms: paired.clock_behind_ms,
        clock_read_at: paired.clock_read_at,
        users: users(paired),
        only_me: paired.who.as_ref().is_some_and(|who| who.people.only_me),
    }
}

fn users(paired: &Paired) -> Vec<UserView> {
    let slots = paired.who.iter().flat_map(|who| &who.people.slots);
    slots
        .map(|(slot, person)| UserView {
            slot: *slot,
            person: *person,
        })
        .collect()
}

/// What happened, and what to do about it.
pub(crate) fn with_next_step(words: &str, next_step: &str) -> String {
    format!("{words} {next_step}").trim_end().to_owned()
}

fn tail(serial: &str) -> String {
    let count = serial.chars().count();
    serial.chars().skip(count.saturating_sub(4)).collect()
}

const SELECT: &str = "SELECT id, handle, bonded, sealed, paired_at, last_seen, last_ending, battery, last_ended, synced_at, clock_behind_ms, clock_read_at, notices FROM device";

fn read(row: &Row<'_>, key: Option<&RowKey>) -> Result<Paired, CompanionError> {
    let id: String = row.get(0)?;
    let sealed: Vec<u8> = row.get(3)?;
    let who = key
        .map(|key| -> Result<Who, CompanionError> {
            let text = key.open(place(&id), &sealed)?;
            serde_json::from_slice(&text)
                .map_err(|_| CompanionError::internal("a kept device cannot be read"))
        })
        .transpose()?;
    Ok(Paired {
        handle: DeviceHandle(row.get(1)?),
        bonded: row.get(2)?,
        who,
        paired_at: Time::from_ms(row.get(4)?),
        last_seen: row.get::<_, Option<i64>>(5)?.map(Time::from_ms),
        last_ending: row.get(6)?,
        battery_percent: row.get(7)?,
        last_ended: row.get::<_, Option<i64>>(8)?.map(Time::from_ms),
        synced_at: row.get::<_, Option<i64>>(9)?.map(Time::from_ms),
        clock_behind_ms: row.get(10)?,
        clock_read_at: row.get::<_, Option<i64>>(11)?.map(Time::from_ms),
        // A code of a later version says nothing here.
        notices: row
            .get::<_, String>(12)?
            .split_whitespace()
            .filter_map(Notice::from_code)
            .collect(),
        id,
    })
}
