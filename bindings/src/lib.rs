//! The one face of the core for Kotlin, Swift and Python.
//!
//! Thin on purpose: own records, conversions, one error, one object. No rule lives here. State is read with
//! [`Companion::view`] and [`Companion::history`]; [`Companion::next_change`] says when to read again. A command that
//! carries data returns after its commit. Every exported call can fail, so that a fault inside becomes an exception
//! and never a crash. Foreign calls are synchronous: [`KeyVault`] only loads, stores and deletes, [`Radio`] only starts work,
//! whose results come back by [`Companion::radio_answer`] and [`Companion::radio_event`].

mod companion;
mod error;
mod key_vault;
mod lifecycle;
mod radio;
mod records;
mod views;

pub use crate::companion::Companion;
pub use error::TelewardError;
pub use key_vault::{KeyVault, KeyVaultError};
pub use lifecycle::init;
pub use radio::{
    MakersData, Radio, RadioAnswer, RadioAttribute, RadioError, RadioEvent, RadioFault, RadioState,
    SeenDevice,
};
pub use records::{
    Config, Frame, GlucoseUnit, JoinOptions, ManualReading, ManualValues, MassUnit, Meal,
    NetworkHint, PressureUnit, RadioChoice, Role, Submitted, TemperatureUnit,
};
pub use views::{
    Changes, CheckWords, CircleMember, Detail, Device, DrainReport, Finding, HistoryPage,
    HistoryQuery, Link, LinkState, Queue, Reading, RecoverySheet, Request, RequestState, Stage,
    Status, Topic, Value, View,
};

uniffi::setup_scaffolding!("teleward");
