//! What a device says about itself, for `teleward decode`: Device Information Service and Battery Service.

use super::{Entry, Fields, text};
use crate::bytes::DecodeError;
use crate::identifiers::{CertificationList, PnpId, SystemId};
use crate::information;
use reading::to_hex;
use serde_json::{Value, json};

/// What this family can print.
pub(super) const ENTRIES: [Entry; 10] = [
    string(0x2a29, "manufacturer_name", "Manufacturer Name String"),
    string(0x2a24, "model_number", "Model Number String"),
    string(0x2a25, "serial_number", "Serial Number String"),
    string(0x2a26, "firmware_revision", "Firmware Revision String"),
    string(0x2a27, "hardware_revision", "Hardware Revision String"),
    string(0x2a28, "software_revision", "Software Revision String"),
    Entry {
        characteristic: 0x2a23,
        kind: "system_id",
        about: "System ID",
        fields: system_id,
    },
    Entry {
        characteristic: 0x2a50,
        kind: "pnp_id",
        about: "PnP ID",
        fields: pnp_id,
    },
    Entry {
        characteristic: 0x2a2a,
        kind: "certifications",
        about: "IEEE 11073-20601 Regulatory Certification Data List",
        fields: certifications,
    },
    Entry {
        characteristic: 0x2a19,
        kind: "battery_level",
        about: "Battery Level",
        fields: battery,
    },
];

const fn string(characteristic: u16, kind: &'static str, about: &'static str) -> Entry {
    Entry {
        characteristic,
        kind,
        about,
        fields: characters,
    }
}

fn characters(frame: &[u8]) -> Result<Fields, DecodeError> {
    let text = information::string(frame);
    Ok(text.map(|text| ("text", text.into())).into_iter().collect())
}

fn system_id(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = SystemId::decode(frame)?;
    Ok(vec![
        ("system_id", to_hex(&read.0).into()),
        ("eui64", read.eui64().into()),
    ])
}

fn pnp_id(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = PnpId::decode(frame)?;
    Ok(vec![
        ("vendor_source", text(read.vendor_source)),
        ("vendor_id", text(read.vendor_id)),
        ("product_id", text(read.product_id)),
        ("product_version", text(read.product_version)),
    ])
}

fn certifications(frame: &[u8]) -> Result<Fields, DecodeError> {
    let list = CertificationList::decode(frame)?;
    let entries = list.0.iter().map(|entry| {
        json!({
            "body": text(entry.body),
            "form": text(entry.form),
            "data": to_hex(&entry.data),
        })
    });
    Ok(vec![("certifications", entries.collect::<Value>())])
}

fn battery(frame: &[u8]) -> Result<Fields, DecodeError> {
    let level = information::battery_percent(frame)?;
    let shown = level.map_or_else(|| "reserved".into(), text);
    Ok(vec![("battery_percent", shown)])
}
