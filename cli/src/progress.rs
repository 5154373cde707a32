//! Progress for people, on standard error; nothing when nobody watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Something that takes a while, of unknown length.
pub fn spinner(doing: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    // Without it, an empty bar that says "0/0" and nothing else.
    bar.set_style(ProgressStyle::default_spinner());
    bar.set_message(doing);
    bar.enable_steady_tick(TICK);
    bar
}

/// Off the terminal until it is dropped: a spinner would write over what a person types.
pub struct Aside<'a>(&'a ProgressBar);

impl<'a> Aside<'a> {
    /// Clears its line.
    pub fn of(bar: &'a ProgressBar) -> Self {
        bar.finish_and_clear();
        Self(bar)
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.0.reset();
        self.0.enable_steady_tick(TICK);
    }
}

/// Something that takes until the value is dropped, for crates that know nothing of terminals.
pub fn while_kept(doing: &'static str) -> Box<dyn Send> {
    struct Spinning(ProgressBar);
    impl Drop for Spinning {
        fn drop(&mut self) {
            self.0.finish_and_clear();
        }
    }
    Box::new(Spinning(spinner(doing)))
}

/// Something of a known number of steps.
pub fn steps(doing: &'static str, count: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    // The template is ours and sound; the plain bar serves as well.
    if let Ok(style) = ProgressStyle::with_template("{msg:<32} {bar:30} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message(doing);
    bar
}
