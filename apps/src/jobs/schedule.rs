//! The decision whether a job is due, as a pure function of its schedule, of what the store keeps of it, and of the time. One occurrence of
//! a schedule is run once, by the instance whose commit claims it. Of several that have passed, the newest one is run.

use tenure_core::{Millis, Result, Text, Timestamp};

use super::cron::{Cron, until};
use super::records::{JobRecord, Phase};

/// When jobs run that name no time, in UTC.
const DEFAULT_AT: &str = "03:00";
/// A run that begins this long after its time is late.
const LATE: Millis = Millis(5 * 60_000);
/// The greatest number of occurrences that are counted as missed.
const MOST_MISSED: u32 = 10_000;
/// A time that is ahead by more was written by a clock that has been set back since.
const MAX_AHEAD: Millis = Millis(24 * 3_600_000);
/// The delays of the retries of a run that has failed. A random part of up to a quarter is added.
pub(crate) const RETRY_DELAYS: [Millis; 3] =
    [Millis(60_000), Millis(5 * 60_000), Millis(15 * 60_000)];
/// The attempts of one occurrence: the first and the retries.
const ATTEMPTS: u32 = RETRY_DELAYS.len() as u32 + 1;

/// When a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule(Cron);

impl Schedule {
    /// The schedule of a time of day or a cron expression. By default jobs run daily at 03:00 UTC.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn of(at: Option<&Text>) -> Result<Self> {
        let at = at.map_or(DEFAULT_AT, Text::as_str).trim();
        match at.contains(char::is_whitespace) {
            true => Cron::parse(at).map(Self),
            false => Cron::daily(at).map(Self),
        }
    }

    /// The first occurrence after a time.
    fn next_after(self, now: Timestamp) -> Option<Timestamp> {
        self.0.next_after(now)
    }

    /// The newest occurrence after `last`, up to `now`, and the number of those before it.
    fn newest(self, last: Timestamp, now: Timestamp) -> Option<(Timestamp, u32)> {
        let newest = self.0.last_at(now).filter(|newest| *newest > last)?;
        let (mut time, mut missed) = (last, 0);
        while missed < MOST_MISSED {
            match self.0.next_after(time).filter(|next| *next < newest) {
                Some(next) => (time, missed) = (next, missed + 1),
                None => break,
            }
        }
        Some((newest, missed))
    }
}

/// The decision on a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is not due for this time. `write` is what the store has to keep of it first, if anything.
    Wait {
        time: Millis,
        write: Option<JobRecord>,
    },
    /// Another instance runs it.
    Held,
    /// It is due, unless another instance holds its lease.
    Run(JobRecord),
    /// Each attempt has ended with its process. It is due again at its next occurrence.
    Abandon { time: Millis, write: JobRecord },
}

/// Decides on a claim. `is_held` is whether the lease of the job is held, and `asks` whether the caller asks for a run now.
pub(crate) fn decide(
    schedule: Schedule,
    stored: Option<&JobRecord>,
    now: Timestamp,
    is_held: bool,
    asks: bool,
) -> Decision {
    let fresh = JobRecord::new(now);
    let known = stored.filter(|record| record.last.since(now) <= MAX_AHEAD.0);
    let record = known.unwrap_or(&fresh);
    let next = || match schedule.next_after(now) {
        Some(at) => until(now, at),
        None => MAX_AHEAD,
    };
    let running = |at: Timestamp, missed: u32, attempt: u32, resumes: bool| {
        Decision::Run(JobRecord {
            last: at,
            phase: Phase::Running,
            attempt,
            missed,
            is_late: now.since(at) >= LATE.0,
            resumes,
            started_at: Some(now),
            not_before: None,
            ..record.clone()
        })
    };
    match record.phase {
        _ if is_held => Decision::Held,
        // The caller asks for a run of its own, and not for the one that is abandoned.
        Phase::Running if record.attempt >= ATTEMPTS && asks => running(now, 0, 1, true),
        Phase::Running if record.attempt >= ATTEMPTS => Decision::Abandon {
            time: next(),
            write: JobRecord {
                phase: Phase::Idle,
                ..record.clone()
            },
        },
        Phase::Running => running(record.last, record.missed, record.attempt + 1, true),
        Phase::Waiting => match record.not_before.filter(|at| *at > now && !asks) {
            Some(at) => Decision::Wait {
                time: until(now, at),
                write: None,
            },
            None => running(record.last, record.missed, record.attempt + 1, false),
        },
        // A run that is asked for has its time from the caller, such as a timer of systemd.
        Phase::Idle if asks => running(now, 0, 1, false),
        Phase::Idle => match schedule.newest(record.last, now) {
            Some((at, missed)) => running(at, missed, 1, false),
            None => Decision::Wait {
                time: next(),
                // From then on, what is missed is known.
                write: known.is_none().then(|| fresh.clone()),
            },
        },
    }
}

