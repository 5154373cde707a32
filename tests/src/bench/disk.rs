//! The disk's own rate: what a durable write costs here, without which a rate of receipts says nothing.

use super::{Better, Figure, folder};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// 4 KiB appended and fdatasynced, per second, one after the other.
///
/// # Errors
/// Those of the file system.
pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = folder()?;
    let mut file = std::fs::File::create(folder.path().join("file"))?;
    let (start, mut writes) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(2) {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        writes += 1;
    }
    let rate = f64::from(writes) / start.elapsed().as_secs_f64();
    Ok(vec![Figure::alone(
        "4 KiB write + fdatasync, one at a time",
        rate,
        "/s",
        None,
        Better::Higher,
    )])
}
