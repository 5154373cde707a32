//! PLX Spot-Check Measurement (0x2A5E) and PLX Continuous Measurement (0x2A5F): Pulse Oximeter Service 1.0.1. The flags
//! of the two have different meanings.

use crate::NotAValue;
use crate::bits::only_known;
use crate::bytes::{Cursor, DecodeError};
use crate::float::{sfloat, to_sfloat};
use crate::oximeter_status::{OximeterDeviceStatus, OximeterMeasurementStatus};
use reading::{Decimal, DeviceTime, Number};

/// Oxygen saturation in percent, and the pulse that it was taken from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Saturation {
    /// Oxygen saturation in percent.
    pub spo2: Number,
    /// Beats per minute.
    pub pulse_rate: Number,
}

impl Saturation {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            spo2: sfloat(cursor.u16("oxygen saturation")?),
            pulse_rate: sfloat(cursor.u16("pulse rate")?),
        })
    }

    fn write(self, frame: &mut Vec<u8>) -> Option<()> {
        frame.extend(to_sfloat(self.spo2)?.to_le_bytes());
        frame.extend(to_sfloat(self.pulse_rate)?.to_le_bytes());
        Some(())
    }
}

/// A frame of 0x2A5E: one measurement.
#[derive(Clone, PartialEq, Eq)]
pub struct SpotCheckFrame {
    /// The measurement.
    pub normal: Saturation,
    /// The device's time.
    pub time: Option<DeviceTime>,
    /// What the device says about the measurement.
    pub measurement_status: Option<OximeterMeasurementStatus>,
    /// What the device says about itself and its sensor.
    pub device_status: Option<OximeterDeviceStatus>,
    /// Pulse amplitude index in percent.
    pub pulse_amplitude_index: Option<Number>,
    /// The device says that its clock is not set: its time places nothing.
    pub device_clock_not_set: bool,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// A frame of 0x2A5F: the value of a moment.
#[derive(Clone, PartialEq, Eq)]
pub struct ContinuousFrame {
    /// With the usual averaging.
    pub normal: Saturation,
    /// With fast averaging.
    pub fast: Option<Saturation>,
    /// With slow averaging.
    pub slow: Option<Saturation>,
    /// What the device says about the measurement.
    pub measurement_status: Option<OximeterMeasurementStatus>,
    /// What the device says about itself and its sensor.
    pub device_status: Option<OximeterDeviceStatus>,
    /// Pulse amplitude index in percent.
    pub pulse_amplitude_index: Option<Number>,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Saturation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Saturation")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for SpotCheckFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SpotCheckFrame")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for ContinuousFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContinuousFrame")
    }
}

/// The two statuses and the index, which end both frames in this order.
struct Tail {
    measurement_status: Option<OximeterMeasurementStatus>,
    device_status: Option<OximeterDeviceStatus>,
    pulse_amplitude_index: Option<Number>,
}

impl Tail {
    /// `flags` are those of the three fields, the first one lowest.
    fn read(flags: u8, cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let has = |bit: u8| flags >> bit & 1 == 1;
        let measurement = has(0)
            .then(|| cursor.u16("measurement status"))
            .transpose()?;
        let device = has(1).then(|| cursor.u24("device status")).transpose()?;
        let index = has(2)
            .then(|| cursor.u16("pulse amplitude index"))
            .transpose()?;
        Ok(Self {
            measurement_status: measurement.map(OximeterMeasurementStatus),
            device_status: device.map(OximeterDeviceStatus),
            pulse_amplitude_index: index.map(sfloat),
        })
    }

    fn flags(&self) -> u8 {
        u8::from(self.measurement_status.is_some())
            | u8::from(self.device_status.is_some()) << 1
            | u8::from(self.pulse_amplitude_index.is_some()) << 2
    }

    fn write(&self, frame: &mut Vec<u8>) -> Option<()> {
        if let Some(status) = self.measurement_status {
            frame.extend(status.0.to_le_bytes());
        }
        if let Some(status) = self.device_status {
            frame.extend(status.bytes()?);
        }
        if let Some(index) = self.pulse_amplitude_index {
            frame.extend(to_sfloat(index)?.to_le_bytes());
        }
        Some(())
    }
}

