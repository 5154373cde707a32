//! JSON as the formats allow it: UTF-8, no byte order mark, no duplicate members, numbers that are plain integers
//! within ±(2^53−1), no lone surrogates. Unknown members are ignored, as a later version may have added them.

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use std::collections::HashSet;
use std::fmt;

/// Integers beyond this are not the same in every JSON reader (RFC 8259 section 6).
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The bytes were not JSON as the formats allow it, or not of the shape wanted. Carries no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or JSON that two readers could take for two things.
    #[error("not strict JSON at line {line}, column {column}")]
    NotStrict {
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
    },
    /// Strict JSON, but not these members.
    #[error("JSON of another shape at line {line}, column {column}")]
    Shape {
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
    },
}

/// Reads one value and nothing after it.
///
/// # Errors
/// [`JsonError`], which names the place and never the content.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    check(bytes)?;
    serde_json::from_slice(bytes).map_err(|e| JsonError::Shape {
        line: e.line(),
        column: e.column(),
    })
}

/// Checks that the bytes are strict JSON, of whatever shape.
///
/// # Errors
/// [`JsonError::NotStrict`].
pub fn check(bytes: &[u8]) -> Result<(), JsonError> {
    let not_strict = |e: serde_json::Error| JsonError::NotStrict {
        line: e.line(),
        column: e.column(),
    };
    let mut from = serde_json::Deserializer::from_slice(bytes);
    Strict.deserialize(&mut from).map_err(not_strict)?;
    from.end().map_err(not_strict)
}

/// Our own value as JSON text, one line, without a final LF.
///
/// # Panics
/// Never for the types of the formats: their members are strings, integers, lists and records.
#[must_use]
pub fn to_string<T: serde::Serialize>(value: &T) -> String {
    #[expect(
        clippy::expect_used,
        reason = "plain records of strings and integers always serialise"
    )]
    serde_json::to_string(value).expect("a plain record serialises")
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strict JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<(), E> {
        if (-MAX_INTEGER..=MAX_INTEGER).contains(&n) {
            Ok(())
        } else {
            Err(E::custom("integer out of range"))
        }
    }
    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<(), E> {
        if n <= MAX_INTEGER.unsigned_abs() {
            Ok(())
        } else {
            Err(E::custom("integer out of range"))
        }
    }
    // serde_json reads `1.0`, `1e0` and `-0` as floats
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Err(E::custom("not a plain integer"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("duplicate member"));
            }
            map.next_value_seed(Strict)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strict_json_is_read() {
        for good in [
            r#"{"a":[1,-2,"é",null,true],"b":{"a":9007199254740991}}"#,
            " 7 ",
            "\"\\ud83d\\ude00\"",
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            "1.0",
            "1e0",
            "-0",
            "9007199254740992",
            "-9007199254740992",
            "\u{feff}{}",
            r#""\ud800""#,
            "01",
            "{} x",
            "",
            "{'a':1}",
            "[1,]",
            "NaN",
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(check(b"\"\xff\"").is_err());
        assert!(
            check("[".repeat(100_000).as_bytes()).is_err(),
            "deep nesting ends in an error, not in a crash"
        );
    }
}
