//! The link to the clinic as it stands in the database: one row, its rosters, its circle, the chain of what came.

use crate::amendment;
use crate::error::CompanionError;
use crate::finding;
use crate::journal;
use crate::view::{LinkState, RequestId};
use store::rusqlite::{OptionalExtension as _, Row, params};
use store::{Place, RowKey, Tx};
use vault::{AgeRecipient, Chain, CircleChain, Finding};
use wire::roster::{Accepted, RelayState, RosterChain, RosterNews, StationState};
use wire::{EnvelopeId, Kid, MailboxId, PublicKey, Time};

/// The link, loaded. Reload it after a transaction that changes it.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub up: MailboxId,
    pub down: MailboxId,
    pub root: PublicKey,
    /// The invite's relay.
    pub relay: String,
    pub state: LinkState,
    pub claimed: bool,
    pub roster_at_least: u32,
    pub label: String,
    /// The recovery recipient named in the join.
    pub recovery: Option<AgeRecipient>,
    pub join_id: Option<EnvelopeId>,
    /// The circles held; only that of the join while locked.
    pub circles: CircleChain,
    pub rosters: RosterChain,
    /// What came down: per sender gaps, forks, `got`.
    pub chain: Chain,
    /// When something was last sealed upwards.
    pub sealed_at: Option<Time>,
    pub heard_at: Option<Time>,
    pub next_by: Option<Time>,
    pub trouble: Option<String>,
    pub request: Option<RequestId>,
}

impl Link {
    /// Where mail goes: the invite's relay while it is in the newest roster (or no roster is held), else the roster's
    /// first active one.
    pub(crate) fn relay_url(&self) -> String {
        let Some(newest) = self.rosters.newest() else {
            return self.relay.clone();
        };
        let mut active = newest
            .roster
            .relays
            .iter()
            .filter(|relay| relay.state == RelayState::Active);
        if active
            .clone()
            .any(|relay| same_url(&relay.url, &self.relay))
        {
            return self.relay.clone();
        }
        active
            .next()
            .map_or_else(|| self.relay.clone(), |relay| relay.url.clone())
    }

    pub(crate) fn newest_roster(&self) -> Option<&Accepted> {
        self.rosters.newest()
    }
}

fn same_url(one: &str, other: &str) -> bool {
    one.trim_end_matches('/')
        .eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// The one link of this install.
pub(crate) fn load(tx: &Tx<'_>, key: Option<&RowKey>) -> Result<Option<Link>, CompanionError> {
    let found = tx
        .prepare_cached(
            "SELECT up, down, root, relay, state, roster_at_least, label, recovery, join_id, sealed_circles, chain,
                    sealed_at, heard_at, next_by, trouble, request
             FROM link ORDER BY state = 'ended' LIMIT 1",
        )?
        .query_row([], |row| Ok(read(row, key)))
        .optional()?;
    let Some(mut link) = found.transpose()? else {
        return Ok(None);
    };
    let mut rows = tx.prepare_cached("SELECT jws FROM roster WHERE up = ?1 ORDER BY n")?;
    let rows = rows.query_map([link.up.0], |row| row.get::<_, String>(0))?;
    for jws in rows {
        // What is in the table was accepted once, in this order.
        link.rosters
            .feed(&jws?)
            .map_err(|_| CompanionError::internal("a kept roster no longer counts"))?;
    }
    Ok(Some(link))
}

fn read(row: &Row<'_>, key: Option<&RowKey>) -> Result<Link, CompanionError> {
    let up = MailboxId(row.get(0)?);
    let root = PublicKey::from_bytes(&row.get(2)?)
        .map_err(|_| CompanionError::internal("a kept key is none"))?;
    let (state, claimed) = match row.get::<_, String>(4)?.as_str() {
        "joining" => (LinkState::Joining, false),
        "claimed" => (LinkState::Joining, true),
        "joined" => (LinkState::Joined, true),
        "pending" => (LinkState::Pending, true),
        "confirmed" => (LinkState::Confirmed, true),
        _ => (LinkState::Ended, true),
    };
    let recovery: Option<AgeRecipient> = row
        .get::<_, Option<String>>(7)?
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| kept("recipient"))?;
    let (sealed, chain): (Option<Vec<u8>>, Option<String>) = (row.get(9)?, row.get(10)?);
    let circles = match (sealed, key) {
        (Some(sealed), Some(key)) => serde_json::from_slice(&key.open(circle_place(&up), &sealed)?)
            .map_err(|_| kept("circle"))?,
        _ => CircleChain::new(recovery.clone()),
    };
    let chain = match chain {
        Some(text) => serde_json::from_str(&text).map_err(|_| kept("chain"))?,
        None => Chain::new(MailboxId(row.get(1)?)),
    };
    let time = |ms: Option<i64>| ms.map(Time::from_ms);
    let number = |n: i64| u32::try_from(n).map_err(|_| kept("number"));
    Ok(Link {
        up,
        down: MailboxId(row.get(1)?),
        root,
        relay: row.get(3)?,
        state,
        claimed,
        roster_at_least: number(row.get(5)?)?,
        label: row.get(6)?,
        recovery,
        join_id: row.get::<_, Option<[u8; 32]>>(8)?.map(EnvelopeId),
        circles,
        rosters: RosterChain::pinned(root),
        chain,
        sealed_at: time(row.get(11)?),
        heard_at: time(row.get(12)?),
        next_by: time(row.get(13)?),
        trouble: row.get(14)?,
        request: row.get::<_, Option<i64>>(15)?.map(RequestId),
    })
}

