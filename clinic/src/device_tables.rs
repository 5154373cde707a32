//! Tables of device models that an administrator adopts for the phones of this clinic.
//!
//! In: a table and the administrator's name. Out: what it changes; then the statement, signed by this station and kept,
//! and one letter to every phone whose link is confirmed; a phone that is confirmed later gets it with its welcome.
//! Refused is what is no table, what is older than the one in force ([`TableRefused`]), and whoever is no administrator.

mod changes;

pub(crate) use changes::Changes;

use crate::accounts;
use crate::audit;
use crate::error::ClinicError;
use crate::letters;
use crate::station::{meta, set_meta};
use jiff::civil::Date;
use serde_json::Value;
use store::Tx;
use vault::{Content as _, Data, DataMail, DataTopic, Kind};
use wire::{MailboxId, SigningKey, Time, json};

const ADOPTED: &str = "device_table";
/// The same, signed: what phones get.
const STATEMENT: &str = "device_table_jws";
/// A table is a list of rows, not a store.
pub(crate) const MOST_BYTES: usize = 256 << 10;

/// Reads a table of devices as phones will, which a station cannot; gives the number of its rows, or why it is none.
pub type CheckTable = fn(&str) -> Result<usize, String>;

/// Why a table is not adopted.
#[derive(Debug, thiserror::Error)]
pub enum TableRefused {
    /// It is none.
    #[error(
        "This is no table of devices: {0}. Nothing was adopted; ask whoever made the file for a new one."
    )]
    Unreadable(String),
    /// It was issued before the one in force.
    #[error(
        "This table was issued on {issued}, the one in force on {in_force}: it is older. Nothing was adopted; to go back on \
         purpose, give the file today's date as `issued`."
    )]
    Older {
        /// The file's date.
        issued: Date,
        /// The date of the one in force.
        in_force: Date,
    },
    /// It does not say when it was issued, and the one in force does.
    #[error(
        "This table does not say when it was issued, and the one in force was issued on {in_force}: it may be older. Nothing \
         was adopted; ask for one that has `issued`."
    )]
    Undated {
        /// The date of the one in force.
        in_force: Date,
    },
    /// It is the one in force.
    #[error("This table is the one in force. There is nothing to adopt.")]
    Same,
    /// Another was adopted since its changes were shown.
    #[error(
        "Another table was adopted since you looked. Nothing was adopted now; look again at what this one changes."
    )]
    Meanwhile,
}

/// A text that is a table: JSON of a bearable size that phones can read.
#[derive(Debug)]
pub(crate) struct Table {
    value: Value,
    /// How many rows it has.
    pub rows: usize,
    /// When it was issued, where it says so.
    pub issued: Option<Date>,
}

/// What was adopted.
#[derive(Debug, serde::Serialize)]
pub struct Adopted {
    /// Its number.
    pub n: u32,
    /// How many phones it goes to now.
    pub phones: u64,
}

impl Table {
    /// Reads a table's text; `check` reads it as a phone does.
    pub(crate) fn read(text: &str, check: CheckTable) -> Result<Self, TableRefused> {
        if text.len() > MOST_BYTES {
            let why = format!("it has more than {MOST_BYTES} bytes");
            return Err(TableRefused::Unreadable(why));
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|error| TableRefused::Unreadable(error.to_string()))?;
        let rows = check(text).map_err(TableRefused::Unreadable)?;
        let issued = issued(&value).map_err(TableRefused::Unreadable)?;
        Ok(Self {
            value,
            rows,
            issued,
        })
    }

    /// What it changes in the table in force; refused where it may not follow that one.
    pub(crate) fn over(&self, in_force: Option<&Data>) -> Result<Changes, TableRefused> {
        if let Some(held) = in_force {
            if held.table == self.value {
                return Err(TableRefused::Same);
            }
            match (issued(&held.table).ok().flatten(), self.issued) {
                (Some(in_force), Some(issued)) if issued < in_force => {
                    return Err(TableRefused::Older { issued, in_force });
                }
                (Some(in_force), None) => return Err(TableRefused::Undated { in_force }),
                _ => {}
            }
        }
        Ok(Changes::between(
            in_force.map(|held| &held.table),
            &self.value,
        ))
    }
}

