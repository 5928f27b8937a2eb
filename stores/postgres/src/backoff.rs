//! Pauses between attempts.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The longest first pause, in milliseconds; it doubles with each.
const FIRST: u64 = 4;
/// The longest pause, in milliseconds.
const LONGEST: u64 = 1000;

/// Pauses that get longer, with jitter: without it all processes would try again at the same time.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Waits, unless that would take until the deadline. Returns whether there is time for another attempt.
    pub(crate) async fn pause(&mut self, deadline: Instant) -> bool {
        let longest = LONGEST.min(FIRST << self.attempts.min(16));
        self.attempts += 1;
        let millis = longest / 2 + random() % (longest / 2 + 1);
        let until = Instant::now() + Duration::from_millis(millis);
        if until >= deadline {
            return false;
        }
        sleep_until(until).await;
        true
    }
}

/// A random number; 0 without a source of random bits, which jitter can do without.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
