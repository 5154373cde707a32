//! The invite: what a patient scans to join, and the keys and mailboxes that both sides derive from it.
//!
//! `https://{relay}/i#` ‖ base64url(0x01 ‖ clinic root ‖ secret ‖ expires ‖ roster), 73 bytes; see
//! `docs/formats/invite.md`. The secret stands in the fragment, which browsers do not send to the relay.

use crate::Sensitive;
use crate::qr::{QrTooLong, qr_svg};
use hkdf::Hkdf;
use sha2::Sha256;
use std::time::Duration;
use url::{Host, Url};
use wire::{MailboxId, PublicKey, SigningKey, Time, b64u};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const LENGTH: usize = 73;
/// How long after [`Invite::expires`] a join is still taken without a person's word.
pub const JOIN_GRACE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a text is no invite that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Not the text of an invite, or one that was cut off.
    #[error(
        "not a Teleward invite, or not all of it; scan the code again or ask your clinic for a new one"
    )]
    NotAnInvite,
    /// Made for a later version.
    #[error("this invite needs a newer app; update the app and scan it again")]
    UpdateApp,
    /// `http` to an address that is not of this machine or this house.
    #[error("this invite leads over an unprotected connection; ask your clinic for a new one")]
    Unprotected,
}

/// One invite. Its secret is wiped when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    relay: String,
    root: PublicKey,
    secret: Sensitive<[u8; 32]>,
    expires_minutes: u32,
    roster: u32,
}

impl Invite {
    /// A new invite. `relay` is scheme and authority as in the roster; `secret` is random; `expires` is cut to whole
    /// minutes; `roster` is the newest roster's number.
    ///
    /// # Errors
    /// [`InviteError::Unprotected`], or [`InviteError::NotAnInvite`] for an address with a path or a time that does not fit.
    pub fn new(
        relay: &str,
        root: PublicKey,
        secret: &[u8; 32],
        expires: Time,
        roster: u32,
    ) -> Result<Self, InviteError> {
        let expires_minutes = u32::try_from(expires.seconds().div_euclid(60))
            .map_err(|_| InviteError::NotAnInvite)?;
        let relay = check_relay(relay)?;
        Ok(Self {
            relay,
            root,
            secret: Sensitive::new(*secret),
            expires_minutes,
            roster,
        })
    }

    /// Reads the text of an invite; blanks around it are left out.
    ///
    /// # Errors
    /// [`InviteError`].
    pub fn parse(text: &str) -> Result<Self, InviteError> {
        let (address, fragment) = text
            .trim()
            .split_once('#')
            .ok_or(InviteError::NotAnInvite)?;
        let relay = address.strip_suffix("/i").ok_or(InviteError::NotAnInvite)?;
        let bytes = Zeroizing::new(b64u::decode(fragment).map_err(|_| InviteError::NotAnInvite)?);
        match bytes.first() {
            Some(&VERSION) if bytes.len() == LENGTH => {}
            Some(&VERSION) | None => return Err(InviteError::NotAnInvite),
            Some(_) => return Err(InviteError::UpdateApp),
        }
        let relay = check_relay(relay)?;
        let (root, secret) = (
            array::<32>(&bytes[1..33])?,
            Zeroizing::new(array::<32>(&bytes[33..65])?),
        );
        Ok(Self {
            relay,
            root: PublicKey::from_bytes(&root).map_err(|_| InviteError::NotAnInvite)?,
            secret: Sensitive::new(*secret),
            expires_minutes: u32::from_be_bytes(array(&bytes[65..69])?),
            roster: u32::from_be_bytes(array(&bytes[69..73])?),
        })
    }

