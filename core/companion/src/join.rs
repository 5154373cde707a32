//! The join: the first letter of a link, sealed once the invite's roster is held.

use crate::error::CompanionError;
use crate::keys::{InstallKeys, LinkKeys};
use crate::link::{self, Link};
use crate::mail::{self, App, Letter};
use post::outbox::Lane;
use store::Tx;
use vault::{CircleChain, Join, Kind, Proof};
use wire::Time;

/// Seals the join and moves the link on, in one transaction.
pub(crate) fn seal(
    tx: &Tx<'_>,
    keys: &InstallKeys,
    own: &LinkKeys,
    link: &Link,
    app: &App,
    now: Time,
) -> Result<(), CompanionError> {
    let join = Join {
        v: 1,
        sign: own.sign.public(),
        auth: own.auth.public(),
        age: own.age.recipient().clone(),
        recovery: link.recovery.clone(),
        role: app.role,
        label: link.label.clone(),
        app: app.app.clone(),
    };
    let content = join.to_content().map_err(CompanionError::input)?;
    let proof_key = own.proof.as_ref().ok_or(CompanionError::KeysMissing)?;
    let proof = Proof::make(
        proof_key,
        link.up,
        own.sign.kid(),
        &wire::sha256(&[&content]),
    );
    let letter = Letter {
        kind: Kind::Join,
        content: &content,
        lane: Lane::Alert,
        proof: Some(proof),
    };
    let id = mail::seal(tx, own, link, app, &letter, now)?;
    link::set_circles(
        tx,
        &keys.rows,
        link.up,
        &CircleChain::new(link.recovery.clone()),
    )?;
    link::set_joined(tx, link.up, id)
}
