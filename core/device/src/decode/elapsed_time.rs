//! Elapsed Time for `teleward decode`, alone and inside an observation.

use super::{Entry, Fields, names, text};
use crate::bits;
use crate::bytes::DecodeError;
use crate::elapsed_time::{ElapsedClock, ElapsedTime, Timeline};
use reading::{DeviceTime, to_hex};
use serde_json::Value;

/// What this family can print.
pub(super) const ENTRIES: [Entry; 1] = [Entry {
    characteristic: 0x2bf2,
    kind: "elapsed_time",
    about: "Current Elapsed Time, nine bytes or eleven",
    fields,
}];

const STATUS: [&str; 1] = ["needs_setting"];
const CAPABILITIES: [&str; 2] = ["applies_dst", "manages_zone"];

fn fields(frame: &[u8]) -> Result<Fields, DecodeError> {
    if frame.len() <= 9 {
        return ElapsedTime::decode(frame).map(time);
    }
    let clock = ElapsedClock::decode(frame)?;
    let mut fields = time(clock.time);
    fields.extend(byte_of(
        "clock_status",
        "clock_status_reserved",
        clock.status,
        &STATUS,
    ));
    fields.extend(byte_of(
        "clock_capabilities",
        "clock_capabilities_reserved",
        clock.capabilities,
        &CAPABILITIES,
    ));
    Ok(fields)
}

/// The nine bytes.
pub(super) fn time(time: ElapsedTime) -> Fields {
    let mut fields: Fields = vec![
        ("timeline", time.timeline().name().into()),
        ("seconds", text(time.seconds())),
        ("resolution_s", text(time.resolution())),
    ];
    if let Some(civil) = time.civil() {
        fields.push(("time", text(DeviceTime::from_civil(civil))));
    }
    fields.extend(time.offset_min().map(|min| ("offset_min", text(min))));
    if time.timeline() != Timeline::Ticks {
        fields.push(("time_source", text(time.source)));
    }
    fields.push(("current_timeline", time.is_current().into()));
    if time.reserved() != 0 {
        fields.push(("flags_reserved", to_hex(&[time.reserved()]).into()));
    }
    fields
}

/// Named bits of one byte, and the ones without a name.
fn byte_of<const N: usize>(
    name: &'static str,
    reserved: &'static str,
    byte: u8,
    of: &'static [&'static str; N],
) -> impl Iterator<Item = (&'static str, Value)> {
    let rest = byte >> N << N;
    let named = (name, names(bits::named(u32::from(byte), 0, of)));
    let unnamed = (rest != 0).then(|| (reserved, to_hex(&[rest]).into()));
    [named].into_iter().chain(unnamed)
}
