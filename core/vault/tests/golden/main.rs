//! The permanent golden files under `tests/golden/`, one folder a format.
//!
//! Each folder has an `expected.json`: what is in it and what a reader must say. Files are written once, by
//! `TELEWARD_BLESS=1 cargo test -p teleward-vault --test golden`, and only where one is missing; without that variable
//! a missing or different file is a failure. All keys come from fixed seeds. Everything but age files is made again
//! and compared byte by byte; age files are random, so they are opened.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed arrangement fails the test"
)]

mod data;
mod envelope;
mod files;
mod letter;
mod plain;
mod rejects;
mod signed;
mod world;
