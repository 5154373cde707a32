//! The install's keys: made once, kept in the shell's `KeyVault` before anything uses them, never anywhere else.
//!
//! Two of the install (the database key; the identity to which the spool is sealed) and four of each link (auth, sign,
//! age, and the invite's secret, from which claim and proof follow). *Locked* is a normal state: [`Keys::Locked`].

use crate::error::CompanionError;
use std::sync::Arc;
use store::rusqlite::OptionalExtension as _;
use store::{Database, RowKey};
use vault::{AgeIdentity, Invite, KeyVault, KeyVaultError, ProofKey};
use wire::{MailboxId, SigningKey};
use zeroize::Zeroizing;

const DATABASE: &str = "install.database";
const SPOOL: &str = "install.spool";

/// The keys, or why they are not here.
pub(crate) enum Keys {
    /// Out of reach until the device is unlocked.
    Locked,
    Open(Box<InstallKeys>),
}

pub(crate) struct InstallKeys {
    /// Seals rows.
    pub rows: RowKey,
    /// Opens the spool.
    pub own: AgeIdentity,
    /// Of the link, once there is one.
    pub link: Option<LinkKeys>,
}

pub(crate) struct LinkKeys {
    pub up: MailboxId,
    pub auth: Arc<SigningKey>,
    pub sign: SigningKey,
    pub age: AgeIdentity,
    /// Signs the claim and the reading of rosters; gone once the join was sent.
    claim: Option<Arc<SigningKey>>,
    pub proof: Option<ProofKey>,
    /// Whether the invite may still be in the vault.
    invite_kept: bool,
}

impl Keys {
    pub(crate) fn get(&self) -> Option<&InstallKeys> {
        match self {
            Self::Open(keys) => Some(keys),
            Self::Locked => None,
        }
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut InstallKeys> {
        match self {
            Self::Open(keys) => Some(keys),
            Self::Locked => None,
        }
    }
}

/// The keys of an install that has started before.
pub(crate) fn load(vault: &dyn KeyVault) -> Result<Keys, CompanionError> {
    let read = || -> Result<InstallKeys, KeyVaultError> {
        let (database, spool) = (seed(vault, DATABASE)?, seed(vault, SPOOL)?);
        let own = AgeIdentity::from_seed(&spool).map_err(|_| KeyVaultError::Damaged)?;
        Ok(InstallKeys {
            rows: RowKey::new(&database),
            own,
            link: None,
        })
    };
    match read() {
        Ok(keys) => Ok(Keys::Open(Box::new(keys))),
        Err(KeyVaultError::Unavailable) => Ok(Keys::Locked),
        Err(error) => Err(error.into()),
    }
}

/// New keys at the first start. What an interrupted first start has left is used again.
pub(crate) fn make(vault: &dyn KeyVault) -> Result<InstallKeys, CompanionError> {
    for name in [DATABASE, SPOOL] {
        match seed(vault, name) {
            Ok(_) => {}
            Err(KeyVaultError::Missing) => vault.store(name, random()?.as_ref())?,
            Err(error) => return Err(error.into()),
        }
    }
    match load(vault)? {
        Keys::Open(keys) => Ok(*keys),
        Keys::Locked => Err(CompanionError::Locked),
    }
}

impl InstallKeys {
    /// Loads the keys of the link that the database names.
    pub(crate) fn load_link(
        &mut self,
        vault: &dyn KeyVault,
        db: &Database,
    ) -> Result<(), CompanionError> {
        let found: Option<([u8; 16], String)> = db.read(|tx| {
            Ok::<_, CompanionError>(
                tx.query_row(
                    "SELECT up, state FROM link ORDER BY state = 'ended' LIMIT 1",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?,
            )
        })?;
        let Some((up, state)) = found.filter(|(_, state)| state != "ended") else {
            return Ok(());
        };
        let joining = matches!(state.as_str(), "joining" | "claimed");
        self.link = Some(LinkKeys::load(vault, MailboxId(up), joining)?);
        Ok(())
    }

    /// Makes the link's keys and keeps them durably, before anything is claimed with them. An interrupted join with the
    /// same invite finds the keys that it made.
    pub(crate) fn make_link(
        &mut self,
        vault: &dyn KeyVault,
        invite: &Invite,
    ) -> Result<(), CompanionError> {
        let up = invite.up();
        for part in ["auth", "sign", "age"] {
            match seed(vault, &name(up, part)) {
                Ok(_) => {}
                Err(KeyVaultError::Missing) => vault.store(&name(up, part), random()?.as_ref())?,
                Err(error) => return Err(error.into()),
            }
        }
        vault.store(&name(up, "invite"), invite.to_text().expose().as_bytes())?;
        self.link = Some(LinkKeys::load(vault, up, true)?);
        Ok(())
    }
}

impl InstallKeys {
    /// Forgets the invite's secret, once a process.
    pub(crate) fn forget_invite(&mut self, vault: &dyn KeyVault) -> Result<(), CompanionError> {
        let Some(link) = self.link.as_mut().filter(|link| link.invite_kept) else {
            return Ok(());
        };
        vault.delete(&name(link.up, "invite"))?;
        (link.claim, link.proof, link.invite_kept) = (None, None, false);
        Ok(())
    }
}

impl LinkKeys {
    fn load(vault: &dyn KeyVault, up: MailboxId, joining: bool) -> Result<Self, CompanionError> {
        let key = |part| seed(vault, &name(up, part)).map(|seed| SigningKey::from_seed(&seed));
        let age = AgeIdentity::from_seed(&*seed(vault, &name(up, "age"))?)
            .map_err(|_| CompanionError::KeysMissing)?;
        let (auth, sign) = (Arc::new(key("auth")?), key("sign")?);
        let (mut claim, mut proof) = (None, None);
        if joining {
            let text = vault.load(&name(up, "invite"))?;
            let invite = std::str::from_utf8(text.expose())
                .ok()
                .and_then(|text| Invite::parse(text).ok());
            let invite = invite.ok_or(CompanionError::KeysMissing)?;
            (claim, proof) = (Some(Arc::new(invite.claim_key())), Some(invite.proof_key()));
        }
        Ok(Self {
            up,
            auth,
            sign,
            age,
            claim,
            proof,
            invite_kept: true,
        })
    }

    pub(crate) fn claim_key(&self) -> Result<Arc<SigningKey>, CompanionError> {
        self.claim.clone().ok_or(CompanionError::KeysMissing)
    }
}

fn name(up: MailboxId, part: &str) -> String {
    format!("link.{up}.{part}")
}

fn seed(vault: &dyn KeyVault, name: &str) -> Result<Zeroizing<[u8; 32]>, KeyVaultError> {
    let bytes = vault.load(name)?;
    let seed: [u8; 32] = bytes
        .expose()
        .as_slice()
        .try_into()
        .map_err(|_| KeyVaultError::Damaged)?;
    Ok(Zeroizing::new(seed))
}

fn random() -> Result<Zeroizing<[u8; 32]>, CompanionError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(|_| CompanionError::internal("no random bytes"))?;
    Ok(bytes)
}

impl From<KeyVaultError> for CompanionError {
    fn from(error: KeyVaultError) -> Self {
        match error {
            KeyVaultError::Missing | KeyVaultError::Damaged => Self::KeysMissing,
            KeyVaultError::Unavailable => Self::Locked,
            KeyVaultError::Passphrase => Self::input(error),
            KeyVaultError::Name => Self::internal("a key's name"),
            KeyVaultError::Failed(_) => Self::Storage {
                what: error.to_string(),
            },
        }
    }
}
