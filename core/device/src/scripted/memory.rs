//! What a scripted device keeps, and how its Record Access Control Point answers: glucose meters and whatever else
//! numbers its records with 16 bits. Nothing is ever deleted.

use crate::record_access::{
    Bound, RecordAccess, RecordCount, RecordRequest, RecordResponse, RecordResult, Span, Which,
};
use crate::stored::RECORD_ACCESS;

/// One record: its number, and what is sent for it (characteristic and bytes), in order.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) number: u16,
    pub(super) packets: Vec<(u16, Vec<u8>)>,
}

/// What follows a write to the control point, the answer last; `None` for what is no request.
pub(super) fn answers(kept: &[Kept], written: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
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
        RecordRequest::Delete(_) | RecordRequest::CombinedReport(_) => {
            vec![done(op, RecordResult::OpNotSupported)]
        }
    })
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
        _ => return None,
    })
}
