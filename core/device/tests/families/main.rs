//! Literal frames of the families of devices, what `teleward decode` prints for them, and what holds for all of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod any;
mod blood_pressure_records;
mod body_composition;
mod everywhere;
mod heart_rate;
mod information;
mod oximeter;
mod quirks;
mod thermometer;
mod user_control;
mod weight;

use reading::{DeviceTime, from_hex};
use serde_json::{Value, json};
use teleward_device::decode_json;

/// 2024-06-15 17:17:27, as in most frames here.
const TIME: DeviceTime = DeviceTime::from_bytes([0xe8, 7, 6, 15, 17, 17, 27]);

/// Hex digits with blanks between the fields.
fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

/// Checks the fields of a frame: all of them, in their order.
fn prints(characteristic: u16, kind: &str, frame: &str, fields: &Value) {
    let mut expected = json!({"characteristic": format!("{characteristic:04x}"), "kind": kind});
    let object = expected.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    let printed = decode_json(characteristic, &hex(frame)).json();
    assert_eq!(printed.to_string(), expected.to_string(), "{frame}");
}

/// Checks that what is no frame is an error with its code.
fn refuses(characteristic: u16, frame: &str, code: &str) {
    let printed = decode_json(characteristic, &hex(frame)).json();
    assert_eq!(printed["error"]["code"], code, "{frame}");
}
