//! The journal against a model of it: whatever is added twice, sealed, refused, acknowledged late, asked for again or
//! rolled back, no reading is lost, none waits twice, and each says where it stands.

use crate::error::CompanionError;
use crate::input::{ManualReading, ManualValues};
use crate::journal::{self, Added, Owner};
use crate::{show, tables};
use proptest::prelude::*;
use reading::{PressureUnit, ReadingId};
use std::collections::{BTreeMap, BTreeSet};
use store::{Database, RowKey};
use wire::{EnvelopeId, InstallId, MailboxId, Time};

fn now() -> Time {
    Time::from_ms(super::START)
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Add(u8),
    /// What waits goes into the next envelope.
    Seal,
    /// As `Seal`, and the transaction fails at its end.
    SealAndFail,
    Stored(usize),
    Refused(usize),
    SendAgain(usize),
    Seen(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..12_u8).prop_map(Step::Add),
        4 => Just(Step::Seal),
        1 => Just(Step::SealAndFail),
        3 => (0..6_usize).prop_map(Step::Stored),
        2 => (0..6_usize).prop_map(Step::Refused),
        1 => (0..6_usize).prop_map(Step::SendAgain),
        1 => (0..12_u8).prop_map(Step::Seen),
    ]
}

/// What the model knows of one reading.
#[derive(Debug, Clone, Default)]
struct Kept {
    envelope: Option<EnvelopeId>,
    aside: bool,
    refused: bool,
    stored: bool,
    seen: bool,
}

fn manual(n: u8) -> ManualReading {
    ManualReading {
        draft_id: format!("{n:032x}"),
        measured_at: now(),
        values: ManualValues::BloodPressure {
            systolic: format!("{}", 100 + u16::from(n)),
            diastolic: "70".to_owned(),
            unit: PressureUnit::MmHg,
            pulse_rate: None,
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// REQ-POST-035: under any steps of the journal each reading is kept once, waits at most once, and stands where the
    /// clinic's words put it.
    #[test]
    fn the_journal_is_its_model(steps in proptest::collection::vec(step(), 0..60)) {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&dir.path().join("db"), tables::SCHEMA).unwrap();
        let key = RowKey::new(&[5; 32]);
        let up = MailboxId([1; 16]);
        let mut model: BTreeMap<ReadingId, Kept> = BTreeMap::new();
        let mut sent: Vec<(EnvelopeId, BTreeSet<ReadingId>)> = Vec::new();
        let id_of = |n: u8| show::typed(&manual(n), InstallId([3; 16]), None, now()).unwrap().id;
        for step in steps {
            match step {
                Step::Add(n) => {
                    let reading = show::typed(&manual(n), InstallId([3; 16]), None, now()).unwrap();
                    let added = db.write(|tx| journal::add(tx, &key, &reading, &Owner::PATIENT, now())).unwrap();
                    let known = model.contains_key(&reading.id);
                    prop_assert_eq!(added, if known { Added::Known } else { Added::New });
                    model.entry(reading.id).or_default();
                }
                Step::Seal | Step::SealAndFail => {
                    let envelope = EnvelopeId([u8::try_from(sent.len() + 1).unwrap(); 32]);
                    let sealed: Result<Vec<ReadingId>, CompanionError> = db.write(|tx| {
                        let batch = journal::next_batch(tx, &key, now())?;
                        let ids: Vec<ReadingId> = batch.iter().map(|reading| reading.id).collect();
                        journal::in_envelope(tx, &ids, envelope)?;
                        if matches!(step, Step::SealAndFail) {
                            return Err(CompanionError::DiskFull);
                        }
                        Ok(ids)
                    });
                    let Ok(ids) = sealed else { continue };
                    for id in &ids {
                        model.get_mut(id).unwrap().envelope = Some(envelope);
                    }
                    sent.push((envelope, ids.into_iter().collect()));
                }
                Step::Stored(which) => {
                    let Some((envelope, readings)) = sent.get(which) else { continue };
                    db.write(|tx| journal::stored(tx, &[*envelope], now())).unwrap();
                    for id in readings {
                        model.get_mut(id).unwrap().stored = true;
                    }
                }
                Step::Refused(which) => {
                    let Some((envelope, readings)) = sent.get_mut(which) else { continue };
                    db.write(|tx| journal::refused(tx, up, *envelope, now())).unwrap();
                    for kept in model.values_mut().filter(|kept| kept.envelope == Some(*envelope)) {
                        (kept.envelope, kept.stored) = (None, false);
                        (kept.aside, kept.refused) = (kept.refused, true);
                    }
                    // what a refused envelope held says nothing when its place is covered
                    readings.clear();
                }
                Step::SendAgain(which) => {
                    let Some((envelope, _)) = sent.get(which) else { continue };
                    db.write(|tx| journal::send_again(tx, &[*envelope])).unwrap();
                    for kept in model.values_mut().filter(|kept| kept.envelope == Some(*envelope)) {
                        (kept.envelope, kept.refused, kept.stored) = (None, false, false);
                    }
                }
                Step::Seen(n) => {
                    db.write(|tx| journal::seen(tx, &[id_of(n)], now())).unwrap();
                    if let Some(kept) = model.get_mut(&id_of(n)) {
                        kept.seen = true;
                    }
                }
            }
            let waiting = db.read(|tx| journal::next_batch(tx, &key, now())).unwrap();
            let waiting: Vec<ReadingId> = waiting.iter().map(|reading| reading.id).collect();
            let wanted: BTreeSet<ReadingId> = model
                .iter()
                .filter(|(_, kept)| kept.envelope.is_none() && !kept.aside)
                .map(|(id, _)| *id)
                .collect();
            prop_assert_eq!(waiting.len(), wanted.len(), "none waits twice");
            prop_assert_eq!(waiting.into_iter().collect::<BTreeSet<_>>(), wanted);
            let rows: Vec<(ReadingId, bool, bool)> = db
                .read(|tx| {
                    let mut rows = tx.prepare("SELECT id, stored_at IS NOT NULL, seen_at IS NOT NULL FROM reading ORDER BY id")?;
                    let rows = rows.query_map([], |row| Ok((ReadingId(row.get(0)?), row.get(1)?, row.get(2)?)))?;
                    Ok::<_, CompanionError>(rows.collect::<Result<_, _>>()?)
                })
                .unwrap();
            let wanted: Vec<_> = model.iter().map(|(id, kept)| (*id, kept.stored, kept.seen)).collect();
            prop_assert_eq!(rows, wanted);
        }
    }
}
