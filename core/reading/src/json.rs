//! JSON as a tree that keeps number tokens as they stand (RFC 8259), because a FHIR decimal's digits carry meaning.
//!
//! In: bytes from outside. Out: a tree, or the first fault. Duplicate members, a byte order mark, lone surrogates,
//! trailing text and deep nesting are refused. The writer writes what the reader reads.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text or a name; most of what is written to a resource is a constant and is not copied.
type Text = Cow<'static, str>;

/// A JSON value; objects keep the order of their members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as the token that was written.
    Number(Text),
    /// A text.
    Text(Text),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(Text, Json)>),
}

/// Why a text is no JSON of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON.
    #[error("not JSON at byte {at}: {what} expected")]
    Syntax {
        /// Where.
        at: usize,
        /// What should stand there.
        what: &'static str,
    },
    /// The same member twice: two readers could see two things.
    #[error("member {name:?} stands twice in one object")]
    Duplicate {
        /// Which.
        name: String,
    },
    /// Nested too deeply, or too long.
    #[error("JSON larger or deeper than any resource of ours")]
    TooLarge,
}

const MAX_DEPTH: usize = 24;
/// No resource of ours has an object with more; each new member is compared with those before it.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 256 * 1024;
/// Most resources take less: the line that is written need not be moved as it grows.
const USUAL_BYTES: usize = 6 * 1024;

impl Json {
    /// A text.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A number, of a token that is one.
    pub fn number(token: impl Into<Text>) -> Self {
        Self::Number(token.into())
    }

    /// An object of these members.
    pub fn object<K: Into<Text>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(k, _)| k == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, when it is a list; nothing otherwise.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// One line, without spaces.
    #[must_use]
    pub fn line(&self) -> String {
        let mut out = String::with_capacity(USUAL_BYTES);
        self.write(&mut out, None);
        out
    }

    /// Over many lines, for people.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Some(0));
        out.push('\n');
        out
    }

    /// Whether both say the same: the order of members does not count.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(name, value)| other.get(name).is_some_and(|to| value.same_as(to)))
            }
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_as(b))
            }
            _ => self == other,
        }
    }

    fn write(&self, out: &mut String, indent: Option<usize>) {
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        };
        let inner = indent.map(|depth| depth + 1);
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(token) => out.push_str(token),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    inner.into_iter().for_each(|depth| line(out, depth));
                    item.write(out, inner);
                }
                indent
                    .filter(|_| !items.is_empty())
                    .into_iter()
                    .for_each(|d| line(out, d));
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (n, (name, value)) in members.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    inner.into_iter().for_each(|depth| line(out, depth));
                    write_text(name, out);
                    out.push_str(if indent.is_some() { ": " } else { ":" });
                    value.write(out, inner);
                }
                indent
                    .filter(|_| !members.is_empty())
                    .into_iter()
                    .for_each(|d| line(out, d));
                out.push('}');
            }
        }
    }
}

/// What needs no escape is copied in one piece; what needs one is a single byte.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// [`JsonError`] with the first fault.
pub fn parse(text: &str) -> Result<Json, JsonError> {
    if text.len() > MAX_BYTES {
        return Err(JsonError::TooLarge);
    }
    let mut parser = Parser { text, at: 0 };
    parser.space();
    let value = parser.value(0)?;
    parser.space();
    if parser.at == text.len() {
        Ok(value)
    } else {
        Err(parser.wanted("the end"))
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn wanted(&self, what: &'static str) -> JsonError {
        JsonError::Syntax { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &'static str) -> Result<(), JsonError> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.wanted(word))
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::TooLarge);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(|text| Json::Text(text.into())),
            Some(b't') => self.take("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.take("false").map(|()| Json::Bool(false)),
            Some(b'n') => self.take("null").map(|()| Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.wanted("a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.take("{")?;
        self.space();
        let mut members: Vec<(Text, Json)> = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            if members.len() == MAX_MEMBERS {
                return Err(JsonError::TooLarge);
            }
            if members.iter().any(|(known, _)| *known == name) {
                return Err(JsonError::Duplicate { name });
            }
            self.space();
            self.take(":")?;
            self.space();
            members.push((name.into(), self.value(depth + 1)?));
            self.space();
            if self.peek() != Some(b',') {
                self.take("}")?;
                return Ok(Json::Object(members));
            }
            self.at += 1;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.take("[")?;
        self.space();
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::List(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.peek() != Some(b',') {
                self.take("]")?;
                return Ok(Json::List(items));
            }
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        let digits = |parser: &mut Self| {
            let from = parser.at;
            while parser.peek().is_some_and(|c| c.is_ascii_digit()) {
                parser.at += 1;
            }
            if parser.at == from {
                Err(parser.wanted("a digit"))
            } else {
                Ok(())
            }
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            digits(self)?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            digits(self)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            digits(self)?;
        }
        Ok(Json::Number(self.text[start..self.at].to_owned().into()))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.take("\"")?;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self
                .peek()
                .is_some_and(|c| c >= 0x20 && c != b'"' && c != b'\\')
            {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let escape = self.peek().ok_or_else(|| self.wanted("an escape"))?;
                    self.at += 1;
                    out.push(match escape {
                        b'"' => '"',
                        b'\\' => '\\',
                        b'/' => '/',
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.unicode()?,
                        _ => return Err(self.wanted("an escape")),
                    });
                }
                _ => return Err(self.wanted("the end of a text")),
            }
        }
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.four()?;
        let code = match first {
            0xd800..=0xdbff => {
                self.take("\\u")?;
                let second = self.four()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.wanted("a low surrogate"));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.wanted("a character"))
    }

    fn four(&mut self) -> Result<u32, JsonError> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()))
            .ok_or_else(|| self.wanted("four hex digits"))?;
        let code = u32::from_str_radix(digits, 16).map_err(|_| self.wanted("four hex digits"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_tokens_and_texts_survive() {
        let text = r#"{"a":[36.40,-0.0,1E+5,true,null,""],"b":{"c":"\u00e9\ud83d\ude00\n\"\\ü"},"d":[],"e":{}}"#;
        let value = parse(text).unwrap();
        let line = value.line();
        assert!(line.contains("36.40,-0.0,1E+5"));
        assert_eq!(parse(&line).unwrap(), value);
        assert_eq!(parse(&value.pretty()).unwrap(), value);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "nul",
            "'a'",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\t\"",
            "1 2",
            "\u{feff}1",
            "{1:2}",
            "\"\\u12g4\"",
            "\"\\u00é\"",
        ] {
            assert!(
                matches!(parse(bad), Err(JsonError::Syntax { .. })),
                "{bad:?}"
            );
        }
        assert_eq!(
            parse(r#"{"a":1,"\u0061":2}"#),
            Err(JsonError::Duplicate {
                name: "a".to_owned()
            })
        );
        assert_eq!(parse(&"[".repeat(100)), Err(JsonError::TooLarge));
        let members: Vec<String> = (0..65).map(|n| format!("\"{n}\":0")).collect();
        let text = format!("{{{}}}", members.join(","));
        assert_eq!(parse(&text), Err(JsonError::TooLarge));
    }
}
