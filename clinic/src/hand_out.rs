//! Every letter that came, as files: for an auditor, for another system, for the day when this program is not there.
//!
//! | In the folder | What |
//! |---|---|
//! | `mail/ID.age` | the letters up, as they came: age files that stock tools open, named by their ids |
//! | `rosters.ndjson` | the clinic's lists of keys, one JWS a line |
//! | `station.txt` | only when asked for: the station's keys that open the letters, as an age identity file |
//!
//! `teleward verify --identity station.txt --rosters rosters.ndjson mail/` checks them all without a database.

use crate::audit;
use crate::error::ClinicError;
use crate::keys::StationKeys;
use crate::sheets::{private_folder, write_new};
use crate::station::read_rosters;
use serde::Serialize;
use std::path::Path;
use store::Database;
use wire::{EnvelopeId, Time};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HandedOut {
    pub letters: u64,
    pub rosters: usize,
}

/// Writes letters and rosters to a new folder, and notes it in the audit log.
pub(crate) fn letters(db: &Database, to: &Path, now: Time) -> Result<HandedOut, ClinicError> {
    if to.exists() {
        return Err(ClinicError::Setup(format!(
            "{} exists already: name a folder that does not",
            to.display()
        )));
    }
    let mail = to.join("mail");
    private_folder(&mail)?;
    db.write(|tx| audit::note(tx, audit::STATION, "letters_handed_out", "", now))?;
    let (letters, rosters) = db.read(|tx| {
        let mut rows = tx.prepare("SELECT DISTINCT id, bytes FROM envelope")?;
        let mut rows = rows.query([])?;
        let mut letters = 0;
        while let Some(row) = rows.next()? {
            let id = EnvelopeId(row.get(0)?);
            let bytes: Vec<u8> = row.get(1)?;
            write_new(&mail.join(format!("{id}.age")), &bytes)?;
            letters += 1;
        }
        let (chain, _) = read_rosters(tx)?;
        let lines: Vec<String> = chain
            .all()
            .iter()
            .map(|held| format!("{}\n", held.jws))
            .collect();
        Ok::<_, ClinicError>((letters, lines))
    })?;
    write_new(&to.join("rosters.ndjson"), rosters.concat().as_bytes())?;
    Ok(HandedOut {
        letters,
        rosters: rosters.len(),
    })
}

/// Writes the keys that open the letters, for their owner only.
pub(crate) fn keys(keys: &StationKeys, to: &Path) -> Result<(), ClinicError> {
    let mut text = zeroize::Zeroizing::new(
        "# Whoever has this file can read every letter that was sent to this clinic. It signs nothing.\n"
            .to_owned(),
    );
    for age in &keys.ages {
        text.push_str(age.expose_text().expose());
        text.push('\n');
    }
    write_new(&to.join("station.txt"), text.as_bytes())
}