/// Whether an attempt that failed is retried, and when at the earliest.
pub(crate) fn retry_after(attempt: u32) -> Option<Millis> {
    RETRY_DELAYS
        .get(attempt.saturating_sub(1) as usize)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn daily() -> Schedule {
        Schedule::of(None).unwrap()
    }

    fn wait(decision: &Decision) -> u64 {
        match decision {
            Decision::Wait { time, .. } => time.0,
            other => panic!("{other:?}"),
        }
    }

    fn run(decision: Decision) -> JobRecord {
        match decision {
            Decision::Run(record) => record,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_job_waits_for_its_time() {
        let now = at("2026-01-08T14:00:00Z");
        let decision = decide(daily(), None, now, false, false);
        assert_eq!(wait(&decision), 13 * HOUR);
        assert!(matches!(decision, Decision::Wait { write: Some(_), .. }));
        let asked = run(decide(daily(), None, now, false, true));
        assert_eq!((asked.last, asked.attempt), (now, 1));
    }

    #[test]
    fn a_host_that_was_asleep_runs_once_and_says_so() {
        let stored = JobRecord::new(at("2026-01-05T14:00:00Z"));
        let record = run(decide(
            daily(),
            Some(&stored),
            at("2026-01-08T09:00:00Z"),
            false,
            false,
        ));
        assert_eq!(record.last, at("2026-01-08T03:00:00Z"));
        assert_eq!((record.missed, record.is_late), (2, true));
        // A run that was asked for is not late.
        let asked = run(decide(
            daily(),
            Some(&stored),
            at("2026-01-08T09:00:00Z"),
            false,
            true,
        ));
        assert_eq!((asked.missed, asked.is_late), (0, false));
        let ended = JobRecord {
            phase: Phase::Idle,
            ..record
        };
        assert_eq!(
            wait(&decide(
                daily(),
                Some(&ended),
                at("2026-01-08T09:30:00Z"),
                false,
                false
            )),
            17 * HOUR + HOUR / 2
        );
    }

    #[test]
    fn a_daily_job_runs_365_times_in_a_year_of_utc() {
        let (mut stored, mut now) = (
            JobRecord::new(at("2026-01-01T00:00:00Z")),
            at("2026-01-01T00:00:00Z"),
        );
        let mut runs = 0;
        while now < at("2027-01-01T00:00:00Z") {
            match decide(daily(), Some(&stored), now, false, false) {
                Decision::Wait { time, .. } => now = now.plus(time),
                Decision::Run(record) => {
                    assert_eq!(
                        (record.missed, record.is_late, record.last),
                        (0, false, now)
                    );
                    stored = JobRecord {
                        phase: Phase::Idle,
                        ..record
                    };
                    runs += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(runs, 365);
    }

    #[test]
    fn a_run_whose_process_has_ended_is_resumed_and_abandoned_after_four_attempts() {
        let now = at("2026-01-08T03:00:10Z");
        let mut record = run(decide(
            daily(),
            Some(&JobRecord::new(at("2026-01-07T12:00:00Z"))),
            now,
            false,
            false,
        ));
        assert_eq!(
            decide(daily(), Some(&record), now, true, false),
            Decision::Held
        );
        for attempt in 2..=4 {
            record = run(decide(daily(), Some(&record), now, false, false));
            assert_eq!(
                (record.attempt, record.resumes, record.last),
                (attempt, true, at("2026-01-08T03:00:00Z"))
            );
        }
        assert!(matches!(
            decide(daily(), Some(&record), now, false, false),
            Decision::Abandon { .. }
        ));
        // A run that is asked for is another one.
        let asked = run(decide(daily(), Some(&record), now, false, true));
        assert_eq!((asked.attempt, asked.resumes, asked.last), (1, true, now));
    }

    #[test]
    fn a_failed_run_is_retried_no_earlier_than_it_may_be() {
        let now = at("2026-01-08T03:00:00Z");
        let stored = JobRecord {
            phase: Phase::Waiting,
            attempt: 1,
            not_before: Some(now.plus(Millis(60_000))),
            ..JobRecord::new(now)
        };
        assert_eq!(
            wait(&decide(daily(), Some(&stored), now, false, false)),
            60_000
        );
        let later = now.plus(Millis(60_000));
        assert_eq!(
            run(decide(daily(), Some(&stored), later, false, false)).attempt,
            2
        );
        assert_eq!(
            [1, 2, 3, 4].map(|attempt| retry_after(attempt).map(|delay| delay.0 / 60_000)),
            [Some(1), Some(5), Some(15), None]
        );
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_a_job() {
        let stored = JobRecord::new(at("2036-01-08T03:00:00Z"));
        assert_eq!(
            wait(&decide(
                daily(),
                Some(&stored),
                at("2026-01-08T02:00:00Z"),
                false,
                false
            )),
            HOUR
        );
    }

    #[test]
    fn a_cron_expression_is_a_schedule_too() {
        let sundays = Schedule::of(Some(&"30 4 * * sun".into())).unwrap();
        let stored = JobRecord::new(at("2026-01-08T00:00:00Z"));
        let record = run(decide(
            sundays,
            Some(&stored),
            at("2026-01-20T00:00:00Z"),
            false,
            false,
        ));
        assert_eq!(record.last, at("2026-01-18T04:30:00Z"));
        assert_eq!(record.missed, 1);
        for wrong in ["", "3", "25:00", "* * *", "61 3 * * *"] {
            assert!(Schedule::of(Some(&wrong.into())).is_err(), "{wrong}");
        }
    }
}
