//! Bit fields: flags that announce fields, and features and statuses that are told as names in the order of their bits.

use crate::bytes::DecodeError;

/// Refuses flags to which the standard gives no meaning: what they announce has no known place in the frame.
pub(crate) const fn only_known(flags: u32, known: u32) -> Result<(), DecodeError> {
    match flags & !known {
        0 => Ok(()),
        bits => Err(DecodeError::ReservedFlags { bits }),
    }
}

/// The names of the bits that are set; the first of `names` is that of bit `from`.
pub(crate) fn named(
    bits: u32,
    from: u32,
    names: &'static [&'static str],
) -> impl Iterator<Item = &'static str> {
    let set = move |bit: u32| bits.checked_shr(bit).unwrap_or(0) & 1 == 1;
    names
        .iter()
        .zip(from..)
        .filter(move |(_, bit)| set(*bit))
        .map(|(name, _)| *name)
}
