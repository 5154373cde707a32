//! How a command ends.

use std::process::ExitCode;

/// What every command's help says about its exit status.
pub const STATUS: &str = "Exit status: 0 done; 1 something is wrong, and was said; 2 the words on the command line were not understood.";

/// How a command ended that could do its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// All is well.
    Well,
    /// It did its work, and what it looked at is not as it should be.
    Wrong,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Well => Self::SUCCESS,
            Done::Wrong => Self::from(1),
        }
    }
}
