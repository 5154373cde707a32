//! The table of device models that counts here: what this version brings along, under what the clinic's station has signed
//! and an administrator there has adopted.

use crate::error::CompanionError;
use crate::meta;
use device::{Advertisement, Met, QuirkTable, own_layouts};
use reading::DeviceFacts;
use serde::{Deserialize, Serialize};
use store::Tx;
use vault::{Data, DataTopic};

const ADOPTED: &str = "device_table";
/// A table is a list of rows, not a store.
const MOST_BYTES: usize = 256 << 10;

/// What is kept of an adopted table.
#[derive(Serialize, Deserialize)]
struct Adopted {
    n: u32,
    table: String,
}

/// What became of a table that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It counts from now on.
    New,
    /// This one, or a newer one, is held already.
    Held,
    /// It is about something that this version does not know.
    Foreign,
    /// It cannot be read: the one before stays.
    Unreadable,
}

/// Takes a verified statement.
pub(crate) fn take(tx: &Tx<'_>, data: &Data) -> Result<Taken, CompanionError> {
    if data.topic != DataTopic::DeviceTable {
        return Ok(Taken::Foreign);
    }
    if adopted(tx)?.is_some_and(|held| held.n >= data.n) {
        return Ok(Taken::Held);
    }
    let table = data.table.to_string();
    if table.len() > MOST_BYTES || QuirkTable::parse(&table).is_err() {
        return Ok(Taken::Unreadable);
    }
    let kept = wire::json::to_string(&Adopted { n: data.n, table });
    meta::set(tx, ADOPTED, kept.as_bytes())?;
    Ok(Taken::New)
}

/// The table that counts.
pub(crate) fn current(tx: &Tx<'_>) -> Result<QuirkTable, CompanionError> {
    let table = QuirkTable::built_in();
    let Some(adopted) = adopted(tx)? else {
        return Ok(table);
    };
    // It was read when it came; an older version of this program that cannot goes by its own.
    Ok(match QuirkTable::parse(&adopted.table) {
        Ok(newer) => table.under(newer),
        Err(_) => table,
    })
}

fn adopted(tx: &Tx<'_>) -> Result<Option<Adopted>, CompanionError> {
    let kept = meta::get(tx, ADOPTED)?;
    kept.map(|text| {
        serde_json::from_slice(&text)
            .map_err(|_| CompanionError::internal("the kept table of devices cannot be read"))
    })
    .transpose()
}

/// What is known of a device that was only seen.
pub(crate) fn met_near(seen: &Advertisement) -> Met {
    Met {
        name: seen.name.clone().unwrap_or_default(),
        services: seen
            .services
            .iter()
            .filter_map(|service| service.as_short())
            .collect(),
        ..Met::default()
    }
}

/// What is known of a device that has told who it is.
pub(crate) fn met(name: Option<&str>, facts: &DeviceFacts) -> Met {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Met {
        name: text(name),
        maker: text(facts.maker.as_deref()),
        model: text(facts.model.as_deref()),
        firmware: text(facts.firmware.as_deref()),
        services: Vec::new(),
    }
}

/// The characteristics of this device that are not read by the standard.
pub(crate) fn not_by_the_standard(
    tx: &Tx<'_>,
    name: Option<&str>,
    facts: &DeviceFacts,
) -> Result<Vec<u16>, CompanionError> {
    Ok(own_layouts(&current(tx)?, &met(name, facts)))
}
