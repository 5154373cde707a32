//! Standard output. A reader that has seen enough (`teleward open … | head`) ends a command in peace, not in a panic.

use std::fmt;
use std::io::{self, Write};

use anyhow::{Context, Result};

/// Nobody reads what is printed any more: there is nothing left to do, and nobody to tell.
#[derive(Debug)]
pub struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// Prints a line.
pub fn line(text: impl fmt::Display) -> Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    put(&mut io::stdout().lock(), bytes)
}

fn put(out: &mut impl Write, bytes: &[u8]) -> Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        written => written.context("standard output cannot be written: is the disk full?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// REQ-CLI-005: only a reader that went away ends a command in peace; any other failure to print is told.
    #[test]
    fn a_reader_that_went_away_is_told_from_a_full_disk() {
        let gone = put(&mut Fails(io::ErrorKind::BrokenPipe), b"x").unwrap_err();
        assert!(gone.is::<ReaderGone>());
        let full = put(&mut Fails(io::ErrorKind::StorageFull), b"x").unwrap_err();
        assert!(!full.is::<ReaderGone>());
        assert!(full.to_string().contains("cannot be written"));
    }
}
