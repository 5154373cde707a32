//! A wrapper for what must not be shown: wiped from memory when dropped, and `Debug` prints no content.
//!
//! The one way in is [`Sensitive::expose`], so that every place that looks inside can be found by its name.

use zeroize::{Zeroize, Zeroizing};

/// A value that is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Sensitive<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> std::fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sensitive(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-VAULT-001: no secret is printed by `Debug`.
    #[test]
    fn debug_shows_nothing() {
        let secret = Sensitive::new("120/80".to_owned());
        assert_eq!(format!("{secret:?}"), "Sensitive(…)");
        assert_eq!(secret.expose(), "120/80");
    }
}
