//! How often something is computed whose time is not known before: at most once a minute, and for at most a
//! twentieth of the time.

use std::time::{Duration, Instant};

/// How long what was computed is new enough.
const FRESH: Duration = Duration::from_secs(60);
/// Computing takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// When something was computed last, and how long that took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace(Option<(Instant, Duration)>);

impl Pace {
    /// What began at this time was computed.
    pub fn ended(&mut self, began: Instant) {
        self.0 = Some((Instant::now(), began.elapsed()));
    }

    /// Whether it was never computed.
    pub fn is_first(&self) -> bool {
        self.0.is_none()
    }

    /// Whether to compute it again.
    pub fn is_due(&self) -> bool {
        self.0
            .is_none_or(|(at, took)| at.elapsed() >= FRESH.max(took.saturating_mul(SHARE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_computed_less_often() {
        let ended = |ago: u64, took: u64| {
            let at = Instant::now().checked_sub(Duration::from_secs(ago))?;
            Some(Pace(Some((at, Duration::from_secs(took)))))
        };
        assert!(Pace::default().is_due() && Pace::default().is_first());
        for (ago, took, expected) in [(0, 0, false), (61, 0, true), (61, 5, false), (101, 5, true)]
        {
            // A machine that has just started has no time before.
            let Some(pace) = ended(ago, took) else {
                continue;
            };
            assert_eq!(pace.is_due(), expected, "{ago} {took}");
        }
    }
}
