//! Tenants, links, claims and rosters in the database.

use crate::RelayError;
use crate::mailbox::{signed, unsigned};
use crate::state::{Directory, Link, TenantId};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use std::collections::HashMap;
use wire::api::{LinkItem, LinkItems, PAGE, Quota};
use wire::roster::RosterChain;
use wire::{Kid, MailboxId, PublicKey, Time};

fn key(bytes: [u8; 32]) -> Result<PublicKey, RelayError> {
    PublicKey::from_bytes(&bytes).map_err(|_| RelayError::Damaged("a kept key is none"))
}

fn hour(now: Time) -> Time {
    Time::from_ms(now.ms().div_euclid(3_600_000) * 3_600_000)
}

/// Everybody that the database knows.
pub fn load(db: &Connection) -> Result<Directory, RelayError> {
    let mut directory = Directory::default();
    let mut rows = db.prepare("SELECT k.key, k.tenant FROM tenant_key k JOIN tenant t ON t.id = k.tenant WHERE k.ended = 0 AND t.ended = 0")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        directory.put_station(row.get(1)?, key(row.get(0)?)?);
    }
    let mut rows = db.prepare("SELECT up, down, tenant, claim, auth, claim_until, quota_bytes, quota_per_day, contested, revoked FROM link
        WHERE tenant IN (SELECT id FROM tenant WHERE ended = 0)")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        directory.put_link(read_link(row)?);
    }
    Ok(directory)
}

fn read_link(row: &Row<'_>) -> Result<Link, RelayError> {
    let optional = |bytes: Option<[u8; 32]>| bytes.map(key).transpose();
    Ok(Link {
        up: MailboxId(row.get(0)?),
        down: MailboxId(row.get(1)?),
        tenant: row.get(2)?,
        claim: optional(row.get(3)?)?,
        auth: optional(row.get(4)?)?,
        claim_until: Time::from_ms(row.get(5)?),
        quota: Quota {
            bytes: unsigned(row.get(6)?),
            per_day: unsigned(row.get(7)?),
        },
        contested: row.get(8)?,
        revoked: row.get(9)?,
    })
}

/// Writes a link as it now is, as the tenant's newest change.
pub fn put_link(tx: &Transaction<'_>, link: &Link, now: Time) -> Result<(), RelayError> {
    let change: i64 = tx.query_row(
        "UPDATE tenant SET link_changes = link_changes + 1 WHERE id = ?1 RETURNING link_changes",
        [link.tenant],
        |row| row.get(0),
    )?;
    let bytes = |key: Option<PublicKey>| key.map(|key| *key.as_bytes());
    tx.execute(
        "INSERT INTO link (up, down, tenant, claim, auth, claim_until, quota_bytes, quota_per_day, contested, revoked, change, changed_hour)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (up) DO UPDATE SET auth = ?5, contested = ?9, revoked = ?10, change = ?11, changed_hour = ?12",
        params![link.up.0, link.down.0, link.tenant, bytes(link.claim), bytes(link.auth), link.claim_until.ms(), signed(link.quota.bytes),
            signed(link.quota.per_day), link.contested, link.revoked, change, hour(now).ms()],
    )?;
    Ok(())
}

/// A tenant's links that changed behind `after`.
pub fn list(db: &Connection, tenant: TenantId, after: u64) -> Result<LinkItems, RelayError> {
    let mut rows = db.prepare("SELECT up, down, tenant, claim, auth, claim_until, quota_bytes, quota_per_day, contested, revoked, change, changed_hour
        FROM link WHERE tenant = ?1 AND change > ?2 ORDER BY change LIMIT ?3")?;
    let mut rows = rows.query(params![tenant, signed(after), PAGE as i64 + 1])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let link = read_link(row)?;
        items.push(LinkItem {
            n: unsigned(row.get(10)?),
            up: link.up,
            state: link.state(),
            at_hour: Time::from_ms(row.get(11)?),
        });
    }
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    Ok(LinkItems { v: 1, items, more })
}

