//! Who is told of whom: welcomes and circles, made when a link joins, is confirmed or ends.
//!
//! A pending link sees a circle of itself alone. A confirmed one sees all confirmed and ended links of its patient and
//! the enrolment's recovery key, which the first confirmed join named and which only a person at the clinic changes.

use crate::device_tables;
use crate::error::ClinicError;
use crate::letters;
use crate::link::{self, Link, State};
use store::Tx;
use store::rusqlite::params;
use vault::{AgeRecipient, Circle, Content as _, Kind, LinkState, Welcome};
use wire::Time;

/// The enrolment as it is told to phones.
pub(crate) struct Enrolment {
    /// 16 bytes as hex.
    pub id: String,
    /// The recovery key, once a join with or without one was confirmed.
    pub recovery: Option<Option<AgeRecipient>>,
}

/// The enrolment of a patient.
pub(crate) fn enrolment(tx: &Tx<'_>, patient: &str) -> Result<Enrolment, ClinicError> {
    let (id, recovery, fixed): ([u8; 16], Option<String>, bool) = tx.query_row(
        "SELECT enrolment, recovery, has_recovery FROM patient WHERE id = ?1",
        [patient],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let recovery = recovery
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| ClinicError::Kept("a recipient"))?;
    Ok(Enrolment {
        id: wire::MailboxId(id).to_string(),
        recovery: fixed.then_some(recovery),
    })
}

/// The first welcome of a link that has just joined: a circle of this link alone.
pub(crate) fn welcome_pending(tx: &Tx<'_>, link: &mut Link, now: Time) -> Result<(), ClinicError> {
    let enrolment = enrolment(tx, &link.patient)?;
    let own = link.circles.recovery(0).flatten();
    let recovery = enrolment.recovery.clone().unwrap_or(own);
    let alone = link.in_circle().into_iter().collect();
    let circle = next(link, alone, recovery)?;
    welcome(tx, link, &enrolment, &circle, LinkState::Pending, now)
}

/// A person has confirmed the link: it is welcomed in full, and the others of the patient are told.
pub(crate) fn welcome_confirmed(
    tx: &Tx<'_>,
    link: &mut Link,
    now: Time,
) -> Result<(), ClinicError> {
    let mut enrolment = enrolment(tx, &link.patient)?;
    if enrolment.recovery.is_none() {
        let own = link.circles.recovery(0).flatten();
        tx.execute(
            "UPDATE patient SET recovery = ?2, has_recovery = 1 WHERE id = ?1",
            params![link.patient, own.as_ref().map(AgeRecipient::as_str)],
        )?;
        enrolment.recovery = Some(own);
    }
    link::save(tx, link)?;
    let links = of_enrolment(tx, &link.patient)?;
    let circle = next(link, links, enrolment.recovery.clone().flatten())?;
    welcome(tx, link, &enrolment, &circle, LinkState::Confirmed, now)?;
    link::save(tx, link)?;
    device_tables::send(tx, link.up, now)?;
    tell_others(tx, link, &enrolment, now)
}

/// The link has ended: the others are told. Save the link before.
pub(crate) fn tell_of_end(tx: &Tx<'_>, link: &Link, now: Time) -> Result<(), ClinicError> {
    let enrolment = enrolment(tx, &link.patient)?;
    tell_others(tx, link, &enrolment, now)
}

/// After a restore, to a phone that holds a circle which was lost: what counts now.
pub(crate) fn tell_again(tx: &Tx<'_>, link: &mut Link, now: Time) -> Result<(), ClinicError> {
    match link.state {
        State::Pending => welcome_pending(tx, link, now),
        State::Confirmed => {
            let enrolment = enrolment(tx, &link.patient)?;
            let links = of_enrolment(tx, &link.patient)?;
            let circle = next(link, links, enrolment.recovery.clone().flatten())?;
            welcome(tx, link, &enrolment, &circle, LinkState::Confirmed, now)
        }
        State::Making | State::Invited | State::Waiting | State::Ended => Ok(()),
    }
}

fn tell_others(
    tx: &Tx<'_>,
    changed: &Link,
    enrolment: &Enrolment,
    now: Time,
) -> Result<(), ClinicError> {
    let links = of_enrolment(tx, &changed.patient)?;
    for mut other in link::of_patient(tx, &changed.patient)? {
        if other.up == changed.up || other.state != State::Confirmed {
            continue;
        }
        let circle = next(
            &mut other,
            links.clone(),
            enrolment.recovery.clone().flatten(),
        )?;
        letters::queue(
            tx,
            other.up,
            &Kind::Circle,
            circle.to_text().as_bytes(),
            None,
            now,
        )?;
        link::save(tx, &other)?;
    }
    Ok(())
}

/// Confirmed and ended links: pending ones are nobody's business yet.
fn of_enrolment(tx: &Tx<'_>, patient: &str) -> Result<Vec<vault::CircleLink>, ClinicError> {
    let links = link::of_patient(tx, patient)?;
    let told = links.iter().filter(|link| {
        let was_confirmed = link.state == State::Ended;
        link.state == State::Confirmed || was_confirmed
    });
    Ok(told.filter_map(Link::in_circle).collect())
}

/// Makes the next circle of a link and keeps it as sent. Behind one that was lost with a backup a number is left out,
/// since nobody here knows the hash that would have to follow.
fn next(
    link: &mut Link,
    links: Vec<vault::CircleLink>,
    recovery: Option<AgeRecipient>,
) -> Result<Circle, ClinicError> {
    let mut circle = link.circles.next(links, recovery);
    if link
        .circles
        .newest()
        .is_some_and(|newest| newest.links.is_empty())
    {
        circle.n += 1;
    }
    link.circles
        .feed(&circle.to_text())
        .map_err(|_| ClinicError::Kept("a circle"))?;
    Ok(circle)
}

fn welcome(
    tx: &Tx<'_>,
    link: &Link,
    enrolment: &Enrolment,
    circle: &Circle,
    state: LinkState,
    now: Time,
) -> Result<(), ClinicError> {
    let join = link
        .joined
        .as_ref()
        .ok_or(ClinicError::Kept("a link without its join"))?
        .id;
    let welcome = Welcome {
        v: 1,
        join,
        state,
        enrolment: enrolment.id.clone(),
        circle: circle.to_text(),
        plan: None,
    };
    letters::queue(
        tx,
        link.up,
        &Kind::Welcome,
        &welcome.to_content(),
        Some(join),
        now,
    )
}
