//! `teleward decode`: frames of Bluetooth characteristics as JSON, one object a frame.

use anyhow::Result;
use device::decode_json;
use serde_json::json;

use crate::exit::Done;
use crate::out;

/// Decode frames of a Bluetooth characteristic, as JSON, one object for each frame.
///
/// Numbers are strings with the digits that the device sent. A frame that cannot be decoded prints
/// `{"error":{"code","message"}}` in its place, and the exit status is 1.
#[derive(clap::Args)]
#[command(
    after_help = "Example: teleward decode --characteristic 2a35 1678004c005900ea07010b070a0042000000"
)]
pub struct Args {
    /// The characteristic's 16-bit number, such as 2a35 (blood pressure measurement).
    #[arg(long, short, value_name = "HHHH", value_parser = characteristic)]
    characteristic: u16,
    /// Frames as hex digits.
    #[arg(required = true, value_name = "HEX")]
    frames: Vec<String>,
}

fn characteristic(text: &str) -> Result<u16, String> {
    let four = text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = four.then(|| u16::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| "four hex digits are wanted, such as 2a35".to_owned())
}

/// Decodes them.
pub fn run(args: &Args) -> Result<Done> {
    let mut done = Done::Well;
    for frame in &args.frames {
        let object = match bytes(frame) {
            Some(bytes) => {
                let decoded = decode_json(args.characteristic, &bytes);
                if !decoded.is_frame() {
                    done = Done::Wrong;
                }
                decoded.json()
            }
            None => {
                done = Done::Wrong;
                let message = "not hex: pairs of the digits 0-9 and a-f are wanted";
                json!({ "error": { "code": "not_hex", "message": message } })
            }
        };
        out::line(object)?;
    }
    Ok(done)
}

/// Pairs of hex digits; the blanks, colons and dashes of other tools may stand between them.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|c| !matches!(c, b' ' | b':' | b'-'))
        .collect();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_as_other_tools_print_it() {
        assert_eq!(bytes("1A2b"), Some(vec![0x1a, 0x2b]));
        assert_eq!(bytes("1a:2b-3c 4d"), Some(vec![0x1a, 0x2b, 0x3c, 0x4d]));
        assert_eq!(bytes("1a2"), None);
        assert_eq!(bytes("+a2b"), None);
        assert_eq!(bytes(""), Some(vec![]));
    }

    #[test]
    fn a_characteristic_is_four_hex_digits() {
        assert_eq!(characteristic("2A35"), Ok(0x2a35));
        for wrong in ["2a3", "0x2a35", "+a35", ""] {
            assert!(characteristic(wrong).is_err(), "{wrong}");
        }
    }
}
