//! The Heart Rate Service's frame for `teleward decode`.

use super::{Entry, Fields, extra, text};
use crate::bytes::DecodeError;
use crate::heart_rate::HeartRateFrame;
use serde_json::Value;

/// What this family can print.
pub(super) const ENTRIES: [Entry; 1] = [Entry {
    characteristic: 0x2a37,
    kind: "heart_rate",
    about: "Heart Rate Measurement",
    fields: measurement,
}];

fn measurement(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = HeartRateFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("heart_rate", text(read.heart_rate)),
        ("contact", read.contact.into()),
    ];
    fields.extend(read.energy_kj.map(|energy| ("energy_kj", text(energy))));
    if !read.rr_1024.is_empty() {
        let times: Vec<Value> = read.rr_1024.iter().map(text).collect();
        fields.push(("rr_1024", times.into()));
    }
    fields.extend(extra(&read.extra));
    Ok(fields)
}
