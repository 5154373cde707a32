//! Tables of device models that an administrator adopts for the phones of this clinic.
//!
//! In: a table and the administrator's name. Out: the statement, signed by this station and kept, and one letter to every
//! phone whose link is confirmed; a phone that is confirmed later gets it with its welcome.

use crate::accounts;
use crate::audit;
use crate::error::ClinicError;
use crate::letters;
use crate::station::{meta, set_meta};
use store::Tx;
use vault::{Content as _, Data, DataMail, DataTopic, Kind};
use wire::{MailboxId, SigningKey, Time, json};

const ADOPTED: &str = "device_table";
/// The same, signed: what phones get.
const STATEMENT: &str = "device_table_jws";
/// A table is a list of rows, not a store.
const MOST_BYTES: usize = 256 << 10;

/// What was adopted.
#[derive(Debug, serde::Serialize)]
pub struct Adopted {
    /// Its number.
    pub n: u32,
    /// How many phones it goes to now.
    pub phones: u64,
}

/// Reads a table's text: JSON of a bearable size. What stands in it is the phones' matter and checked by the caller.
pub(crate) fn read(text: &str) -> Result<serde_json::Value, ClinicError> {
    let refused = |why: String| ClinicError::Setup(format!("this is no table of devices: {why}"));
    if text.len() > MOST_BYTES {
        return Err(refused(format!("it has more than {MOST_BYTES} bytes")));
    }
    serde_json::from_str(text).map_err(|error| refused(error.to_string()))
}

/// Adopts a table in an administrator's name.
pub(crate) fn adopt(
    tx: &Tx<'_>,
    station: &SigningKey,
    name: &str,
    table: serde_json::Value,
    now: Time,
) -> Result<Adopted, ClinicError> {
    let (account, adopted_by) = accounts::administrator(tx, name)?.ok_or_else(no_administrator)?;
    let before = newest(tx)?.map_or(0, |data| data.n);
    let by_clock = u32::try_from(now.ms() / 1000).unwrap_or(u32::MAX);
    let data = Data {
        v: 1,
        topic: DataTopic::DeviceTable,
        n: by_clock.max(before.saturating_add(1)),
        at: now,
        adopted_by,
        table,
    };
    set_meta(tx, STATEMENT, &data.sign(station))?;
    set_meta(tx, ADOPTED, &json::to_string(&data))?;
    audit::note(
        tx,
        &account,
        "device_table_adopted",
        &data.n.to_string(),
        now,
    )?;
    let mut phones = 0;
    for up in letters::confirmed_links(tx)? {
        send(tx, up, now)?;
        phones += 1;
    }
    Ok(Adopted { n: data.n, phones })
}

/// Puts the adopted table, if there is one, into the queue of a link.
pub(crate) fn send(tx: &Tx<'_>, up: MailboxId, now: Time) -> Result<(), ClinicError> {
    let Some(jws) = meta(tx, STATEMENT)? else {
        return Ok(());
    };
    let content = DataMail { v: 1, jws }.to_content();
    letters::queue(tx, up, &Kind::Data, &content, None, now)
}

/// The adopted table.
pub(crate) fn newest(tx: &Tx<'_>) -> Result<Option<Data>, ClinicError> {
    let kept = meta(tx, ADOPTED)?;
    kept.map(|text| json::parse(text.as_bytes()))
        .transpose()
        .map_err(|_| ClinicError::Kept("a table of devices"))
}

fn no_administrator() -> ClinicError {
    ClinicError::Setup(
        "there is no administrator of this name: `teleward clinic account list` shows them"
            .to_owned(),
    )
}
