//! One known reading, from a cuff's bytes.

use device::{
    BloodPressureFrame, CapturedRecord, DecodeError, DeviceHandle, Identity, SessionFacts,
    to_reading,
};
use reading::{DeviceFacts, DeviceIdentity, Moment, Reading};

/// Decodes a 2A35 frame.
///
/// # Errors
/// Those of the decoder.
pub fn decode(frame: &[u8]) -> Result<BloodPressureFrame, DecodeError> {
    BloodPressureFrame::decode(frame)
}

/// The reading of a 2A35 frame, by a cuff that said who it is.
///
/// # Errors
/// Those of the decoder.
pub fn reading(frame: &[u8]) -> anyhow::Result<Reading> {
    of(0x2a35, vec![frame.to_vec()])
}

/// The reading of a record of any characteristic, by a device that said who it is.
///
/// # Errors
/// Those of the decoder.
pub fn of(characteristic: u16, packets: Vec<Vec<u8>>) -> anyhow::Result<Reading> {
    let record = CapturedRecord {
        device: DeviceHandle("device".into()),
        characteristic,
        packets,
        arrived: Moment::from_ms(1_718_471_850_000),
        utc_offset_min: 60,
        connection: [1; 16],
        ordinal: 0,
    };
    let facts = SessionFacts {
        device: DeviceFacts {
            maker: Some("Maker".into()),
            model: Some("Cuff".into()),
            serial: Some("0001".into()),
            ..DeviceFacts::default()
        },
        complete: true,
        ..SessionFacts::default()
    };
    let device = DeviceIdentity::strongest(None, "Maker", "Cuff", "0001", None);
    let device = device.ok_or_else(|| anyhow::anyhow!("a serial number makes no identity"))?;
    Ok(to_reading(
        &record,
        &facts,
        &Identity {
            device,
            provisional: false,
        },
        [2; 16],
    )?)
}
