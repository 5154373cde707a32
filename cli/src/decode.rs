//! `teleward decode`: frames of Bluetooth characteristics as JSON, one object a frame.

use anyhow::Result;
use device::{decode_json, entries};
use serde_json::{Value, json};

use crate::exit::Done;
use crate::out;

/// Decode frames of a Bluetooth characteristic, as JSON, one object for each frame.
///
/// Numbers are strings with the digits that the device sent. A frame that cannot be decoded prints
/// `{"error":{"code","message"}}` in its place, and the exit status is 1.
#[derive(clap::Args)]
#[command(
    after_help = "Example: teleward decode --characteristic 2a35 1678004c005900ea07010b070a0042000000\nExample: teleward decode --list"
)]
pub struct Args {
    /// The characteristic's 16-bit number, such as 2a35 (blood pressure measurement).
    #[arg(long, short, value_name = "HHHH", value_parser = characteristic, required_unless_present = "list")]
    characteristic: Option<u16>,
    /// Print the table of all characteristics that can be decoded.
    #[arg(long, conflicts_with_all = ["characteristic", "frames"])]
    list: bool,
    /// Print the table as JSON, as frames always are.
    #[arg(long)]
    json: bool,
    /// Frames as hex digits.
    #[arg(required_unless_present = "list", value_name = "HEX")]
    frames: Vec<String>,
}

fn characteristic(text: &str) -> Result<u16, String> {
    let four = text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = four.then(|| u16::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| "four hex digits are wanted, such as 2a35".to_owned())
}

/// Decodes them, or prints what can be decoded.
pub fn run(args: &Args) -> Result<Done> {
    match args.characteristic {
        Some(characteristic) => decode(characteristic, &args.frames),
        None if args.json => {
            out::line(list_as_json())?;
            Ok(Done::Well)
        }
        None => {
            out::bytes(list_as_text().as_bytes())?;
            Ok(Done::Well)
        }
    }
}

fn decode(characteristic: u16, frames: &[String]) -> Result<Done> {
    let mut done = Done::Well;
    for frame in frames {
        let object = match bytes(frame) {
            Some(bytes) => {
                let decoded = decode_json(characteristic, &bytes);
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

/// A line each: the characteristic, its kind, its name in the standard.
fn list_as_text() -> String {
    let widest = entries().map(|entry| entry.kind.len()).max().unwrap_or(0);
    let line = |entry: device::Entry| {
        let (characteristic, kind, about) = (entry.characteristic, entry.kind, entry.about);
        format!("{characteristic:04x}  {kind:<widest$}  {about}\n")
    };
    entries().map(line).collect()
}

/// The same as one array.
fn list_as_json() -> Value {
    let object = |entry: device::Entry| {
        json!({
            "characteristic": format!("{:04x}", entry.characteristic),
            "kind": entry.kind,
            "about": entry.about,
        })
    };
    entries().map(object).collect()
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

    /// REQ-DEVICE-075: the table is printed on request, as text and as JSON, and with nothing else.
    #[test]
    fn the_table_has_a_line_for_each_characteristic() {
        let text = list_as_text();
        assert_eq!(text.lines().count(), entries().count());
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.splitn(3, "  ").collect())
            .collect();
        let json = list_as_json();
        for (line, object) in lines.iter().zip(json.as_array().unwrap()) {
            assert_eq!(object["characteristic"], line[0]);
            assert_eq!(object["kind"], line[1].trim());
            assert_eq!(object["about"], line[2].trim());
        }
        assert!(text.contains("2a35  blood_pressure"));
    }

    #[test]
    fn the_table_goes_with_nothing_else() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let read = |words: &str| {
            let words = std::iter::once("decode").chain(words.split_whitespace());
            <Line as clap::Parser>::try_parse_from(words).map(|line| line.args)
        };
        assert!(read("--list").is_ok_and(|args| args.list && !args.json));
        assert!(read("--list --json").is_ok_and(|args| args.json));
        assert!(read("--json -c 2a35 00").is_ok());
        assert!(read("-c 2a35 00").is_ok_and(|args| args.characteristic == Some(0x2a35)));
        for wrong in ["", "--json", "-c 2a35", "00", "--list 00", "--list -c 2a35"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_characteristic_is_four_hex_digits() {
        assert_eq!(characteristic("2A35"), Ok(0x2a35));
        for wrong in ["2a3", "0x2a35", "+a35", ""] {
            assert!(characteristic(wrong).is_err(), "{wrong}");
        }
    }
}
