//! What an app does once per process, before anything else.

use crate::TelewardError;
use std::sync::Once;

/// Prepares the process: a panic inside is reported by its place only, never with its message, which might hold what
/// a patient measured. Call it once; further calls do nothing. `context` is the Android `Context`'s data folder, and
/// is reserved elsewhere.
///
/// # Errors
/// None today; a platform that needs more will say so here and not panic later.
#[uniffi::export]
pub fn init(context: Option<String>) -> Result<(), TelewardError> {
    static DONE: Once = Once::new();
    drop(context);
    DONE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
            #[expect(
                clippy::print_stderr,
                reason = "the one channel that works in every process and at any time"
            )]
            {
                eprintln!("teleward: a fault inside at {place}");
            }
        }));
    });
    Ok(())
}
