//! What a scripted device keeps, and how its Record Access Control Point answers: glucose meters and whatever else
//! numbers its records, in a script with 16 bits. Nothing is ever deleted.

use super::{Device, Sent};
use crate::radio::Attribute;
use crate::record_access::{
    Bound, RecordAccess, RecordCount, RecordRequest, RecordResponse, RecordResult, Span, Which,
};
use crate::stored::RECORD_ACCESS;
use crate::uuid::Uuid;

/// One record: its number, and what is sent for it (characteristic and bytes), in order.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) number: u16,
    pub(super) packets: Vec<(u16, Vec<u8>)>,
}

/// What is to be sent for a write to the control point.
pub(super) fn asks_for_records(
    known: &mut Device,
    attribute: Attribute,
    bytes: &[u8],
) -> Option<(u64, Vec<Sent>)> {
    let (service, kept) = known.kept.as_ref()?;
    let of = |number| Attribute {
        service: *service,
        characteristic: Uuid::short(number),
    };
    if attribute != of(RECORD_ACCESS) {
        return None;
    }
    let sent = answers(kept, bytes)?;
    let sent = sent.into_iter().map(|(number, bytes)| (of(number), bytes));
    let sent = sent.collect();
    known.requests += 1;
    Some((known.requests, sent))
}

/// What follows a write to the control point, the answer last; `None` for what is no request.
fn answers(kept: &[Kept], written: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
    let request = RecordAccess::decode_request(written).ok()?;
    let done = |op, result| {
        let response = RecordResponse::Done {
            request: op,
            result,
        };
        (RECORD_ACCESS, RecordAccess::Response(response).encode())
    };
    let op = request.op();
    Some(match request {
        RecordRequest::Abort => vec![done(op, RecordResult::Success)],
        RecordRequest::Count(which) => match chosen(kept, which) {
            None => vec![done(op, RecordResult::OperatorNotSupported)],
            Some(records) => {
                let count = u16::try_from(records.len()).unwrap_or(u16::MAX);
                let response = RecordResponse::Count(RecordCount::Short(count));
                vec![(RECORD_ACCESS, RecordAccess::Response(response).encode())]
            }
        },
        RecordRequest::Report(which) => match chosen(kept, which) {
            None => vec![done(op, RecordResult::OperatorNotSupported)],
            Some(records) if records.is_empty() => vec![done(op, RecordResult::NoRecords)],
            Some(records) => {
                let packets = records.iter().flat_map(|one| one.packets.clone());
                packets.chain([done(op, RecordResult::Success)]).collect()
            }
        },
        RecordRequest::CombinedReport(which) => match chosen(kept, which) {
            None => vec![done(op, RecordResult::OperatorNotSupported)],
            Some(records) => {
                let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
                let response = RecordResponse::Combined(RecordCount::Long(count));
                let packets = records.iter().flat_map(|one| one.packets.clone());
                let end = (RECORD_ACCESS, RecordAccess::Response(response).encode());
                packets.chain([end]).collect()
            }
        },
        RecordRequest::Delete(_) => vec![done(op, RecordResult::OpNotSupported)],
    })
}

/// Scripts number with 16 bits; what lies beyond them is none of theirs.
fn short(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn chosen(kept: &[Kept], which: Which) -> Option<Vec<&Kept>> {
    let within = |from: u16, to: u16| {
        let fits = |one: &&Kept| (from..=to).contains(&one.number);
        kept.iter().filter(fits).collect()
    };
    Some(match which {
        Which::All => kept.iter().collect(),
        Which::First => kept.first().into_iter().collect(),
        Which::Last => kept.last().into_iter().collect(),
        Which::AtLeast(Bound::Number(from)) => within(from, u16::MAX),
        Which::AtMost(Bound::Number(to)) => within(0, to),
        Which::Range(Span::Number(from, to)) => within(from, to),
        Which::AtLeast(Bound::RecordNumber(from)) => within(short(from), u16::MAX),
        Which::Range(Span::RecordNumber(from, to)) => within(short(from), short(to)),
        _ => return None,
    })
}