fn kept(what: &str) -> CompanionError {
    CompanionError::internal(format!("a kept {what} cannot be read"))
}

fn circle_place(up: &MailboxId) -> Place<'_> {
    Place {
        table: "link",
        column: "sealed_circles",
        row: &up.0,
    }
}

/// What an invite says, entered before anything is claimed.
pub(crate) struct NewLink<'a> {
    pub up: MailboxId,
    pub down: MailboxId,
    pub root: PublicKey,
    pub relay: &'a str,
    pub roster_at_least: u32,
    pub expires: Time,
    pub label: &'a str,
    pub recovery: Option<&'a str>,
    pub request: RequestId,
}

pub(crate) fn insert(tx: &Tx<'_>, new: &NewLink<'_>) -> Result<(), CompanionError> {
    tx.execute(
        "DELETE FROM link WHERE state = 'ended' AND up = ?1",
        [new.up.0],
    )?;
    tx.execute(
        "INSERT INTO link(up, down, root, relay, state, roster_at_least, expires, label, recovery, request)
         VALUES (?1, ?2, ?3, ?4, 'joining', ?5, ?6, ?7, ?8, ?9)",
        params![
            new.up.0,
            new.down.0,
            new.root.as_bytes(),
            new.relay,
            new.roster_at_least,
            new.expires.ms(),
            new.label,
            new.recovery,
            new.request.0
        ],
    )?;
    Ok(())
}

pub(crate) fn set_claimed(tx: &Tx<'_>, up: MailboxId) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE link SET state = 'claimed' WHERE up = ?1 AND state = 'joining'",
        [up.0],
    )?;
    Ok(())
}

pub(crate) fn set_joined(
    tx: &Tx<'_>,
    up: MailboxId,
    join: EnvelopeId,
) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE link SET state = 'joined', join_id = ?2 WHERE up = ?1 AND state = 'claimed'",
        params![up.0, join.0],
    )?;
    Ok(())
}

/// Never backwards: a pending welcome that comes after the confirmed one changes nothing.
pub(crate) fn set_welcomed(
    tx: &Tx<'_>,
    up: MailboxId,
    confirmed: bool,
) -> Result<(), CompanionError> {
    let sql = if confirmed {
        "UPDATE link SET state = 'confirmed' WHERE up = ?1 AND state IN ('joined', 'pending')"
    } else {
        "UPDATE link SET state = 'pending' WHERE up = ?1 AND state = 'joined'"
    };
    tx.execute(sql, [up.0])?;
    Ok(())
}

pub(crate) fn end(tx: &Tx<'_>, up: MailboxId, why: &str) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE link SET state = 'ended', trouble = ?2 WHERE up = ?1",
        params![up.0, why],
    )?;
    Ok(())
}