impl SpotCheckFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        only_known(u32::from(flags), 0x1f)?;
        let normal = Saturation::read(&mut cursor)?;
        let time = (flags & 0x01 != 0)
            .then(|| cursor.take("time"))
            .transpose()?;
        let tail = Tail::read(flags >> 1, &mut cursor)?;
        Ok(Self {
            normal,
            time: time.map(DeviceTime::from_bytes),
            measurement_status: tail.measurement_status,
            device_status: tail.device_status,
            pulse_amplitude_index: tail.pulse_amplitude_index,
            device_clock_not_set: flags & 0x10 != 0,
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated oximeter does; `None` when a number does not fit.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let tail = Tail {
            measurement_status: self.measurement_status,
            device_status: self.device_status,
            pulse_amplitude_index: self.pulse_amplitude_index,
        };
        let flags = u8::from(self.time.is_some())
            | tail.flags() << 1
            | u8::from(self.device_clock_not_set) << 4;
        let mut frame = vec![flags];
        self.normal.write(&mut frame)?;
        frame.extend(self.time.iter().flat_map(DeviceTime::bytes));
        tail.write(&mut frame)?;
        frame.extend(&self.extra);
        Some(frame)
    }

    /// The oxygen saturation in percent, when it is one.
    ///
    /// # Errors
    /// [`NotAValue`]: what the device says, or what stands in the number's place.
    pub fn spo2_value(&self) -> Result<Decimal, NotAValue> {
        spo2(self.measurement_status, self.normal)
    }

    /// The pulse in beats per minute, when it is one; the saturation may be a value although the pulse is none.
    ///
    /// # Errors
    /// [`NotAValue`].
    pub fn pulse_rate_value(&self) -> Result<Decimal, NotAValue> {
        pulse_rate(self.measurement_status, self.normal)
    }
}

impl ContinuousFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        only_known(u32::from(flags), 0x1f)?;
        let normal = Saturation::read(&mut cursor)?;
        let mut more = |bit| {
            (flags & bit != 0)
                .then(|| Saturation::read(&mut cursor))
                .transpose()
        };
        let (fast, slow) = (more(0x01)?, more(0x02)?);
        let tail = Tail::read(flags >> 2, &mut cursor)?;
        Ok(Self {
            normal,
            fast,
            slow,
            measurement_status: tail.measurement_status,
            device_status: tail.device_status,
            pulse_amplitude_index: tail.pulse_amplitude_index,
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated oximeter does; `None` when a number does not fit.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let tail = Tail {
            measurement_status: self.measurement_status,
            device_status: self.device_status,
            pulse_amplitude_index: self.pulse_amplitude_index,
        };
        let flags =
            u8::from(self.fast.is_some()) | u8::from(self.slow.is_some()) << 1 | tail.flags() << 2;
        let mut frame = vec![flags];
        for saturation in [Some(self.normal), self.fast, self.slow]
            .into_iter()
            .flatten()
        {
            saturation.write(&mut frame)?;
        }
        tail.write(&mut frame)?;
        frame.extend(&self.extra);
        Some(frame)
    }

    /// The oxygen saturation in percent, when it is one.
    ///
    /// # Errors
    /// [`NotAValue`]: what the device says, or what stands in the number's place.
    pub fn spo2_value(&self) -> Result<Decimal, NotAValue> {
        spo2(self.measurement_status, self.normal)
    }

    /// The pulse in beats per minute, when it is one; the saturation may be a value although the pulse is none.
    ///
    /// # Errors
    /// [`NotAValue`].
    pub fn pulse_rate_value(&self) -> Result<Decimal, NotAValue> {
        pulse_rate(self.measurement_status, self.normal)
    }
}

fn spo2(
    status: Option<OximeterMeasurementStatus>,
    saturation: Saturation,
) -> Result<Decimal, NotAValue> {
    match status.and_then(OximeterMeasurementStatus::not_a_value) {
        Some(why) => Err(why),
        // 0 % is what a sensor without a finger shows, as a pulse of 0 is.
        None => NotAValue::unless_rate(saturation.spo2),
    }
}

fn pulse_rate(
    status: Option<OximeterMeasurementStatus>,
    saturation: Saturation,
) -> Result<Decimal, NotAValue> {
    match status.and_then(OximeterMeasurementStatus::not_a_value) {
        Some(why) => Err(why),
        None => NotAValue::unless_rate(saturation.pulse_rate),
    }
}
