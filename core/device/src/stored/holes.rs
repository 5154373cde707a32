//! Numbers that are missing between those that came.

/// A run of numbers, both ends included.
pub(super) type Run = (u32, u32);

/// The runs that are missing between `from` and `to` (both included); `numbers` in ascending order.
pub(super) fn holes(numbers: impl Iterator<Item = u32>, from: u32, to: u32) -> Vec<Run> {
    let mut runs = Vec::new();
    // The next number that is expected; beyond the largest there is none.
    let mut next = Some(from);
    for number in numbers {
        match next {
            Some(expected) if number > expected => runs.push((expected, number - 1)),
            _ => {}
        }
        next = number.checked_add(1);
    }
    if let Some(expected) = next
        && expected <= to
    {
        runs.push((expected, to));
    }
    runs
}

/// The newest of some numbers in ascending order, where nothing but the numbers tells: the largest, or, when they have
/// gone over the top, the one before the widest gap.
pub(super) fn newest(numbers: &[u32], largest: u32) -> Option<u32> {
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    if last < largest {
        return Some(last);
    }
    let gap_after = |pair: &[u32]| match pair {
        [one, next] => (next - one, *one),
        _ => (0, last),
    };
    let inside = numbers.windows(2).map(gap_after);
    let around = (first + (largest - last) + 1, last);
    inside
        .chain([around])
        .max_by_key(|(gap, _)| *gap)
        .map(|(_, before)| before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_what_is_missing() {
        let of = |numbers: &[u32], from, to| holes(numbers.iter().copied(), from, to);
        assert_eq!(of(&[3, 4, 7, 9], 1, 9), [(1, 2), (5, 6), (8, 8)]);
        assert_eq!(of(&[3], 3, 5), [(4, 5)]);
        assert_eq!(of(&[], 3, 5), [(3, 5)]);
        assert_eq!(of(&[u32::MAX], u32::MAX, u32::MAX), []);
        assert_eq!(of(&[0, 65_535], 0, 65_535), [(1, 65_534)]);
    }

    #[test]
    fn the_newest_is_the_one_before_the_widest_gap() {
        assert_eq!(newest(&[], 65_535), None);
        assert_eq!(newest(&[3, 9], 65_535), Some(9));
        assert_eq!(newest(&[0, 1, 65_534, 65_535], 65_535), Some(1));
        assert_eq!(newest(&[65_500, 65_535], 65_535), Some(65_535));
        assert_eq!(newest(&[7], 7), Some(7));
    }
}
