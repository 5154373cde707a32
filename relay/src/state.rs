//! Who may do what: keys, links and tenants, held in memory from the database so that a stranger's knock costs no disk.
//!
//! Everything here is bounded by `Limits::links`. The writer thread alone changes it, after the database has.

use std::collections::HashMap;
use wire::api::{LinkState, Quota};
use wire::{Kid, MailboxId, PublicKey, Time};

/// A tenant: one clinic.
pub type TenantId = i64;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A clinic's station.
    Station(TenantId),
    /// An install, on the link with this `up` mailbox.
    Link(MailboxId),
    /// An invite: may claim, and read rosters.
    Claim(MailboxId),
}

/// One link.
#[derive(Debug, Clone)]
pub struct Link {
    /// Whose it is.
    pub tenant: TenantId,
    /// Phone to clinic.
    pub up: MailboxId,
    /// Clinic to phone.
    pub down: MailboxId,
    /// The key that may claim.
    pub claim: Option<PublicKey>,
    /// The install's key, once claimed.
    pub auth: Option<PublicKey>,
    /// End of the first claim.
    pub claim_until: Time,
    /// Limits of each mailbox.
    pub quota: Quota,
    /// Whether a second key tried to claim.
    pub contested: bool,
    /// Whether writing has ended.
    pub revoked: bool,
}

impl Link {
    /// As the station sees it.
    #[must_use]
    pub fn state(&self) -> LinkState {
        match (self.revoked, self.contested, self.auth.is_some()) {
            (true, _, _) => LinkState::Revoked,
            (_, true, _) => LinkState::Contested,
            (_, _, true) => LinkState::Claimed,
            _ => LinkState::Open,
        }
    }
}

/// Which side of a mailbox somebody is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Puts envelopes in.
    Writer,
    /// Takes them out.
    Reader,
}

/// Everybody that the relay knows.
#[derive(Debug, Default)]
pub struct Directory {
    keys: HashMap<Kid, (PublicKey, Principal)>,
    links: HashMap<MailboxId, Link>,
    boxes: HashMap<MailboxId, MailboxId>,
}

impl Directory {
    /// The key and what it may do.
    #[must_use]
    pub fn key(&self, kid: Kid) -> Option<(PublicKey, Principal)> {
        self.keys.get(&kid).copied()
    }

    /// A link by its `up` mailbox.
    #[must_use]
    pub fn link(&self, up: MailboxId) -> Option<&Link> {
        self.links.get(&up)
    }

    /// How many links there are.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// Whether this clinic has a key that counts.
    #[must_use]
    pub fn has_station(&self, tenant: TenantId) -> bool {
        let station = Principal::Station(tenant);
        self.keys.values().any(|(_, who)| *who == station)
    }

    /// The link that a mailbox belongs to.
    #[must_use]
    pub fn link_of_box(&self, mailbox: MailboxId) -> Option<&Link> {
        self.links.get(self.boxes.get(&mailbox)?)
    }

    /// Which side of the mailbox this principal is on, if on any. A revoked link's install has none.
    #[must_use]
    pub fn side(&self, principal: Principal, mailbox: MailboxId) -> Option<Side> {
        let link = self.link_of_box(mailbox)?;
        let up = mailbox == link.up;
        match principal {
            Principal::Station(tenant) if tenant == link.tenant => {
                Some(if up { Side::Reader } else { Side::Writer })
            }
            Principal::Link(own) if own == link.up && !link.revoked => {
                Some(if up { Side::Writer } else { Side::Reader })
            }
            _ => None,
        }
    }

    /// The clinic that a principal belongs to.
    #[must_use]
    pub fn tenant(&self, principal: Principal) -> Option<TenantId> {
        match principal {
            Principal::Station(tenant) => Some(tenant),
            Principal::Link(up) | Principal::Claim(up) => {
                self.links.get(&up).map(|link| link.tenant)
            }
        }
    }

    /// Takes a link in, in place of what was known of it.
    pub fn put_link(&mut self, link: Link) {
        if let Some(old) = self.links.get(&link.up) {
            for key in [old.claim, old.auth].into_iter().flatten() {
                self.keys.remove(&key.kid());
            }
        }
        if let Some(key) = link.claim {
            self.keys
                .insert(key.kid(), (key, Principal::Claim(link.up)));
        }
        if let Some(key) = link.auth {
            self.keys.insert(key.kid(), (key, Principal::Link(link.up)));
        }
        self.boxes.insert(link.up, link.up);
        self.boxes.insert(link.down, link.up);
        self.links.insert(link.up, link);
    }

    /// Takes a station's key in.
    pub fn put_station(&mut self, tenant: TenantId, key: PublicKey) {
        self.keys
            .insert(key.kid(), (key, Principal::Station(tenant)));
    }

    /// Ends a station's key.
    pub fn end_station(&mut self, kid: Kid) {
        self.keys.remove(&kid);
    }

    /// Whether any mailbox or key of a new link is taken already, or stands for two things.
    #[must_use]
    pub fn collides(&self, link: &Link) -> bool {
        let boxes = [link.up, link.down]
            .iter()
            .any(|b| self.boxes.contains_key(b))
            || link.up == link.down;
        let keys = [link.claim, link.auth]
            .into_iter()
            .flatten()
            .any(|key| self.keys.contains_key(&key.kid()));
        let twice = link.claim.is_some() && link.claim == link.auth;
        boxes || keys || twice
    }
}
