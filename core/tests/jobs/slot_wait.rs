//! The job that starts a session in a slot and retries while another caller has locked the slot.

use tenure_core::Millis;
use tenure_core::slot::wait::{SLOT_WAIT, SlotWaitParams};
use tenure_core::work::job::{JobReply, JobResult, Need};

use crate::support::jobs::{driver_error, run_job};

/// Runs the job with this number of retries over attempts with these outcomes. Returns the result,
/// the number of attempts and the pauses.
fn wait(retries: u32, outcomes: &[JobResult<&str>]) -> (JobResult<()>, usize, Vec<u64>) {
    let mut attempts = 0;
    let mut pauses = Vec::new();
    let result = run_job(
        &SLOT_WAIT,
        SlotWaitParams { retries },
        |need, _| match need {
            Need::Attempt => {
                let outcome = outcomes[attempts].clone();
                attempts += 1;
                outcome.map(|code| JobReply::Attempted(code.into()))
            }
            Need::Sleep(Millis(millis)) => {
                pauses.push(millis);
                Ok(JobReply::Done)
            }
            _ => panic!("it needs something else"),
        },
    );
    (result, attempts, pauses)
}

#[test]
fn a_final_outcome_ends_the_wait() {
    for code in ["SLOT_CREATED", "MODEL_CHANGED", "SESSION_CHANGED"] {
        assert_eq!(wait(3, &[Ok(code)]), (Ok(()), 1, vec![]));
    }
    let error = driver_error("STORE_FAILED", 1);
    assert_eq!(wait(3, &[Err(error.clone())]), (Err(error), 1, vec![]));
}

#[test]
fn a_locked_slot_and_a_store_that_is_busy_or_unavailable_are_retried() {
    let outcomes = [
        Ok("SLOT_LOCKED"),
        Err(driver_error("STORE_BUSY", 1)),
        Err(driver_error("STORE_UNAVAILABLE", 2)),
        Ok("SLOT_CREATED"),
    ];
    let (result, attempts, pauses) = wait(3, &outcomes);
    assert_eq!((result, attempts), (Ok(()), 4));
    let limits = [25..=50, 100..=200, 400..=800];
    assert_eq!(pauses.len(), limits.len());
    for (pause, limits) in pauses.iter().zip(&limits) {
        assert!(limits.contains(pause), "{pauses:?}");
    }
}

#[test]
fn the_outcome_of_the_last_attempt_is_the_result() {
    let locked = || Ok("SLOT_LOCKED");
    assert_eq!(wait(0, &[locked()]).0, Ok(()));
    assert_eq!(wait(2, &[locked(), locked(), locked()]).1, 3);
    let busy = driver_error("STORE_BUSY", 2);
    let (result, attempts, _) = wait(1, &[locked(), Err(busy.clone())]);
    assert_eq!((result, attempts), (Err(busy), 2));
}

#[test]
fn no_pause_is_longer_than_five_seconds() {
    let outcomes = vec![Ok("SLOT_LOCKED"); 11];
    let (_, _, pauses) = wait(10, &outcomes);
    assert!(pauses.iter().all(|pause| *pause <= 5000), "{pauses:?}");
    assert!(pauses.last() > Some(&2499), "{pauses:?}");
}
