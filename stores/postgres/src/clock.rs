//! How far the server's clock is ahead of this machine's. It is measured with each new connection, and again
//! when a measurement is old or this machine's clock has been set.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The server's time in SQL, in microseconds.
pub(crate) const TIME: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT";
/// The age up to which a measurement counts.
const FRESH: Duration = Duration::from_secs(60);
/// By how much the clock of this machine may have moved otherwise than time has passed, in microseconds.
const SET: i64 = 1_000_000;
/// The resolution of times, in microseconds.
const MILLI: i64 = 1000;

/// The server's clock, as far as it is known.
#[derive(Debug)]
pub(crate) struct ServerClock {
    /// This machine's clock, in microseconds.
    own: fn() -> i64,
    measured: Mutex<Option<Measured>>,
}

/// A measurement.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// By how much the server's clock is ahead, in microseconds.
    offset: i64,
    sent: Sent,
}

/// When a measurement began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    at: Instant,
    own: i64,
}

impl ServerClock {
    pub(crate) fn new(own: fn() -> i64) -> Self {
        Self {
            own,
            measured: Mutex::default(),
        }
    }

    /// Begins a measurement, before the question is sent.
    pub(crate) fn begin(&self) -> Sent {
        Sent {
            at: Instant::now(),
            own: (self.own)(),
        }
    }

    /// Ends a measurement, with the server's time in microseconds.
    pub(crate) fn end(&self, sent: Sent, server: i64) {
        let half = micros(sent.at.elapsed()) / 2;
        let offset = server.saturating_sub(sent.own.saturating_add(half));
        // The server may have read its clock at any time of the round trip.
        let is_uncertain = offset.saturating_abs() <= half.saturating_add(MILLI);
        let measured = Measured {
            offset: if is_uncertain { 0 } else { offset },
            sent,
        };
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = Some(measured);
    }

    /// By how many milliseconds the server's clock is ahead, and whether that is known well enough.
    pub(crate) fn offset_ms(&self) -> (i64, bool) {
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Measured { offset, sent }) = measured else {
            return (0, false);
        };
        let passed = sent.at.elapsed();
        let moved = (self.own)().saturating_sub(sent.own);
        let was_set = moved.saturating_sub(micros(passed)).saturating_abs() > SET;
        (offset / MILLI, passed < FRESH && !was_set)
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock that tests set, in microseconds. One test uses it.
    static CLOCK: AtomicI64 = AtomicI64::new(0);

    fn clock() -> i64 {
        CLOCK.load(Ordering::Relaxed)
    }

    #[test]
    fn a_clock_that_is_set_is_measured_again() {
        let server = ServerClock::new(clock);
        assert_eq!(server.offset_ms(), (0, false));
        server.end(server.begin(), 3_600_000_000);
        let (offset, is_known) = server.offset_ms();
        assert!(
            is_known && (3_599_000..=3_600_000).contains(&offset),
            "{offset}"
        );
        CLOCK.store(7_200_000_000, Ordering::Relaxed);
        assert!(!server.offset_ms().1);
        server.end(server.begin(), 3_600_000_000);
        let (offset, is_known) = server.offset_ms();
        assert!(
            is_known && (-3_601_000..=-3_600_000).contains(&offset),
            "{offset}"
        );
        // Less than can be measured is nothing.
        server.end(server.begin(), 7_200_000_000);
        assert_eq!(server.offset_ms(), (0, true));
    }
}
