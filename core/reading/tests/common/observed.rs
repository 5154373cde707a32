//! What a health sensor observes and no other kind takes, of each shape.

use super::observed;
use teleward_reading::*;

/// A minute before noon, by a clock that was set from the network.
const TIME: [u8; 9] = [0x22, 0x84, 0x3e, 0x00, 0x2e, 0x00, 0x00, 1, 0];

pub fn mdc(code: u32) -> Mdc {
    Mdc::new(code).unwrap()
}

pub fn quantity(number: Number, unit: &str) -> Quantity {
    let unit = Ucum::of_code(unit).unwrap();
    Quantity { number, unit }
}

pub fn part(code: u32, number: Number, unit: &str) -> ObservationPart {
    ObservationPart {
        code: mdc(code),
        quantity: quantity(number, unit),
    }
}

/// Samples of an ECG, four milliseconds apart.
pub fn ecg(samples: Vec<u32>) -> ObservationValue {
    let samples = Samples::new(
        Ucum::of_code("mV").unwrap(),
        Decimal::new(5, -3),
        Decimal::new(-2, 0),
        Decimal::new(4, -3),
        1,
        samples,
    );
    ObservationValue::Samples(Box::new(samples.unwrap()))
}

/// One of each shape, and one that failed; each with the frame that says so.
pub fn observations() -> Vec<(&'static str, Reading)> {
    let of = |code, value, slot, frame: &str| {
        let observation = Observation::new(mdc(code), value, slot).unwrap();
        let frame = frame.replace(' ', "");
        observed(Measurement::Observation(observation), &frame, TIME)
    };
    let rate = |number| ObservationValue::Number(quantity(number, "/min"));
    vec![
        (
            "device-observation",
            of(
                151_562,
                rate(Number::of(140, -1)),
                Some(2),
                "08000000 01 1600 2300 0a500200 22843e002e00000100 02 e00a 8c0000ff",
            ),
        ),
        (
            "device-observation-failed",
            of(
                151_562,
                rate(Number::NotANumber),
                None,
                "09000000 01 1500 0300 0a500200 22843e002e00000100 e00a ffff7f00",
            ),
        ),
        (
            "device-observation-compound",
            of(
                188_928,
                ObservationValue::Compound(vec![
                    part(152_586, Number::of(285, -2), "L"),
                    part(152_584, Number::of(412, 0), "L/min"),
                    part(188_948, Number::NotANumber, "%"),
                ]),
                None,
                "0a000000 07 3100 0300 00e20200 22843e002e00000100 03 \
                 0a540200 01 4006 1d0100fe 08540200 01 000c 9c010000 14e20200 01 2002 ffff7f00",
            ),
        ),
        (
            "device-observation-samples",
            of(
                131_329,
                ecg(vec![400, 410, 405, 900, 180, 402, 400, 399]),
                None,
                "0b000000 04 3300 0300 01010200 22843e002e00000100 \
                 b210 050000fd feffff00 040000fd 01 02 08000000 90019a0195018403b400920190018f01",
            ),
        ),
        (
            "device-observation-code",
            of(
                184_327,
                ObservationValue::Code(mdc(147_232)),
                None,
                "0c000000 02 1300 0300 07d00200 22843e002e00000100 203f0200",
            ),
        ),
    ]
}