    /// The text, for QR, link and letter.
    #[must_use]
    pub fn to_text(&self) -> Sensitive<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
        bytes.push(VERSION);
        bytes.extend_from_slice(self.root.as_bytes());
        bytes.extend_from_slice(self.secret.expose());
        bytes.extend_from_slice(&self.expires_minutes.to_be_bytes());
        bytes.extend_from_slice(&self.roster.to_be_bytes());
        Sensitive::new(format!(
            "{}/i#{}",
            self.relay,
            b64u::encode(bytes.as_slice())
        ))
    }

    /// The QR code as SVG.
    ///
    /// # Errors
    /// When the relay's name is too long for one.
    pub fn qr_svg(&self) -> Result<Sensitive<String>, QrTooLong> {
        qr_svg(self.to_text().expose()).map(Sensitive::new)
    }

    /// Scheme and authority of the relay to claim at, in the spelling of rosters.
    #[must_use]
    pub fn relay(&self) -> &str {
        &self.relay
    }

    /// Whether the way to the relay is `http`: right on one's own machine or in one's own house, and to be said.
    #[must_use]
    pub fn is_unprotected(&self) -> bool {
        self.relay.starts_with("http:")
    }

    /// The clinic's root, which the joiner pins.
    #[must_use]
    pub fn root(&self) -> PublicKey {
        self.root
    }

    /// The end of the time in which the first claim is taken.
    #[must_use]
    pub fn expires(&self) -> Time {
        Time::from_ms(i64::from(self.expires_minutes) * 60_000)
    }

    /// The roster that the joiner must hold before it seals anything.
    #[must_use]
    pub fn roster(&self) -> u32 {
        self.roster
    }

    /// The secret itself, to be stored where secrets are kept.
    #[must_use]
    pub fn expose_secret(&self) -> &Sensitive<[u8; 32]> {
        &self.secret
    }

    /// Signs the claim and the reading of rosters, nothing else.
    #[must_use]
    pub fn claim_key(&self) -> SigningKey {
        SigningKey::from_seed(&self.derive("claim"))
    }

    /// Proves in the join that its sender held the invite.
    #[must_use]
    pub fn proof_key(&self) -> ProofKey {
        ProofKey(Sensitive::new(*self.derive("proof")))
    }

    /// The mailbox that the phone writes.
    #[must_use]
    pub fn up(&self) -> MailboxId {
        MailboxId(*self.derive("up"))
    }

    /// The mailbox that the station writes.
    #[must_use]
    pub fn down(&self) -> MailboxId {
        MailboxId(*self.derive("down"))
    }

    fn derive<const N: usize>(&self, what: &str) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        let info = ["teleward/v1/invite/", what];
        let filled = Hkdf::<Sha256>::new(Some(self.root.as_bytes()), self.secret.expose())
            .expand_multi_info(&info.map(str::as_bytes), out.as_mut_slice());
        debug_assert!(
            filled.is_ok(),
            "HKDF gives up to 8,160 bytes and 32 are asked for"
        );
        out
    }
}

impl std::fmt::Debug for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invite({}, until {}, …)", self.relay, self.expires())
    }
}

/// The key under which a join proves that its sender held the invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofKey(pub(crate) Sensitive<[u8; 32]>);

impl ProofKey {
    /// As it was stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Sensitive::new(*bytes))
    }

    /// To be stored where secrets are kept, while the invite is open.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], InviteError> {
    bytes.try_into().map_err(|_| InviteError::NotAnInvite)
}

/// Scheme and authority without anything else, in the one spelling that rosters use.
fn check_relay(text: &str) -> Result<String, InviteError> {
    let foreign = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if text.contains(foreign) || text.ends_with('/') {
        return Err(InviteError::NotAnInvite);
    }
    let url = Url::parse(text).map_err(|_| InviteError::NotAnInvite)?;
    let plain = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match (url.scheme(), url.host(), plain) {
        ("https", Some(_), true) => {}
        ("http", Some(host), true) if is_near(&host) => {}
        ("http", Some(_), true) => return Err(InviteError::Unprotected),
        _ => return Err(InviteError::NotAnInvite),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Literal loopback and private addresses (RFC 1918, RFC 4193) and `localhost`.
fn is_near(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback() || address.is_private(),
        Host::Ipv6(address) => address.is_loopback() || address.is_unique_local(),
    }
}
