//! The next roster, signed with the root key of sheet 1 while the station is stopped.
//!
//! After a restore the key in use is the former reserve: it becomes active, the one before is retired, and a fresh
//! reserve key is made for the backup. Otherwise keys stay as they are, and what the operator changed is signed.

use crate::audit;
use crate::error::ClinicError;
use crate::keys;
use crate::station::{DATABASE, read_rosters, set_meta};
use crate::tables::SCHEMA;
use std::path::Path;
use store::rusqlite::params;
use store::{Database, DirLock};
use vault::{KeyVault as _, Recipients, RootSheet, Sensitive, seal_file};
use wire::roster::{RelayState, Roster, StationState};
use wire::{Kid, PublicKey, SigningKey, Time};

/// Makes and keeps the next roster; returns its number.
pub(crate) fn make(
    dir: &Path,
    passphrase: Option<&Sensitive<String>>,
    root: &RootSheet,
    relay_receipts: &[PublicKey],
    now: Time,
) -> Result<u32, ClinicError> {
    let _lock = DirLock::take(dir)?;
    let vault = keys::open(dir, passphrase)?;
    let sign = keys::signing(&vault, keys::SIGN)?;
    let db = Database::open(&dir.join(DATABASE), SCHEMA)?;
    let (mut chain, _) = db.read(read_rosters)?;
    let newest = chain
        .newest()
        .ok_or(ClinicError::Kept("no roster"))?
        .clone();
    if root.public() != newest.roster.root {
        return Err(ClinicError::Setup(
            "this sheet is not the root key in use: take sheet 1 of this clinic".to_owned(),
        ));
    }
    let mut next = Roster {
        n: newest.roster.n + 1,
        prev: newest.hash,
        at: now,
        ..newest.roster
    };
    let fresh = if after_restore(&next, sign.kid()) {
        Some(take_over(&mut next, &sign, now)?)
    } else {
        None
    };
    if !relay_receipts.is_empty()
        && let Some(relay) = next
            .relays
            .iter_mut()
            .find(|relay| relay.state == RelayState::Active)
    {
        relay.receipt = relay_receipts.to_vec();
    }
    let refused = |e: &dyn std::fmt::Display| {
        ClinicError::Setup(format!("the next list cannot be signed: {e}"))
    };
    Recipients::up(&next, None).map_err(|e| refused(&e))?;
    let jws = next.sign(root.key()).map_err(|e| refused(&e))?;
    chain.feed(&jws).map_err(|e| refused(&e))?;
    if let Some(reserve) = fresh {
        let recipient = keys::backup_recipient(&vault)?;
        let sealed = seal_file(&[recipient], reserve.expose_seed().as_slice())
            .map_err(|e| ClinicError::Seal(e.to_string()))?;
        vault.store(keys::RESERVE, &sealed)?;
    }
    db.write(|tx| {
        tx.execute(
            "INSERT INTO roster(n, jws, held_at) VALUES (?1, ?2, ?3)",
            params![next.n, jws, now.ms()],
        )?;
        set_meta(tx, "roster_made", &now.to_string())?;
        audit::note(tx, audit::STATION, "roster_made", &next.n.to_string(), now)
    })?;
    Ok(next.n)
}

fn after_restore(roster: &Roster, sign: Kid) -> bool {
    roster
        .station(sign)
        .is_some_and(|station| station.state == StationState::Reserve)
}

/// The former reserve becomes active; returns the fresh reserve key.
fn take_over(roster: &mut Roster, sign: &SigningKey, now: Time) -> Result<SigningKey, ClinicError> {
    let kid = sign.kid();
    for station in &mut roster.stations {
        match station.state {
            StationState::Active => (station.state, station.since) = (StationState::Retired, now),
            StationState::Reserve if station.sign.kid() == kid => {
                (station.state, station.since) = (StationState::Active, now);
            }
            _ => {}
        }
    }
    let reserve =
        SigningKey::generate().map_err(|_| ClinicError::from(store::StoreError::NoRandom))?;
    let active = roster
        .station(kid)
        .cloned()
        .ok_or(ClinicError::Kept("no station key"))?;
    roster.stations.push(wire::roster::Station {
        sign: reserve.public(),
        state: StationState::Reserve,
        since: now,
        ..active
    });
    Ok(reserve)
}
