//! What the journeys stand on: real processes, a proxy that lies, and a client of the console's interface.
//!
//! Nothing here sleeps to wait: a process is ready when it says so on its standard output, and a state is reached
//! when the companion's own notice of change or a repeated question says so, within a bound.

#![expect(
    clippy::print_stderr,
    reason = "a test harness tells its tester what happens"
)]

pub mod bench;
pub mod blast;
pub mod console;
pub mod fault;
pub mod house;
pub mod kill;
pub mod liar;
pub mod lied_to;
pub mod lies;
pub mod mail;
pub mod phone;
pub mod process;
pub mod sample;
pub mod seed;
