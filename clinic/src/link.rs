//! A link as it stands in the database: invite, keys, state, the chain of what came and the circles that were sent.
//!
//! In: one row. Out: a value to work on within one transaction, and the few changes that its life has:
//! making → invited → (waiting) → pending → confirmed → ended.

use crate::error::ClinicError;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, Row, params};
use vault::{AgeRecipient, Chain, CircleChain, CircleLink, ProofKey, Role};
use wire::{EnvelopeId, MailboxId, PublicKey, Time};

/// How far a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Being registered at the relay; its invite was never shown.
    Making,
    /// Nobody has joined.
    Invited,
    /// A join came too late and waits for a person.
    Waiting,
    /// Joined; nobody has compared the words.
    Pending,
    /// A person has.
    Confirmed,
    /// Its keys count no more.
    Ended,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Making => "making",
            Self::Invited => "invited",
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Result<Self, ClinicError> {
        [
            Self::Making,
            Self::Invited,
            Self::Waiting,
            Self::Pending,
            Self::Confirmed,
            Self::Ended,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or(ClinicError::Kept("a link's state"))
    }

    /// Whether letters are sent down.
    pub(crate) fn is_joined(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed)
    }
}

/// Who joined.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub id: EnvelopeId,
    pub sign: PublicKey,
    pub auth: PublicKey,
    pub age: AgeRecipient,
    pub role: Role,
    pub label: String,
}

/// One link, loaded.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub up: MailboxId,
    pub down: MailboxId,
    pub patient: String,
    pub root: PublicKey,
    pub proof: ProofKey,
    pub expires: Time,
    pub withdrawn: bool,
    /// The invite went by letter or message.
    pub by_letter: bool,
    pub state: State,
    pub since: Time,
    pub late_allowed: bool,
    pub joined: Option<Joined>,
    pub circles: CircleChain,
    pub chain: Chain,
    pub named_circle: u64,
    pub roster_stated: u32,
    pub roster_mailed: u32,
    pub heard_at: Option<Time>,
    pub next_by: Option<Time>,
    pub answer_due: Option<Time>,
    pub answer_re: Option<EnvelopeId>,
    pub sealed_at: Option<Time>,
}

const COLUMNS: &str = "up, down, patient, root, proof, expires, withdrawn_at, state, since, late_allowed, join_id, sign,
  auth, age, role, label, circles, chain, named_circle, roster_stated, roster_mailed, heard_at, next_by, answer_due,
  answer_re, sealed_at, by_letter";

/// The link with this `up`.
pub(crate) fn load(tx: &Tx<'_>, up: MailboxId) -> Result<Option<Link>, ClinicError> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM link WHERE up = ?1"))?
        .query_row([up.0], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// The links of a patient, oldest first.
pub(crate) fn of_patient(tx: &Tx<'_>, patient: &str) -> Result<Vec<Link>, ClinicError> {
    let mut rows = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM link WHERE patient = ?1 ORDER BY made_at, up"
    ))?;
    let rows = rows.query_map([patient], |row| Ok(read(row)))?;
    rows.map(|row| row.map_err(ClinicError::from).flatten())
        .collect()
}

fn read(row: &Row<'_>) -> Result<Link, ClinicError> {
    let key =
        |bytes: [u8; 32]| PublicKey::from_bytes(&bytes).map_err(|_| ClinicError::Kept("a key"));
    let time = |ms: Option<i64>| ms.map(Time::from_ms);
    let number = |n: i64| u32::try_from(n).map_err(|_| ClinicError::Kept("a number"));
    let joined = match (
        row.get::<_, Option<[u8; 32]>>(10)?,
        row.get::<_, Option<[u8; 32]>>(11)?,
    ) {
        (Some(id), Some(sign)) => {
            let role: String = row.get(14)?;
            Some(Joined {
                id: EnvelopeId(id),
                sign: key(sign)?,
                auth: key(row.get(12)?)?,
                age: row
                    .get::<_, String>(13)?
                    .parse()
                    .map_err(|_| ClinicError::Kept("a recipient"))?,
                role: role_of(&role),
                label: row.get(15)?,
            })
        }
        _ => None,
    };
    let json = |text: String| text.into_bytes();
    Ok(Link {
        up: MailboxId(row.get(0)?),
        down: MailboxId(row.get(1)?),
        patient: row.get(2)?,
        root: key(row.get(3)?)?,
        proof: ProofKey::from_bytes(&row.get(4)?),
        expires: Time::from_ms(row.get(5)?),
        withdrawn: row.get::<_, Option<i64>>(6)?.is_some(),
        state: State::parse(&row.get::<_, String>(7)?)?,
        since: Time::from_ms(row.get(8)?),
        late_allowed: row.get(9)?,
        joined,
        circles: wire::json::parse(&json(row.get(16)?))
            .map_err(|_| ClinicError::Kept("a circle"))?,
        chain: wire::json::parse(&json(row.get(17)?)).map_err(|_| ClinicError::Kept("a chain"))?,
        named_circle: u64::try_from(row.get::<_, i64>(18)?)
            .map_err(|_| ClinicError::Kept("a number"))?,
        roster_stated: number(row.get(19)?)?,
        roster_mailed: number(row.get(20)?)?,
        heard_at: time(row.get(21)?),
        next_by: time(row.get(22)?),
        answer_due: time(row.get(23)?),
        answer_re: row.get::<_, Option<[u8; 32]>>(24)?.map(EnvelopeId),
        sealed_at: time(row.get(25)?),
        by_letter: row.get(26)?,
    })
}

