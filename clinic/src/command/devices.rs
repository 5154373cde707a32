//! `teleward clinic devices …`: the table of device models that the clinic's phones follow.

use super::{Folder, database, say};
use crate::device_tables::{self, CheckTable, Table};
use crate::error::ClinicError;
use crate::keys::{self, StationKeys};
use clap::Subcommand;
use serde_json::json;
use std::path::{Path, PathBuf};
use wire::Time;

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Devices {
    /// Adopt a table in an administrator's name: it is signed and goes to every confirmed phone. The station may run.
    #[command(
        after_help = "Example: teleward clinic devices adopt devices.json --by \"Dr Ann Lee\" --dir clinic-data"
    )]
    Adopt {
        /// The table, as JSON.
        table: PathBuf,
        /// The administrator who adopts it.
        #[arg(long)]
        by: String,
        #[command(flatten)]
        folder: Folder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the table that was adopted last, who adopted it and when.
    #[command(after_help = "Example: teleward clinic devices show --dir clinic-data")]
    Show {
        #[command(flatten)]
        folder: Folder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(devices: Devices, check: CheckTable, now: Time) -> Result<(), ClinicError> {
    match devices {
        Devices::Adopt {
            table,
            by,
            folder,
            json,
        } => adopt(&table, &by, &folder, check, json, now),
        Devices::Show { folder, json } => show(&folder, json),
    }
}

fn adopt(
    table: &Path,
    by: &str,
    folder: &Folder,
    check: CheckTable,
    as_json: bool,
    now: Time,
) -> Result<(), ClinicError> {
    let db = database(&folder.dir)?;
    let text = std::fs::read_to_string(table).map_err(ClinicError::file(table))?;
    let table = Table::read(&text, check)?;
    let rows = table.rows;
    let keys = StationKeys::load(&keys::open(&folder.dir, folder.passphrase()?.as_ref())?)?;
    let done = db.write(|tx| device_tables::adopt(tx, &keys.sign, by, table, None, now))?;
    if as_json {
        say(&json!({ "n": done.n, "rows": rows, "phones": done.phones }).to_string());
    } else {
        say(&format!(
            "The table counts from now on: {rows} rows. It goes to {} phones, and to others when they are confirmed.",
            done.phones
        ));
    }
    Ok(())
}

fn show(folder: &Folder, as_json: bool) -> Result<(), ClinicError> {
    let newest = database(&folder.dir)?.read(device_tables::newest)?;
    match newest {
        Some(data) if as_json => say(&json!(data).to_string()),
        Some(data) => say(&format!(
            "Adopted by {} on {}:\n{:#}",
            data.adopted_by, data.at, data.table
        )),
        None if as_json => say("null"),
        None => say("No table was adopted: phones go by the one that they bring along."),
    }
    Ok(())
}
