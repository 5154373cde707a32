//! No room: on the phone's disk, and in the post box at the relay.

use super::{Phone, manual};
use crate::engine::Ask;
use crate::error::CompanionError;
use crate::sim::Fate;
use crate::view::Stage;
use store::StoreError;

impl Phone {
    /// The disk takes no more than it holds, or as much as anybody wants.
    fn set_pages(&mut self, most: u32) {
        let limit = format!("PRAGMA max_page_count = {most}");
        let set = self
            .desk()
            .database()
            .write(|tx| Ok::<i64, StoreError>(tx.query_row(&limit, [], |row| row.get(0))?));
        set.unwrap();
    }
}

/// REQ-POST-033: a full disk is said in words, to the caller and in the status; what was there stays and is sent when
/// there is room, and the refused reading can be saved again.
#[test]
fn a_full_disk_is_said_in_words_and_loses_nothing() {
    let mut phone = Phone::joined();
    phone.take_reading();
    phone.set_pages(1);
    let refused = loop {
        assert!(phone.taken.len() < 2000, "the disk never gets full");
        let (manual, now) = (manual(&phone), phone.now());
        match phone.desk().record_manual(&manual, now) {
            Ok(id) => phone.taken.push(id),
            Err(error) => break error,
        }
        phone.gather();
    };
    assert_eq!(refused, CompanionError::DiskFull);
    assert!(refused.to_string().contains("disk is full"), "{refused}");
    let trouble = phone.queue().trouble.unwrap();
    assert!(trouble.contains("disk is full"), "{trouble}");
    assert_eq!(phone.history().len().min(200), phone.taken.len().min(200));

    phone.set_pages(1_000_000);
    phone.take_reading();
    phone.settle();
    assert_eq!(phone.queue().trouble, None);
    assert_eq!(phone.world.readings.len(), phone.taken.len());
    for reading in phone.history() {
        assert_eq!(reading.stage, Stage::AtTheClinic);
    }
}

/// REQ-POST-034: a full post box at the relay is said in words; readings stay on the phone and go when there is room.
#[test]
fn a_full_post_box_is_said_in_words_and_passes() {
    let mut phone = Phone::joined();
    phone.take_reading();
    let mut calls = phone.open_calls.iter();
    let put = calls.position(|call| matches!(call.ask, Ask::Put { .. }));
    phone.answer(put.unwrap(), Fate::Full);
    let queue = phone.queue();
    assert_eq!((queue.waiting, queue.stuck), (1, 0));
    let trouble = queue.trouble.unwrap();
    assert!(
        trouble.contains("post box at the relay is full"),
        "{trouble}"
    );
    phone.take_reading();
    phone.settle();
    let queue = phone.queue();
    assert_eq!((queue.waiting, queue.trouble), (0, None));
    assert_eq!(phone.world.readings.len(), 2);
    assert!(queue.last_receipt.is_some() && queue.last_acknowledgement.is_some());
}

/// REQ-POST-036: what was read is released at the relay after the days that the roster gives, and not before; the phone's
/// box does not fill, nothing unread goes, and the link goes on.
#[test]
fn what_was_read_is_released() {
    let mut phone = Phone::joined();
    let days = |phone: &mut Phone, days: i64| {
        for _ in 0..days {
            phone.take_reading();
            phone.settle();
            phone.tick(22 * 3600 * 1000);
        }
    };
    days(&mut phone, 10);
    let before = phone.world.lie_down();
    assert!(
        before >= 10,
        "{before} letters lie there: none is old enough"
    );
    days(&mut phone, 10);
    let after = phone.world.lie_down();
    assert!(
        after < before + 8,
        "{before} letters, ten days later {after}"
    );
    phone.restart();
    phone.take_reading();
    phone.settle();
    let stages: Vec<Stage> = phone.history().iter().map(|one| one.stage).collect();
    assert_eq!(stages.len(), 21);
    assert!(
        stages.iter().all(|stage| *stage == Stage::AtTheClinic),
        "{stages:?}"
    );
    assert!(phone.findings().is_empty(), "{:?}", phone.findings());
}