pub(crate) fn role_text(role: Role) -> &'static str {
    match role {
        Role::Patient => "patient",
        Role::Caregiver => "caregiver",
        Role::Hub => "hub",
        Role::Unknown => "unknown",
    }
}

fn role_of(text: &str) -> Role {
    match text {
        "patient" => Role::Patient,
        "caregiver" => Role::Caregiver,
        "hub" => Role::Hub,
        _ => Role::Unknown,
    }
}

/// What changes with every letter: the chain and what headers say. One statement.
pub(crate) fn save(tx: &Tx<'_>, link: &Link) -> Result<(), ClinicError> {
    let named = i64::try_from(link.named_circle).map_err(|_| ClinicError::Kept("a number"))?;
    let joined = link.joined.as_ref();
    tx.prepare_cached(
        "UPDATE link SET state = ?2, since = ?3, late_allowed = ?4, join_id = coalesce(?5, join_id), sign = ?6, auth = ?7,
           age = ?8, role = ?9, label = ?10, circles = ?11, chain = ?12, named_circle = ?13, roster_stated = ?14,
           roster_mailed = ?15, heard_at = ?16, next_by = ?17, answer_due = ?18, answer_re = ?19, sealed_at = ?20
         WHERE up = ?1",
    )?
    .execute(params![
        link.up.0,
        link.state.as_str(),
        link.since.ms(),
        link.late_allowed,
        joined.map(|j| j.id.0),
        joined.map(|j| *j.sign.as_bytes()),
        joined.map(|j| *j.auth.as_bytes()),
        joined.map(|j| j.age.as_str()),
        joined.map(|j| role_text(j.role)),
        joined.map(|j| j.label.as_str()),
        wire::json::to_string(&link.circles),
        wire::json::to_string(&link.chain),
        named,
        link.roster_stated,
        link.roster_mailed,
        link.heard_at.map(Time::ms),
        link.next_by.map(Time::ms),
        link.answer_due.map(Time::ms),
        link.answer_re.map(|id| id.0),
        link.sealed_at.map(Time::ms),
    ])?;
    Ok(())
}

impl Link {
    /// Its entry in a circle, once it has joined.
    pub(crate) fn in_circle(&self) -> Option<CircleLink> {
        let joined = self.joined.as_ref()?;
        Some(CircleLink {
            kid: joined.sign.kid(),
            age: joined.age.clone(),
            role: joined.role,
            label: joined.label.clone(),
            since: self.since,
            state: match self.state {
                State::Confirmed => vault::LinkState::Confirmed,
                State::Ended => vault::LinkState::Ended,
                State::Making | State::Invited | State::Waiting | State::Pending => {
                    vault::LinkState::Pending
                }
            },
        })
    }
}

/// The `up` mailboxes whose mail is collected: all that may still hold some.
pub(crate) fn to_collect(tx: &Tx<'_>, ended_after: Time) -> Result<Vec<MailboxId>, ClinicError> {
    let mut rows = tx.prepare_cached(
        "SELECT up FROM link WHERE state IN ('waiting', 'pending', 'confirmed')
           OR (state = 'invited' AND (withdrawn_at IS NULL OR claimed_at IS NOT NULL))
           OR (state = 'ended' AND since > ?1) ORDER BY heard_at DESC",
    )?;
    let rows = rows.query_map([ended_after.ms()], |row| row.get(0).map(MailboxId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
