//! Accounts of people at the clinic: names, roles, passwords, one-time links, sessions.
//!
//! In: what somebody typed, with `now` and random bytes. Out: rows, and who is signed in. Passwords are kept as
//! argon2id (RFC 9106) strings, tokens as SHA-256. A session ends after half an hour without use and after twelve hours
//! in any case; a one-time link signs in once and asks for a new password.

use crate::audit;
use crate::error::{ClinicError, No};
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::Serialize;
use std::time::Duration;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use wire::{Time, b64u, sha256};

/// A session that is not used for so long ends.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
/// A session ends after so long in any case.
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(12 * 3600);
/// A one-time link is good for so long.
pub(crate) const LINK: Duration = Duration::from_secs(3 * 24 * 3600);
/// The last use of a session is written at most so often.
const TOUCH: Duration = Duration::from_secs(60);
/// Characters of a password, at least and at most.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=256;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Administrator,
    Clinician,
}

impl Role {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "administrator" => Some(Self::Administrator),
            "clinician" => Some(Self::Clinician),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Clinician => "clinician",
        }
    }
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub account: String,
    pub name: String,
    pub role: Role,
    /// Signed in by a link and has not set a password since.
    pub set_password: bool,
}

/// One row of the list of accounts.
#[derive(Debug, Serialize)]
pub(crate) struct AccountRow {
    id: String,
    name: String,
    role: Role,
    state: &'static str,
    last_sign_in: Option<Time>,
}

impl AccountRow {
    /// One line of the list on the command line.
    pub(crate) fn words(&self) -> String {
        let state = match self.state {
            "invited" => "has not signed in yet",
            other => other,
        };
        format!("{}: {}, {state}", self.name, self.role.as_str())
    }
}

/// Makes the hash of a password. Slow by purpose: call it outside transactions.
pub(crate) fn hash_password(password: &str, salt: [u8; 16]) -> Result<String, ClinicError> {
    let salt = SaltString::encode_b64(&salt).map_err(|_| ClinicError::Kept("a salt"))?;
    let hash = argon().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string())
        .map_err(|_| ClinicError::Kept("a password"))
}

/// Whether it is the right password. As slow for an account that does not exist.
pub(crate) fn password_is_right(password: &str, kept: Option<&str>) -> bool {
    // argon2id of nothing in particular, with the same cost
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    if password.len() > 4 * PASSWORD.end() {
        return false;
    }
    let Ok(hash) = PasswordHash::new(kept.unwrap_or(NOBODY)) else {
        return false;
    };
    argon().verify_password(password.as_bytes(), &hash).is_ok() && kept.is_some()
}

/// OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane.
fn argon() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Refuses what is guessed first: short, the name itself, or few different characters.
pub(crate) fn check_password(password: &str, name: &str) -> Result<(), ClinicError> {
    let count = password.chars().count();
    let different = password
        .chars()
        .collect::<std::collections::HashSet<_>>()
        .len();
    let folded = password.to_lowercase();
    if !PASSWORD.contains(&count) || different < 5 || (!name.is_empty() && folded == fold(name)) {
        return Err(ClinicError::bad(
            "weak",
            "Choose at least 12 characters, not your name, and not the same few again and again.",
        ));
    }
    Ok(())
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Makes an account that nobody has signed in to.
pub(crate) fn make(
    tx: &Tx<'_>,
    id: &str,
    name: &str,
    role: Role,
    by: &str,
    now: Time,
) -> Result<(), ClinicError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(ClinicError::bad("name", "A name has 1 to 100 characters."));
    }
    let made = tx.execute(
        "INSERT INTO account(id, name, folded, role, made_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(folded) DO NOTHING",
        params![id, name, fold(name), role.as_str(), now.ms()],
    )?;
    if made == 0 {
        return Err(ClinicError::conflict(
            "name_taken",
            "There is an account of this name.",
        ));
    }
    audit::note(tx, by, "account_made", id, now)
}

