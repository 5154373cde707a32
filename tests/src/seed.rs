//! Chance that can be repeated: splitmix64 from a printed seed.

/// A stream of numbers from one seed.
#[derive(Debug, Clone)]
pub struct Seed {
    start: u64,
    state: u64,
}

impl Seed {
    /// From an environment variable, or from the clock.
    ///
    /// # Errors
    /// When the variable is no number.
    pub fn from_environment(variable: &str) -> anyhow::Result<Self> {
        let start = match std::env::var(variable) {
            Ok(text) => text.parse()?,
            Err(_) => wire::Time::system().ms().unsigned_abs(),
        };
        Ok(Self {
            start,
            state: start,
        })
    }

    /// The seed, to be printed.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from((z ^ (z >> 31)) % limit).unwrap_or_default()
    }
}
