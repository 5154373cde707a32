//! What devices answer on their control points, and whose data they hold, for `teleward decode`: Record Access Control
//! Point, User Control Point, User Index, Database Change Increment.

use super::{Entry, Fields, extra, text};
use crate::bytes::DecodeError;
use crate::record_access::{RecordAccess, RecordResponse};
use crate::user_control::{ChangeIncrement, UserIndex, UserResponse};

/// What this family can print.
pub(super) const ENTRIES: [Entry; 4] = [
    Entry {
        characteristic: 0x2a52,
        kind: "record_access",
        about: "Record Access Control Point, what a device answers",
        fields: record_access,
    },
    Entry {
        characteristic: 0x2a9f,
        kind: "user_control",
        about: "User Control Point, what a device answers",
        fields: user_control,
    },
    Entry {
        characteristic: 0x2a9a,
        kind: "user_index",
        about: "User Index",
        fields: user_index,
    },
    Entry {
        characteristic: 0x2a99,
        kind: "change_increment",
        about: "Database Change Increment",
        fields: change_increment,
    },
];

fn record_access(frame: &[u8]) -> Result<Fields, DecodeError> {
    let response = RecordAccess::decode_response(frame)?;
    let (_, rest) = RecordAccess::split(frame)?;
    let op = frame.first().copied().unwrap_or_default();
    let mut fields: Fields = vec![("op", text(op))];
    match response {
        RecordResponse::Count(count) | RecordResponse::Combined(count) => {
            fields.push(("count", text(count.get())));
        }
        RecordResponse::Done { request, result } => {
            fields.push(("request_op", text(request)));
            fields.push(("result", text(result.code())));
        }
    }
    fields.extend(extra(rest));
    Ok(fields)
}

fn user_control(frame: &[u8]) -> Result<Fields, DecodeError> {
    let response = UserResponse::decode(frame)?;
    let op = frame.first().copied().unwrap_or_default();
    let mut fields: Fields = vec![
        ("op", text(op)),
        ("request_op", text(response.request)),
        ("result", text(response.result.code())),
    ];
    fields.extend(response.user_slot().map(|slot| ("user_slot", text(slot))));
    fields.extend(extra(response.extra()));
    Ok(fields)
}

fn user_index(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = UserIndex::decode(frame)?;
    Ok(vec![("user_slot", text(read.0))])
}

fn change_increment(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = ChangeIncrement::decode(frame)?;
    Ok(vec![("increment", text(read.0))])
}
