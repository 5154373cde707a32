//! 0x2A5E, 0x2A5F, 0x2A60.

use crate::{TIME, hex, prints, refuses};
use reading::{Decimal, Number};
use serde_json::json;
use teleward_device::{
    ContinuousFrame, NotAValue, OximeterDeviceStatus, OximeterFeature, OximeterMeasurementStatus,
    Saturation, SpotCheckFrame,
};

/// REQ-DEVICE-065: a spot check prints its fields.
#[test]
fn a_spot_check_prints_its_fields() {
    for (frame, fields) in [
        (
            "00 6100 4800",
            json!({"spo2": "97", "pulse_rate": "72", "device_clock_not_set": false}),
        ),
        (
            "1f cff3 0910 e807060f11111b 2001 230080 1df0",
            json!({"spo2": "97.5", "pulse_rate": "90", "time": "2024-06-15T17:17:27",
                   "measurement_status": ["measurement_ongoing", "fully_qualified_data"],
                   "device_status": ["extended_display_update", "equipment_malfunction", "low_perfusion"],
                   "device_status_reserved": "800000",
                   "pulse_amplitude_index": "2.9", "device_clock_not_set": true}),
        ),
        (
            "02 6100 4800 1fff",
            json!({"spo2": "97", "pulse_rate": "72",
                   "measurement_status": ["fully_qualified_data", "data_from_storage", "data_for_demonstration",
                       "data_for_testing", "calibration_ongoing", "measurement_unavailable",
                       "questionable_measurement", "invalid_measurement"],
                   "measurement_status_reserved": "001f", "device_clock_not_set": false}),
        ),
        (
            "04 ff07 ff07 dcff00",
            json!({"spo2": "nan", "pulse_rate": "nan",
                   "device_status": ["signal_processing_irregularity", "inadequate_signal", "poor_signal",
                       "erratic_signal", "nonpulsatile_signal", "questionable_pulse",
                       "signal_analysis_ongoing", "sensor_interference", "sensor_unconnected",
                       "unknown_sensor", "sensor_displaced", "sensor_malfunctioning", "sensor_disconnected"],
                   "device_clock_not_set": false}),
        ),
        (
            "08 6100 0000 fe07 00",
            json!({"spo2": "97", "pulse_rate": "0", "pulse_amplitude_index": "+inf",
                   "device_clock_not_set": false, "extra": "00"}),
        ),
    ] {
        prints(0x2a5e, "spo2", frame, &fields);
    }
}

/// REQ-DEVICE-065: a continuous measurement prints its fields, by flags of its own.
#[test]
fn a_continuous_measurement_prints_its_fields() {
    for (frame, fields) in [
        ("00 6200 3c00", json!({"spo2": "98", "pulse_rate": "60"})),
        (
            "11 6100 4800 6200 4a00 0a00",
            json!({"spo2": "97", "pulse_rate": "72", "spo2_fast": "98", "pulse_rate_fast": "74",
                   "pulse_amplitude_index": "10"}),
        ),
        (
            "1f 6100 4800 6200 4a00 6000 4600 c000 000800 0a00 beef",
            json!({"spo2": "97", "pulse_rate": "72", "spo2_fast": "98", "pulse_rate_fast": "74",
                   "spo2_slow": "96", "pulse_rate_slow": "70",
                   "measurement_status": ["early_estimated_data", "validated_data"],
                   "device_status": ["sensor_unconnected"],
                   "pulse_amplitude_index": "10", "extra": "beef"}),
        ),
        (
            "02 6100 4800 6000 4600",
            json!({"spo2": "97", "pulse_rate": "72", "spo2_slow": "96", "pulse_rate_slow": "70"}),
        ),
    ] {
        prints(0x2a5f, "spo2_continuous", frame, &fields);
    }
}

/// REQ-DEVICE-065: an oximeter's features print what it can say.
#[test]
fn an_oximeters_features_print() {
    for (frame, fields) in [
        ("0000", json!({"features": []})),
        (
            "ff01 0080 010000 aa",
            json!({"features": ["measurement_status", "device_status", "measurement_storage", "time_stamp",
                   "spo2_fast", "spo2_slow", "pulse_amplitude_index", "multiple_bonds"],
                   "features_reserved": "0100", "measurement_status": ["invalid_measurement"],
                   "device_status": ["extended_display_update"], "extra": "aa"}),
        ),
        (
            "0200 008000",
            json!({"features": ["device_status"], "device_status": ["sensor_disconnected"]}),
        ),
    ] {
        prints(0x2a60, "pulse_oximeter_feature", frame, &fields);
    }
}

