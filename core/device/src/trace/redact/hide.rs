//! Values by their place among those that were met. Each byte becomes its place among the bytes that were met behind the
//! same beginning: then the same value is always replaced by the same, another one by another, and a value can be replaced
//! before all of it has come.

use std::collections::HashMap;

/// What was met: from a beginning, by its next byte, to the longer beginning and the place of that byte.
#[derive(Default)]
pub(super) struct Hidden {
    next: HashMap<(usize, u8), (usize, u8)>,
    /// How many different bytes were met behind each beginning.
    behind: HashMap<usize, u8>,
}

impl Hidden {
    /// A field in its place.
    pub(super) fn hide(&mut self, field: &[u8]) -> Vec<u8> {
        let mut beginning = 0;
        let mut hidden = Vec::with_capacity(field.len());
        for byte in field {
            // The empty one is the first.
            let longer = self.next.len() + 1;
            let met = self.next.entry((beginning, *byte)).or_insert_with(|| {
                let behind = self.behind.entry(beginning).or_default();
                let place = *behind;
                // A byte has 256 values: the last of them has the place 255, and none comes after it.
                *behind = behind.wrapping_add(1);
                (longer, place)
            });
            beginning = met.0;
            hidden.push(met.1);
        }
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// REQ-DEVICE-203: the same is replaced by the same, another by another, a beginning by a beginning.
        #[test]
        fn places_tell_values_apart(values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 0..300)) {
            let mut hidden = Hidden::default();
            let mut met: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
            for value in values {
                let place = hidden.hide(&value);
                prop_assert_eq!(place.len(), value.len());
                let half = value.len() / 2;
                prop_assert_eq!(&hidden.hide(&value[..half]), &place[..half]);
                let before = met.insert(place.clone(), value.clone());
                prop_assert!(before.is_none_or(|before| before == value));
                prop_assert_eq!(hidden.hide(&value), place);
            }
        }
    }

    #[test]
    fn every_byte_has_a_place() {
        let mut hidden = Hidden::default();
        let places: Vec<u8> = (0..=u8::MAX)
            .rev()
            .flat_map(|byte| hidden.hide(&[byte]))
            .collect();
        assert_eq!(places, (0..=u8::MAX).collect::<Vec<_>>());
    }
}
