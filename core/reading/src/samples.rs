//! A sample array: numbers at equal distances in time, each a whole number that is scaled. Of FHIR's types it is
//! `SampledData`.

use crate::{Decimal, Ucum};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// How many samples an observation has at most: half a minute of an ECG of 250 a second.
pub const MOST_SAMPLES: usize = 8_192;

/// The powers of ten of factor, offset and period: far beyond what a device sends, and safe to move by a few.
const EXPONENTS: RangeInclusive<i8> = -64..=64;
/// More digits than this no decimal of ours has.
const TOO_MANY: i64 = 1_000_000_000_000_000_000;

/// Samples: value = sample × factor + offset.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    unit: Ucum,
    factor: Decimal,
    offset: Decimal,
    period_s: Decimal,
    per_period: u8,
    samples: Vec<u32>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Samples")
    }
}

impl Samples {
    /// An array of samples; `None` when there are none or more than [`MOST_SAMPLES`], when they fill no whole number of
    /// periods, when one is too large for an integer of FHIR, or when factor or period could not be.
    #[must_use]
    pub fn new(
        unit: Ucum,
        factor: Decimal,
        offset: Decimal,
        period_s: Decimal,
        per_period: u8,
        samples: Vec<u32>,
    ) -> Option<Self> {
        let whole = per_period > 0 && samples.len().is_multiple_of(per_period.into());
        let counted = (1..=MOST_SAMPLES).contains(&samples.len());
        let held = samples.iter().all(|sample| i32::try_from(*sample).is_ok());
        let scaled = [factor, offset, period_s];
        let possible = factor.mantissa() != 0
            && period_s.mantissa() > 0
            && scaled.iter().all(|one| EXPONENTS.contains(&one.exponent()));
        (whole && counted && held && possible).then_some(Self {
            unit,
            factor,
            offset,
            period_s,
            per_period,
            samples,
        })
    }

    /// The unit of the values.
    #[must_use]
    pub const fn unit(&self) -> Ucum {
        self.unit
    }

    /// What a sample is multiplied by.
    #[must_use]
    pub const fn factor(&self) -> Decimal {
        self.factor
    }

    /// What is added then.
    #[must_use]
    pub const fn offset(&self) -> Decimal {
        self.offset
    }

    /// Seconds from one period to the next.
    #[must_use]
    pub const fn period_s(&self) -> Decimal {
        self.period_s
    }

    /// Samples in a period.
    #[must_use]
    pub const fn per_period(&self) -> u8 {
        self.per_period
    }

    /// The samples, oldest first.
    #[must_use]
    pub fn samples(&self) -> &[u32] {
        &self.samples
    }

    /// The value of a sample, exact; `None` when it has more digits than a decimal holds.
    #[must_use]
    pub fn value(&self, sample: u32) -> Option<Decimal> {
        let product = self.factor.mantissa().checked_mul(sample.into())?;
        let (factor, offset) = (self.factor.exponent(), self.offset.exponent());
        let exponent = factor.min(offset);
        let at = |mantissa: i64, from: i8| {
            let places = u32::from(from.abs_diff(exponent));
            mantissa.checked_mul(10_i64.checked_pow(places)?)
        };
        let sum = at(product, factor)?.checked_add(at(self.offset.mantissa(), offset)?)?;
        (sum.checked_abs()? < TOO_MANY).then_some(Decimal::new(sum, exponent))
    }

    /// The lowest and the highest value.
    #[must_use]
    pub fn range(&self) -> Option<(Decimal, Decimal)> {
        let (low, high) = (self.samples.iter().min()?, self.samples.iter().max()?);
        let (low, high) = (self.value(*low)?, self.value(*high)?);
        Some(if self.factor.is_negative() {
            (high, low)
        } else {
            (low, high)
        })
    }

    /// How long it took, in seconds: as many periods as there are.
    #[must_use]
    pub fn duration_s(&self) -> Option<Decimal> {
        let periods = self.samples.len() / usize::from(self.per_period.max(1));
        let mantissa = self
            .period_s
            .mantissa()
            .checked_mul(i64::try_from(periods).ok()?)?;
        Some(Decimal::new(mantissa, self.period_s.exponent()))
    }

