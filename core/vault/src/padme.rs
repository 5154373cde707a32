//! Padmé: how long a plaintext is made, so that a file's size tells little about its content.
//!
//! Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs" (2019), section 4:
//! at most 12 % is added, and only O(log log L) bits of a length leak. Below 4,096 bytes everything looks alike.

/// No envelope's plaintext is shorter.
pub const FLOOR: usize = 4096;

/// The padded length for `length` bytes: E = ⌊log2 L⌋, S = ⌊log2 E⌋ + 1, rounded up to a multiple of 2^(E−S).
/// Lengths below 2 stay as they are.
#[must_use]
pub fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let e = length.ilog2();
    // ilog2(1) is 0: for lengths 2 and 3, S = 1 = E and nothing is rounded
    let s = e.ilog2() + 1;
    let mask = (1_usize << (e - s.min(e))) - 1;
    length.saturating_add(mask) & !mask
}

/// The length of an envelope's plaintext that must hold `length` bytes.
#[must_use]
pub fn padded(length: usize) -> usize {
    padme(length.max(FLOOR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// REQ-VAULT-002: lengths are padded as Padmé says.
    #[test]
    fn known_lengths() {
        for (length, wanted) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (3, 3),
            (9, 10),
            (4096, 4096),
            (4097, 4352),
            (1_056_770, 1_081_344),
        ] {
            assert_eq!(padme(length), wanted, "{length}");
        }
        assert_eq!(padded(1), FLOOR);
    }

    proptest! {
        #[test]
        fn padding_adds_at_most_twelve_percent_and_is_stable(length in 2_usize..(1 << 40)) {
            let padded = padme(length);
            prop_assert!(padded >= length);
            prop_assert!((padded - length) * 100 <= length * 12);
            prop_assert_eq!(padme(padded), padded);
        }
    }
}
