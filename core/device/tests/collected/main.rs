//! Sessions with scripted devices of the families whose records are more than one frame: each record comes whole, once,
//! with its time, whatever happens to the link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod body_scale;
mod cuff_memory;
mod health_sensor;
mod meter_context;
mod observed;
mod sensor;
mod strap;

use reading::{DeviceFacts, DeviceIdentity, Moment, Reading, to_hex};
use std::sync::Arc;
use teleward_device::{
    CapturedRecord, DecodeError, DeviceHandle, Identity, Plan, Script, ScriptedRadio, SessionEvent,
    SessionFacts, SessionReport, StoredMark, Trace, TraceMode, replay, run_session, to_reading,
};

/// 2024-06-15T17:17:27Z; the phone is at +02:00.
fn now() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}

fn handle() -> DeviceHandle {
    DeviceHandle("device".to_owned())
}

/// A radio with one device, of these members of a script.
fn radio(members: &str) -> ScriptedRadio {
    let script = format!(
        r#"{{"utc_offset_min":120,"devices":[{{"device":"device","address":"c4c4c4c4c4c4",{members}}}]}}"#
    );
    ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap()
}

struct Outcome {
    report: SessionReport,
    records: Vec<CapturedRecord>,
    facts: SessionFacts,
    mark: StoredMark,
    trace: Option<Trace>,
}

impl Outcome {
    /// The packets of each record in hex, with a space between two.
    fn raw(&self) -> Vec<String> {
        let packets = |record: &CapturedRecord| record.packets.iter().map(|p| to_hex(p)).collect();
        let joined = |record| -> Vec<String> { packets(record) };
        let records = self.records.iter();
        records.map(|record| joined(record).join(" ")).collect()
    }

    /// The readings of the records, or why one is none.
    fn readings(&self) -> Vec<Result<Reading, DecodeError>> {
        let identity = Identity {
            device: DeviceIdentity::Address([0xc4; 6]),
            provisional: false,
        };
        let read = |record| to_reading(record, &self.facts, &identity, [1; 16]);
        self.records.iter().map(read).collect()
    }
}

/// A session that collects from the device. Its redacted trace runs again to the same end, also when it went on from an
/// earlier session's mark.
async fn collect(radio: &ScriptedRadio, stored: StoredMark) -> Outcome {
    let plan = Plan {
        stored: stored.clone(),
        trace: TraceMode::Redacted,
        ..Plan::collect(handle(), false, DeviceFacts::default(), 120, [8; 16])
    };
    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    let radio = Arc::new(radio.clone());
    let report = run_session(radio, plan, now(), to, std::future::pending()).await;
    let mut outcome = Outcome {
        report,
        records: Vec::new(),
        facts: SessionFacts::default(),
        mark: stored,
        trace: None,
    };
    while let Some(event) = from.recv().await {
        match event {
            SessionEvent::Record(record) => outcome.records.push(record),
            SessionEvent::Facts(facts) => outcome.facts = *facts,
            SessionEvent::Mark(mark) => outcome.mark = *mark,
            SessionEvent::Trace(trace) => outcome.trace = Some(trace),
            SessionEvent::Ended(_) => {}
        }
    }
    let again = replay(outcome.trace.as_ref().unwrap().text()).unwrap();
    assert_eq!(again.differs, None);
    assert_eq!(again.report.unwrap().reason, outcome.report.reason);
    outcome
}

/// The numbers of a reading as `name value unit`.
fn told(reading: &Reading) -> String {
    let parts = reading.measurement.parts();
    let numbers = parts.values.iter().map(|value| {
        let number = value.number.map_or("–".to_owned(), |one| one.to_string());
        format!("{} {number} {}", value.name, value.unit)
    });
    numbers.collect::<Vec<_>>().join(", ")
}

/// The doubts of a reading.
fn doubts(reading: &Reading) -> Vec<&'static str> {
    reading.doubts.iter().map(|doubt| doubt.code()).collect()
}