pub(crate) fn set_circles(
    tx: &Tx<'_>,
    key: &RowKey,
    up: MailboxId,
    circles: &CircleChain,
) -> Result<(), CompanionError> {
    let sealed = key.seal(circle_place(&up), wire::json::to_string(circles).as_bytes())?;
    tx.execute(
        "UPDATE link SET sealed_circles = ?2 WHERE up = ?1",
        params![up.0, sealed],
    )?;
    Ok(())
}

pub(crate) fn set_chain(tx: &Tx<'_>, up: MailboxId, chain: &Chain) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE link SET chain = ?2 WHERE up = ?1",
        params![up.0, wire::json::to_string(chain)],
    )?;
    Ok(())
}

pub(crate) fn set_heard(
    tx: &Tx<'_>,
    up: MailboxId,
    at: Time,
    next_by: Option<Time>,
) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE link SET heard_at = ?2, next_by = coalesce(?3, next_by) WHERE up = ?1",
        params![up.0, at.ms(), next_by.map(Time::ms)],
    )?;
    Ok(())
}

pub(crate) fn set_sealed_at(tx: &Tx<'_>, up: MailboxId, at: Time) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE link SET sealed_at = ?2 WHERE up = ?1",
        params![up.0, at.ms()],
    )?;
    Ok(())
}

/// Takes roster lines; returns whether a new one counts now. What does not follow is a finding.
pub(crate) fn feed_rosters(
    tx: &Tx<'_>,
    link: &Link,
    lines: &str,
    now: Time,
) -> Result<bool, CompanionError> {
    let mut chain = link.rosters.clone();
    let was_bad = compromised(&chain);
    let mut new = false;
    for line in lines.lines().filter(|line| !line.is_empty()) {
        match chain.feed(line) {
            Ok(RosterNews::Accepted) => {
                let Some(newest) = chain.newest() else {
                    continue;
                };
                tx.execute(
                    "INSERT INTO roster(up, n, jws) VALUES (?1, ?2, ?3)",
                    params![link.up.0, newest.roster.n, newest.jws],
                )?;
                new = true;
            }
            Ok(RosterNews::Held | RosterNews::BeforeStart) => {}
            Err(refusal) => {
                if let Some(found) = Finding::roster(&refusal) {
                    finding::note(tx, &found, now)?;
                }
            }
        }
    }
    if let (true, Some(newest)) = (new, chain.newest())
        && !newest
            .roster
            .relays
            .iter()
            .any(|relay| same_url(&relay.url, &link.relay))
    {
        finding::note(
            tx,
            &Finding::RelayNotInRoster {
                relay: link.relay.clone(),
            },
            now,
        )?;
    }
    if compromised(&chain).iter().any(|kid| !was_bad.contains(kid)) {
        unseal(tx, link)?;
    }
    Ok(new)
}

/// Stations that count for nothing any more, by the newest roster.
fn compromised(rosters: &RosterChain) -> Vec<Kid> {
    let stations = rosters
        .newest()
        .map(|held| held.roster.stations.as_slice())
        .unwrap_or_default();
    stations
        .iter()
        .filter(|station| station.state == StationState::Compromised)
        .map(|station| station.sign.kid())
        .collect()
}

/// What was sealed to a compromised station and never handed over is dropped; its content is sealed again, to the others.
fn unseal(tx: &Tx<'_>, link: &Link) -> Result<(), CompanionError> {
    let kids: Vec<[u8; 32]> = {
        let mut rows = tx.prepare_cached("SELECT DISTINCT kid FROM post_out WHERE box = ?1")?;
        let rows = rows.query_map([link.up.0], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for kid in kids {
        let dropped = post::outbox::drop_unhanded(tx, link.up, Kid(kid))?;
        amendment::send_again(tx, &dropped)?;
        journal::send_again(tx, &dropped)?;
        if link.join_id.is_some_and(|join| dropped.contains(&join)) {
            tx.execute(
                "UPDATE link SET state = 'claimed', join_id = NULL WHERE up = ?1",
                [link.up.0],
            )?;
        }
    }
    Ok(())
}
