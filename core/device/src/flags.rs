//! Bits with names: how status and feature fields are told, family by family.

/// The names of the bits that are set, from bit 0.
pub(crate) fn names<const N: usize>(
    bits: u32,
    names: [&'static str; N],
) -> impl Iterator<Item = &'static str> {
    names
        .into_iter()
        .enumerate()
        .filter(move |(bit, _)| bits >> bit & 1 == 1)
        .map(|(_, name)| name)
}