    /// Heights for a small picture, in thousandths of the way from the lowest value to the highest. Of an array that is longer
    /// than twice `stretches`, each stretch is its lowest and its highest sample in the order in which they stand, so that no
    /// peak is lost. Nothing where several samples belong to one moment.
    #[must_use]
    pub fn outline(&self, stretches: usize) -> Vec<u16> {
        let (low, high) = (self.samples.iter().min(), self.samples.iter().max());
        let (Some(low), Some(high), 1) = (low, high, self.per_period) else {
            return Vec::new();
        };
        let all = u64::from(high - low);
        let height = |sample: u32| {
            // Where all are the same, in the middle.
            let above = (u64::from(sample - low) * 1_000)
                .checked_div(all)
                .unwrap_or(500);
            let above = u16::try_from(above).unwrap_or(1_000);
            if self.factor.is_negative() {
                1_000 - above
            } else {
                above
            }
        };
        if self.samples.len() <= 2 * stretches {
            return self.samples.iter().map(|sample| height(*sample)).collect();
        }
        let length = self.samples.len().div_ceil(stretches.max(1));
        let ends = |stretch: &[u32]| {
            let ends = stretch.iter().enumerate().map(|(at, one)| (*one, at));
            let (low, high) = (ends.clone().min()?, ends.max()?);
            let (first, second) = if low.1 <= high.1 {
                (low, high)
            } else {
                (high, low)
            };
            Some([height(first.0), height(second.0)])
        };
        let stretches = self.samples.chunks(length);
        stretches.filter_map(ends).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(factor: Decimal, offset: Decimal, samples: &[u32]) -> Option<Samples> {
        let unit = Ucum::of_code("mV")?;
        let period = Decimal::new(4, -3);
        Samples::new(unit, factor, offset, period, 1, samples.to_vec())
    }

    /// REQ-READING-054: the value of a sample is exact, lowest and highest are told, and nothing beyond the bounds is taken.
    #[test]
    fn samples_are_exact_and_bounded() {
        let ecg = of(
            Decimal::new(5, -3),
            Decimal::new(-2, 0),
            &[400, 0, 1_000, 500],
        )
        .unwrap();
        assert_eq!(ecg.value(1_000), Some(Decimal::new(3_000, -3)));
        assert_eq!(
            ecg.range(),
            Some((Decimal::new(-2_000, -3), Decimal::new(3_000, -3)))
        );
        assert_eq!(ecg.duration_s(), Some(Decimal::new(16, -3)));
        let down = of(Decimal::new(-1, 0), Decimal::new(0, -1), &[1, 3]).unwrap();
        assert_eq!(
            down.range(),
            Some((Decimal::new(-30, -1), Decimal::new(-10, -1)))
        );
        let far = of(Decimal::new(1, 60), Decimal::new(1, -60), &[1]).unwrap();
        assert_eq!((far.value(1), far.range()), (None, None));
        let one = Decimal::new(1, 0);
        for refused in [
            of(one, one, &[]),
            of(one, one, &vec![0; MOST_SAMPLES + 1]),
            of(one, one, &[1 << 31]),
            of(Decimal::new(0, 0), one, &[1]),
            of(Decimal::new(1, 100), one, &[1]),
            Samples::new(Ucum::ONE, one, one, Decimal::new(0, 0), 1, vec![1]),
            Samples::new(Ucum::ONE, one, one, one, 0, vec![1]),
            Samples::new(Ucum::ONE, one, one, one, 2, vec![1, 2, 3]),
        ] {
            assert!(refused.is_none());
        }
        assert!(of(one, one, &vec![0; MOST_SAMPLES]).is_some());
    }

    /// REQ-READING-054: a picture of many samples keeps the lowest and the highest of each stretch.
    #[test]
    fn an_outline_keeps_its_peaks() {
        let one = Decimal::new(1, 0);
        let mut samples: Vec<u32> = (0..1_000).map(|n| 5_000 + n % 7).collect();
        (samples[500], samples[777]) = (0, 10_000);
        let outline = of(one, one, &samples).unwrap().outline(100);
        assert!(outline.len() <= 200);
        assert!(outline.contains(&0) && outline.contains(&1_000));
        let down = Decimal::new(-1, 0);
        let few = |factor, samples: &[u32]| of(factor, one, samples).unwrap().outline(100);
        assert_eq!(few(one, &[10, 20, 15]), [0, 1_000, 500]);
        assert_eq!(few(down, &[10, 20, 15]), [1_000, 0, 500]);
        assert_eq!(few(one, &[7, 7]), [500, 500]);
        let pairs = Samples::new(Ucum::ONE, one, one, one, 2, vec![1, 2]).unwrap();
        assert_eq!(pairs.outline(100), [0_u16; 0]);
    }
}
