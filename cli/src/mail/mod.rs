//! `teleward open` and `teleward verify`: envelopes from files and folders, without a database and without a network.
//!
//! For whoever has the files and a key: a clinic that changes its system, a patient with a recovery sheet, an auditor.

mod chain;
mod files;
pub mod open;
mod trust;
pub mod verify;