/// REQ-DEVICE-072: frames that end early, within every field, and frames with flags of no meaning are errors.
#[test]
fn what_is_no_frame_of_an_oximeter_is_refused() {
    for (frame, code) in [
        ("", "short_frame"),
        ("00 61", "short_frame"),
        ("00 6100 48", "short_frame"),
        ("01 6100 4800 e807060f1111", "short_frame"),
        ("02 6100 4800 00", "short_frame"),
        ("04 6100 4800 0000", "short_frame"),
        ("08 6100 4800 0a", "short_frame"),
        ("20 6100 4800", "reserved_flags"),
        ("80 6100 4800", "reserved_flags"),
    ] {
        refuses(0x2a5e, frame, code);
    }
    for (frame, code) in [
        ("", "short_frame"),
        ("00 6100 48", "short_frame"),
        ("01 6100 4800 620048", "short_frame"),
        ("02 6100 4800 6200", "short_frame"),
        ("04 6100 4800 00", "short_frame"),
        ("08 6100 4800 0000", "short_frame"),
        ("10 6100 4800 0a", "short_frame"),
        ("20 6100 4800", "reserved_flags"),
        ("40 6100 4800", "reserved_flags"),
    ] {
        refuses(0x2a5f, frame, code);
    }
    for frame in ["", "01", "0100 00", "0200 0000", "0300 0000 0000"] {
        refuses(0x2a60, frame, "short_frame");
    }
}

/// REQ-DEVICE-074: a demonstration, a test, a calibration, what is said to be unavailable or invalid, and a pulse of 0
/// are no values. HAZ-DEVICE-011.
#[test]
fn what_an_oximeter_does_not_measure_is_no_value() {
    use NotAValue::*;
    for (values, status, spo2, pulse) in [
        ("6100 4800", "0000", Ok(97), Ok(72)),
        ("6100 4800", "0004", Err(Demonstration), Err(Demonstration)),
        ("6100 4800", "0008", Err(Test), Err(Test)),
        ("6100 4800", "0010", Err(Calibrating), Err(Calibrating)),
        ("6100 4800", "0020", Err(Unavailable), Err(Unavailable)),
        ("6100 4800", "0080", Err(Invalid), Err(Invalid)),
        // Ongoing, early, validated, qualified, stored and questionable ones are values.
        ("6100 4800", "e043", Ok(97), Ok(72)),
        ("6100 0000", "0000", Ok(97), Err(NoPulse)),
        ("0000 0000", "0000", Err(NoPulse), Err(NoPulse)),
        ("6100 00f0", "0000", Ok(97), Err(NoPulse)),
        ("ff07 ff07", "0000", Err(Failed), Err(Failed)),
        ("0008 fe07", "0000", Err(NoNumber), Err(AboveRange)),
    ] {
        let number = |value: Result<i64, NotAValue>| value.map(|value| Decimal::new(value, 0));
        let spot = SpotCheckFrame::decode(&hex(&format!("02 {values} {status}"))).unwrap();
        let flow = ContinuousFrame::decode(&hex(&format!("04 {values} {status}"))).unwrap();
        assert_eq!(spot.spo2_value(), number(spo2), "{values} {status}");
        assert_eq!(flow.spo2_value(), number(spo2), "{values} {status}");
        assert_eq!(spot.pulse_rate_value(), number(pulse), "{values} {status}");
        assert_eq!(flow.pulse_rate_value(), number(pulse), "{values} {status}");
    }
}

#[test]
fn a_simulated_oximeter_writes_what_a_real_one_does() {
    let normal = Saturation {
        spo2: Number::of(975, -1),
        pulse_rate: Number::of(9, 1),
    };
    let spot = SpotCheckFrame {
        normal,
        time: Some(TIME),
        measurement_status: Some(OximeterMeasurementStatus(0x0120)),
        device_status: Some(OximeterDeviceStatus(0x0080_0023)),
        pulse_amplitude_index: Some(Number::of(29, -1)),
        device_clock_not_set: true,
        extra: Vec::new(),
    };
    let written = hex("1f cff3 0910 e807060f11111b 2001 230080 1df0");
    assert_eq!(spot.encode(), Some(written));
    let wide = SpotCheckFrame {
        device_status: Some(OximeterDeviceStatus(1 << 24)),
        ..spot
    };
    assert_eq!(wide.encode(), None, "the field has 24 bits");
    let flow = ContinuousFrame {
        normal,
        fast: None,
        slow: Some(normal),
        measurement_status: None,
        device_status: None,
        pulse_amplitude_index: None,
        extra: Vec::new(),
    };
    assert_eq!(flow.encode(), Some(hex("02 cff3 0910 cff3 0910")));
    let feature = OximeterFeature {
        features: 0x0001,
        measurement_status: None,
        device_status: None,
        extra: Vec::new(),
    };
    assert_eq!(feature.encode(), None, "it announces what is not there");
}