/// `issued` of a table: a date, or nothing.
pub(crate) fn issued(table: &Value) -> Result<Option<Date>, String> {
    match table.get("issued") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| "`issued` is no date such as 2026-11-30".to_owned()),
        Some(_) => Err("`issued` is no date such as 2026-11-30".to_owned()),
    }
}

/// Adopts a table in an administrator's name. `seen` is the number of the table in force whose changes the administrator
/// looked at, 0 for none; without it, whatever is in force is followed.
pub(crate) fn adopt(
    tx: &Tx<'_>,
    station: &SigningKey,
    name: &str,
    table: Table,
    seen: Option<u32>,
    now: Time,
) -> Result<Adopted, ClinicError> {
    let (account, adopted_by) = accounts::administrator(tx, name)?.ok_or_else(no_administrator)?;
    let in_force = newest(tx)?;
    let before = in_force.as_ref().map_or(0, |data| data.n);
    if seen.is_some_and(|seen| seen != before) {
        return Err(TableRefused::Meanwhile.into());
    }
    table.over(in_force.as_ref())?;
    let by_clock = u32::try_from(now.ms() / 1000).unwrap_or(u32::MAX);
    let data = Data {
        v: 1,
        topic: DataTopic::DeviceTable,
        n: by_clock.max(before.saturating_add(1)),
        at: now,
        adopted_by,
        table: table.value,
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn any(_: &str) -> Result<usize, String> {
        Ok(1)
    }

    fn table(value: &Value) -> Result<Table, TableRefused> {
        Table::read(&value.to_string(), any)
    }

    fn held(table: Value) -> Data {
        Data {
            v: 1,
            topic: DataTopic::DeviceTable,
            n: 7,
            at: Time::from_ms(0),
            adopted_by: "Ann Lee".to_owned(),
            table,
        }
    }

    /// REQ-CLINIC-080, HAZ-CLINIC-081: a table that says it was issued before the one in force is refused, and so is one that does not
    /// say so when the one in force does, and the one in force itself; the same day, a later one, and anything over a
    /// table without a date may follow.
    #[test]
    fn an_older_table_is_refused() {
        let of = |day: &str, id: &str| json!({ "v": 1, "issued": day, "rows": [{ "id": id }] });
        let undated = json!({ "v": 1, "rows": [] });
        let in_force = held(of("2026-11-20", "a"));
        let over = |value: &Value, held: &Data| table(value).unwrap().over(Some(held));
        let older = over(&of("2026-11-19", "b"), &in_force).unwrap_err();
        assert!(
            older.to_string().contains("2026-11-19") && older.to_string().contains("2026-11-20"),
            "{older}"
        );
        assert!(matches!(older, TableRefused::Older { .. }));
        assert!(matches!(
            over(&undated, &in_force),
            Err(TableRefused::Undated { .. })
        ));
        assert!(matches!(
            over(&in_force.table, &in_force),
            Err(TableRefused::Same)
        ));
        over(&of("2026-11-20", "b"), &in_force).unwrap();
        over(&of("2026-11-21", "b"), &in_force).unwrap();
        over(&of("2026-01-01", "b"), &held(undated)).unwrap();
        table(&of("1999-01-01", "b")).unwrap().over(None).unwrap();
    }

    /// REQ-CLINIC-080: a date that is none, a text that is no JSON, one that phones cannot read and one that is too long
    /// are no table, said in words.
    #[test]
    fn what_is_no_table_is_refused() {
        for (text, why) in [
            (
                r#"{"v":1,"issued":"yesterday","rows":[]}"#.to_owned(),
                "no date",
            ),
            (
                r#"{"v":1,"issued":20261130,"rows":[]}"#.to_owned(),
                "no date",
            ),
            (r#"{"v":1"#.to_owned(), "EOF"),
            (" ".repeat(MOST_BYTES + 1), "bytes"),
        ] {
            let refused = Table::read(&text, any).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
        let refused = Table::read("{}", |_| Err("row a names no device".to_owned())).unwrap_err();
        assert!(refused.to_string().contains("row a names no device"));
    }
}