/// A one-time link's token for an account that has not ended; earlier links of it end.
pub(crate) fn make_link(
    tx: &Tx<'_>,
    account: &str,
    token: [u8; 32],
    by: &str,
    now: Time,
) -> Result<String, ClinicError> {
    let known: Option<Option<i64>> = tx
        .query_row(
            "SELECT ended FROM account WHERE id = ?1",
            [account],
            |row| row.get(0),
        )
        .optional()?;
    match known {
        None => return Err(ClinicError::unknown()),
        Some(Some(_)) => return Err(ClinicError::conflict("ended", "This account has ended.")),
        Some(None) => {}
    }
    tx.execute(
        "DELETE FROM sign_in_link WHERE account = ?1 OR expires <= ?2",
        params![account, now.ms()],
    )?;
    tx.execute(
        "INSERT INTO sign_in_link(hash, account, expires) VALUES (?1, ?2, ?3)",
        params![sha256(&[&token]).0, account, now.plus(LINK).ms()],
    )?;
    audit::note(tx, by, "sign_in_link_made", account, now)?;
    Ok(b64u::encode(token))
}

/// A forgotten password: the old one and all sessions end, and a link signs in once.
pub(crate) fn reset(
    tx: &Tx<'_>,
    account: &str,
    token: [u8; 32],
    by: &str,
    now: Time,
) -> Result<String, ClinicError> {
    let text = make_link(tx, account, token, by, now)?;
    tx.execute(
        "UPDATE account SET password = NULL WHERE id = ?1",
        [account],
    )?;
    tx.execute("DELETE FROM session WHERE account = ?1", [account])?;
    audit::note(tx, by, "account_reset", account, now)?;
    Ok(text)
}