/// The tenant's rosters behind `after`, as they are published.
pub fn rosters(db: &Connection, tenant: TenantId, after: u64) -> Result<String, RelayError> {
    let mut rows =
        db.prepare_cached("SELECT jws FROM roster WHERE tenant = ?1 AND n > ?2 ORDER BY n")?;
    let rows = rows.query_map(params![tenant, signed(after)], |row| {
        row.get::<_, String>(0)
    })?;
    let mut lines = String::new();
    for line in rows {
        lines.push_str(&line?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Takes new lines, each of which must follow; all or none.
pub fn put_rosters(tx: &Transaction<'_>, tenant: TenantId, lines: &str) -> Result<(), RelayError> {
    let root: [u8; 32] =
        tx.query_row("SELECT root FROM tenant WHERE id = ?1", [tenant], |row| {
            row.get(0)
        })?;
    let mut chain = RosterChain::pinned(key(root)?);
    for held in rosters(tx, tenant, 0)?.lines() {
        chain
            .feed(held)
            .map_err(|_| RelayError::Damaged("a kept roster no longer counts"))?;
    }
    let before = chain.all().len();
    for outcome in chain.feed_lines(lines) {
        outcome.map_err(|_| RelayError::Roster)?;
    }
    for accepted in &chain.all()[before..] {
        tx.execute(
            "INSERT INTO roster (tenant, n, jws) VALUES (?1, ?2, ?3)",
            params![tenant, accepted.roster.n, accepted.jws],
        )?;
    }
    Ok(())
}

/// Remembers a nonce; one that was used before is refused.
pub fn take_nonce(
    tx: &Transaction<'_>,
    kid: Kid,
    nonce: [u8; 16],
    expires: i64,
) -> Result<(), RelayError> {
    let new = tx
        .prepare_cached("INSERT OR IGNORE INTO nonce (key, nonce, expires) VALUES (?1, ?2, ?3)")?
        .execute(params![kid.0, nonce, expires])?;
    if new == 1 {
        Ok(())
    } else {
        Err(RelayError::Foreign)
    }
}

/// How many nonces of each key are remembered.
pub fn count_nonces(db: &Connection) -> Result<HashMap<Kid, u32>, RelayError> {
    let mut rows = db.prepare_cached("SELECT key, count(*) FROM nonce GROUP BY key")?;
    let rows = rows.query_map([], |row| Ok((Kid(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets nonces whose requests have expired.
pub fn forget_nonces(tx: &Transaction<'_>, now: Time) -> Result<(), RelayError> {
    tx.execute("DELETE FROM nonce WHERE expires < ?1", [now.seconds()])?;
    Ok(())
}

/// Admits a clinic.
pub fn add_tenant(
    tx: &Transaction<'_>,
    name: &str,
    root: PublicKey,
    auth: PublicKey,
) -> Result<TenantId, RelayError> {
    let taken = tx
        .query_row("SELECT 1 FROM tenant WHERE name = ?1", [name], |_| Ok(()))
        .optional()?
        .is_some();
    let used = tx
        .query_row(
            "SELECT 1 FROM tenant_key WHERE key = ?1",
            [auth.as_bytes()],
            |_| Ok(()),
        )
        .optional()?
        .is_some();
    if taken || used {
        return Err(RelayError::Taken);
    }
    tx.execute(
        "INSERT INTO tenant (name, root) VALUES (?1, ?2)",
        params![name, root.as_bytes()],
    )?;
    let tenant = tx.last_insert_rowid();
    tx.execute(
        "INSERT INTO tenant_key (key, tenant) VALUES (?1, ?2)",
        params![auth.as_bytes(), tenant],
    )?;
    Ok(tenant)
}

/// The clinics: name, links, whether ended.
pub fn tenants(db: &Connection) -> Result<Vec<(String, u64, bool)>, RelayError> {
    let mut rows = db.prepare("SELECT t.name, (SELECT count(*) FROM link l WHERE l.tenant = t.id), t.ended FROM tenant t ORDER BY t.name")?;
    let rows = rows.query_map([], |row| {
        Ok((row.get(0)?, unsigned(row.get(1)?), row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ends a clinic.
pub fn end_tenant(tx: &Transaction<'_>, name: &str) -> Result<(), RelayError> {
    let changed = tx.execute("UPDATE tenant SET ended = 1 WHERE name = ?1", [name])?;
    if changed == 1 {
        Ok(())
    } else {
        Err(RelayError::Config(format!(
            "there is no clinic `{name}`: see `relay tenant list`"
        )))
    }
}

/// A figure that changes whenever another process admits or ends a clinic.
pub fn tenants_mark(db: &Connection) -> Result<(i64, i64), RelayError> {
    Ok(db
        .prepare_cached("SELECT count(*), coalesce(sum(ended), 0) FROM tenant")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
