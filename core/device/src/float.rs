//! SFLOAT and FLOAT of IEEE 11073-20601 (medfloat16, medfloat32 of the GATT Specification Supplement): a signed
//! mantissa and a signed power of ten, little-endian, with five whole-word special values.

use reading::{Decimal, Number};

/// Reads an SFLOAT: 12 bits of mantissa, 4 bits of exponent, both two's complement.
#[must_use]
pub fn sfloat(word: u16) -> Number {
    match word {
        0x07ff => Number::NotANumber,
        0x0800 => Number::NotAtThisResolution,
        0x07fe => Number::PlusInfinity,
        0x0802 => Number::MinusInfinity,
        0x0801 => Number::Reserved,
        _ => Number::of(
            i64::from(signed(u32::from(word & 0x0fff), 12)),
            exponent(signed(u32::from(word >> 12), 4)),
        ),
    }
}

/// Reads a FLOAT: 24 bits of mantissa, 8 bits of exponent, both two's complement.
#[must_use]
pub fn float(word: u32) -> Number {
    match word {
        0x007f_ffff => Number::NotANumber,
        0x0080_0000 => Number::NotAtThisResolution,
        0x007f_fffe => Number::PlusInfinity,
        0x0080_0002 => Number::MinusInfinity,
        0x0080_0001 => Number::Reserved,
        _ => Number::of(
            i64::from(signed(word & 0x00ff_ffff, 24)),
            exponent(signed(word >> 24, 8)),
        ),
    }
}

/// Writes an SFLOAT; `None` when mantissa or exponent do not fit, or the word would be one of the special values.
#[must_use]
pub fn to_sfloat(number: Number) -> Option<u16> {
    Some(match number {
        Number::NotANumber => 0x07ff,
        Number::NotAtThisResolution => 0x0800,
        Number::PlusInfinity => 0x07fe,
        Number::MinusInfinity => 0x0802,
        Number::Reserved => 0x0801,
        Number::Value(value) => {
            let word = u16::try_from(word(value, 12, 4)?).ok()?;
            (sfloat(word) == number).then_some(word)?
        }
    })
}

/// Writes a FLOAT; `None` when mantissa or exponent do not fit, or the word would be one of the special values.
#[must_use]
pub fn to_float(number: Number) -> Option<u32> {
    Some(match number {
        Number::NotANumber => 0x007f_ffff,
        Number::NotAtThisResolution => 0x0080_0000,
        Number::PlusInfinity => 0x007f_fffe,
        Number::MinusInfinity => 0x0080_0002,
        Number::Reserved => 0x0080_0001,
        Number::Value(value) => {
            let word = word(value, 24, 8)?;
            (float(word) == number).then_some(word)?
        }
    })
}

/// The low `bits` of a word as two's complement.
fn signed(value: u32, bits: u32) -> i32 {
    let shift = 32 - bits;
    (value << shift).cast_signed() >> shift
}

fn exponent(value: i32) -> i8 {
    i8::try_from(value).unwrap_or(0)
}

fn word(value: Decimal, mantissa_bits: u32, exponent_bits: u32) -> Option<u32> {
    let fit = |value: i64, bits: u32| {
        let half = 1_i64 << (bits - 1);
        (-half..half)
            .contains(&value)
            .then(|| u32::try_from(value & ((1 << bits) - 1)).ok())?
    };
    let mantissa = fit(value.mantissa(), mantissa_bits)?;
    let exponent = fit(i64::from(value.exponent()), exponent_bits)?;
    Some(exponent << mantissa_bits | mantissa)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-DEVICE-001: every word of both formats is read as the standard says, the exponent in two's complement.
    #[test]
    fn the_standards_words_are_read_and_written() {
        for (word, number) in [
            (0x0072, Number::of(114, 0)),
            (0xf16c, Number::of(364, -1)),
            (0x107c, Number::of(124, 1)),
            (0x8fff, Number::of(-1, -8)),
            (0x7001, Number::of(1, 7)),
            (0x07ff, Number::NotANumber),
            (0x0800, Number::NotAtThisResolution),
            (0x07fe, Number::PlusInfinity),
            (0x0802, Number::MinusInfinity),
            (0x0801, Number::Reserved),
            (0x07fd, Number::of(2045, 0)),
            (0x0803, Number::of(-2045, 0)),
        ] {
            assert_eq!(sfloat(word), number, "{word:04x}");
            assert_eq!(to_sfloat(number), Some(word), "{word:04x}");
        }
        assert_eq!(
            float(u32::from_le_bytes([0x6c, 0x01, 0x00, 0xff])),
            Number::of(364, -1)
        );
        assert_eq!(float(0x007f_ffff), Number::NotANumber);
        assert_eq!(float(0x0080_0000), Number::NotAtThisResolution);
        assert_eq!(
            to_sfloat(Number::of(2047, 0)),
            None,
            "2047 is the word of NaN"
        );
        assert_eq!(to_sfloat(Number::of(5000, 0)), None);
        assert_eq!(to_sfloat(Number::of(1, 8)), None);
    }

    #[test]
    fn all_65536_words_go_there_and_back() {
        for word in 0..=u16::MAX {
            assert_eq!(to_sfloat(sfloat(word)), Some(word), "{word:04x}");
        }
    }
}