/// Ends an account. The last administrator cannot be ended.
pub(crate) fn end(tx: &Tx<'_>, account: &str, by: &str, now: Time) -> Result<(), ClinicError> {
    let known: Option<(String, Option<i64>)> = tx
        .query_row(
            "SELECT role, ended FROM account WHERE id = ?1",
            [account],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((role, ended)) = known else {
        return Err(ClinicError::unknown());
    };
    if ended.is_some() {
        return Ok(());
    }
    let others: i64 = tx.query_row(
        "SELECT count(*) FROM account WHERE role = 'administrator' AND ended IS NULL AND id <> ?1",
        [account],
        |row| row.get(0),
    )?;
    if role == Role::Administrator.as_str() && others == 0 {
        return Err(ClinicError::conflict(
            "last_administrator",
            "Somebody has to stay who can manage accounts.",
        ));
    }
    tx.execute(
        "UPDATE account SET ended = ?2, password = NULL WHERE id = ?1",
        params![account, now.ms()],
    )?;
    tx.execute("DELETE FROM session WHERE account = ?1", [account])?;
    tx.execute("DELETE FROM sign_in_link WHERE account = ?1", [account])?;
    audit::note(tx, by, "account_ended", account, now)
}

/// All accounts, by name.
pub(crate) fn list(tx: &Tx<'_>) -> Result<Vec<AccountRow>, ClinicError> {
    let mut rows = tx.prepare("SELECT id, name, role, password IS NOT NULL, ended, last_sign_in FROM account ORDER BY folded")?;
    let rows = rows.query_map([], |row| {
        let (role, active, ended): (String, bool, Option<i64>) =
            (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(AccountRow {
            id: row.get(0)?,
            name: row.get(1)?,
            role: Role::parse(&role).unwrap_or(Role::Clinician),
            state: match (ended, active) {
                (Some(_), _) => "ended",
                (None, true) => "active",
                (None, false) => "invited",
            },
            last_sign_in: row.get::<_, Option<i64>>(5)?.map(Time::from_ms),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The account of this name, and its password's hash.
pub(crate) fn by_name(
    tx: &Tx<'_>,
    name: &str,
) -> Result<Option<(String, Option<String>)>, ClinicError> {
    Ok(tx
        .query_row(
            "SELECT id, password FROM account WHERE folded = ?1 AND ended IS NULL",
            [fold(name)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?)
}

/// The administrator of this name, unless the account has ended: its id, and the name as it is written.
pub(crate) fn administrator(
    tx: &Tx<'_>,
    name: &str,
) -> Result<Option<(String, String)>, ClinicError> {
    Ok(tx
        .query_row(
            "SELECT id, name FROM account WHERE folded = ?1 AND role = 'administrator' AND ended IS NULL",
            [fold(name)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?)
}

/// The password's hash of an account.
pub(crate) fn password_of(tx: &Tx<'_>, account: &str) -> Result<Option<String>, ClinicError> {
    Ok(tx
        .query_row(
            "SELECT password FROM account WHERE id = ?1",
            [account],
            |row| row.get(0),
        )
        .optional()?
        .flatten())
}

/// The first administrator, while nobody has ever set a password: the station shows a link at its start.
pub(crate) fn first_start(tx: &Tx<'_>) -> Result<Option<String>, ClinicError> {
    Ok(tx
        .query_row(
            "SELECT id FROM account WHERE role = 'administrator' AND ended IS NULL
               AND NOT EXISTS (SELECT 1 FROM account WHERE password IS NOT NULL OR last_sign_in IS NOT NULL)
             ORDER BY made_at LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?)
}

/// Sets a password; every session but `keep` ends.
pub(crate) fn set_password(
    tx: &Tx<'_>,
    account: &str,
    hash: &str,
    keep: Option<&str>,
    now: Time,
) -> Result<(), ClinicError> {
    tx.execute(
        "UPDATE account SET password = ?2 WHERE id = ?1 AND ended IS NULL",
        params![account, hash],
    )?;
    let keep = keep.map(token_hash);
    tx.execute(
        "DELETE FROM session WHERE account = ?1 AND hash IS NOT ?2",
        params![account, keep],
    )?;
    tx.execute(
        "UPDATE session SET via_link = 0 WHERE account = ?1",
        [account],
    )?;
    tx.execute("DELETE FROM sign_in_link WHERE account = ?1", [account])?;
    audit::note(tx, account, "password_set", account, now)
}

/// Begins a session; returns the cookie's value.
pub(crate) fn begin(
    tx: &Tx<'_>,
    account: &str,
    via_link: bool,
    token: [u8; 32],
    now: Time,
) -> Result<String, ClinicError> {
    let long_ago = now.minus(ABSOLUTE).ms();
    tx.execute("DELETE FROM session WHERE made_at < ?1", [long_ago])?;
    let text = b64u::encode(token);
    tx.execute(
        "INSERT INTO session(hash, account, via_link, made_at, used_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![token_hash(&text), account, via_link, now.ms()],
    )?;
    tx.execute(
        "UPDATE account SET last_sign_in = ?2 WHERE id = ?1",
        params![account, now.ms()],
    )?;
    audit::note(tx, account, "signed_in", account, now)?;
    Ok(text)
}

/// Takes a one-time link: returns its account; the link is used up.
pub(crate) fn use_link(tx: &Tx<'_>, token: &str, now: Time) -> Result<String, ClinicError> {
    let raw = b64u::decode_array::<32>(token).map_err(|_| used())?;
    let account: Option<String> = tx
        .query_row(
            "DELETE FROM sign_in_link WHERE hash = ?1 AND expires > ?2
               AND account IN (SELECT id FROM account WHERE ended IS NULL) RETURNING account",
            params![sha256(&[&raw]).0, now.ms()],
            |row| row.get(0),
        )
        .optional()?;
    account.ok_or_else(used)
}

fn used() -> ClinicError {
    ClinicError::No {
        kind: No::Gone,
        code: "used",
        text: "This sign-in link was used already or is too old. Ask an administrator for a new one.",
    }
}

/// Who is behind a cookie, if the session has not ended; whether its last use should be written.
pub(crate) fn who(
    tx: &Tx<'_>,
    cookie: &str,
    now: Time,
) -> Result<Option<(SignedIn, bool)>, ClinicError> {
    let found = tx
        .prepare_cached(
            "SELECT a.id, a.name, a.role, s.via_link OR a.password IS NULL, s.made_at, s.used_at
             FROM session s JOIN account a ON a.id = s.account WHERE s.hash = ?1 AND a.ended IS NULL",
        )?
        .query_row([token_hash(cookie)], |row| {
            let role: String = row.get(2)?;
            let who = SignedIn {
                account: row.get(0)?,
                name: row.get(1)?,
                role: Role::parse(&role).unwrap_or(Role::Clinician),
                set_password: row.get(3)?,
            };
            Ok((who, Time::from_ms(row.get(4)?), Time::from_ms(row.get(5)?)))
        })
        .optional()?;
    Ok(found.and_then(|(who, made, used)| {
        let alive = now.since(made) < ABSOLUTE && now.since(used) < IDLE;
        alive.then(|| (who, now.since(used) >= TOUCH))
    }))
}

/// Notes a session's use.
pub(crate) fn touch(tx: &Tx<'_>, cookie: &str, now: Time) -> Result<(), ClinicError> {
    tx.execute(
        "UPDATE session SET used_at = ?2 WHERE hash = ?1",
        params![token_hash(cookie), now.ms()],
    )?;
    Ok(())
}

/// Ends one session.
pub(crate) fn sign_out(tx: &Tx<'_>, cookie: &str) -> Result<(), ClinicError> {
    tx.execute("DELETE FROM session WHERE hash = ?1", [token_hash(cookie)])?;
    Ok(())
}

fn token_hash(text: &str) -> [u8; 32] {
    sha256(&[b"teleward session\n", text.as_bytes()]).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::SCHEMA;
    use store::Database;

    fn database() -> (tempfile::TempDir, Database) {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&dir.path().join("a.db"), SCHEMA).unwrap();
        (dir, db)
    }

    /// REQ-CLINIC-003: a one-time link signs in once, within its days, and not after its account ended.
    #[test]
    fn a_one_time_link_signs_in_once() {
        let (_dir, db) = database();
        let now = Time::from_ms(1_800_000_000_000);
        db.write(|tx| {
            make(tx, "a", "Ann", Role::Administrator, "a", now)?;
            let first = make_link(tx, "a", [1; 32], "a", now)?;
            let second = make_link(tx, "a", [2; 32], "a", now)?;
            assert!(
                use_link(tx, &first, now).is_err(),
                "a newer link ends the older one"
            );
            assert!(use_link(tx, &second, now.plus(LINK)).is_err());
            assert_eq!(use_link(tx, &second, now)?, "a");
            assert!(use_link(tx, &second, now).is_err());
            for bad in ["", "x", &"A".repeat(43), &"A".repeat(5000)] {
                assert!(use_link(tx, bad, now).is_err());
            }
            Ok::<_, ClinicError>(())
        })
        .unwrap();
    }

    /// REQ-CLINIC-004: a session ends without use, after its longest time, and with its account.
    #[test]
    fn sessions_end() {
        let (_dir, db) = database();
        let start = Time::from_ms(1_800_000_000_000);
        db.write(|tx| {
            make(tx, "a", "Ann", Role::Administrator, "a", start)?;
            make(tx, "b", "Ben", Role::Clinician, "a", start)?;
            let cookie = begin(tx, "b", false, [1; 32], start)?;
            assert!(who(tx, &cookie, start)?.is_some());
            assert!(who(tx, &cookie, start.plus(IDLE))?.is_none());
            let mut now = start;
            while now.since(start) < ABSOLUTE {
                assert!(who(tx, &cookie, now)?.is_some());
                touch(tx, &cookie, now)?;
                now = now.plus(IDLE / 2);
            }
            assert!(
                who(tx, &cookie, now)?.is_none(),
                "twelve hours are the end of it"
            );
            let cookie = begin(tx, "b", false, [2; 32], start)?;
            end(tx, "b", "a", start)?;
            assert!(who(tx, &cookie, start)?.is_none());
            assert!(
                end(tx, "a", "a", start).is_err(),
                "the last administrator stays"
            );
            Ok::<_, ClinicError>(())
        })
        .unwrap();
    }

    /// REQ-CLINIC-005: passwords are kept as argon2id only; weak ones are refused.
    #[test]
    fn passwords_are_hashed_and_checked() {
        let hash = hash_password("correct horse battery", [7; 16]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(password_is_right("correct horse battery", Some(&hash)));
        assert!(!password_is_right("correct horse batterz", Some(&hash)));
        assert!(!password_is_right("correct horse battery", None));
        for weak in [
            "",
            "short",
            "aaaaaaaaaaaaaaaaaaa",
            "Annemarie Schmidt",
            &"ab1!x".repeat(100),
        ] {
            assert!(check_password(weak, "annemarie schmidt").is_err(), "{weak}");
        }
        check_password("correct horse battery", "ann").unwrap();
    }
}
