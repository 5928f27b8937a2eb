//! The retention job: when its passes run, when they are retried, and what they report.

use serde_json::json;
use tenure_apps::retention::job::{RETENTION, RetentionProgress};
use tenure_core::Millis;
use tenure_core::session::retention::RetentionParams;
use tenure_core::work::job::{JobReply, Need};

use crate::support::jobs::{driver_error, run_job, run_step};
use crate::support::{World, call_at};

const HOUR: u64 = 3_600_000;

fn params(every_ms: u64) -> RetentionParams {
    RetentionParams {
        max_age_ms: 24 * HOUR,
        every_ms,
        purge_after_ms: 24 * HOUR,
        keep_audit_ms: 365 * 24 * HOUR,
        archive: None,
    }
}

/// Runs `passes` passes over a world. `fails` is called with the name of an operation and the
/// number of the pass, and returns whether the operation fails.
fn retain(
    world: &World,
    every_ms: u64,
    passes: usize,
    fails: impl Fn(&str, usize) -> bool,
) -> (Vec<u64>, Vec<RetentionProgress>) {
    let mut pauses = Vec::new();
    let mut reports = Vec::new();
    let ended = run_job(&RETENTION, params(every_ms), |need, clock| match need {
        Need::Sleep(Millis(millis)) if reports.len() == passes => {
            pauses.push(millis);
            Err(driver_error("STOPPED", 1))
        }
        Need::Sleep(Millis(millis)) => {
            pauses.push(millis);
            world.pass(millis as i64);
            *clock += millis;
            Ok(JobReply::Done)
        }
        Need::Run(step) => {
            if fails(step.operation().name(), reports.len()) {
                return Err(driver_error("STORE_UNAVAILABLE", 1));
            }
            let now = tenure_core::Timestamp::from_millis(world.now())?;
            let call = call_at(now, 1, &world.limits);
            Ok(run_step(&world.store, call, &*step)?.0)
        }
        Need::Progress(report) => {
            reports.push(*report.into_any().downcast::<RetentionProgress>().unwrap());
            Ok(JobReply::Done)
        }
        _ => panic!("it needs something else"),
    });
    assert_eq!(ended, Err(driver_error("STOPPED", 1)));
    (pauses, reports)
}

#[test]
fn the_first_pass_runs_within_a_minute_and_later_passes_at_intervals() {
    let (pauses, _) = retain(&World::default(), HOUR, 3, |_, _| false);
    assert_eq!(pauses, [60_000, HOUR, HOUR, HOUR]);
    let (pauses, _) = retain(&World::default(), 1000, 2, |_, _| false);
    assert_eq!(pauses, [1000, 1000, 1000]);
}

#[test]
fn a_pass_trashes_old_sessions_and_purges_the_trash() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("complete", json!({"id": id}));
    let kept = world.start(json!({}));
    let (_, reports) = retain(&world, 24 * HOUR, 3, |_, _| false);
    let removed: Vec<u64> = reports.iter().map(|report| report.removed).collect();
    assert_eq!(removed, [0, 1, 1]);
    assert!(
        reports
            .iter()
            .all(|report| report.batches == 2 && report.error.is_none())
    );
    assert_eq!(world.ok("get", json!({"id": id})), json!(null));
    assert_eq!(world.ok("get", json!({"id": kept}))["status"], "active");
}

#[test]
fn a_failed_pass_is_retried_after_one_five_and_fifteen_minutes() {
    let (pauses, reports) = retain(&World::default(), HOUR, 6, |_, _| true);
    let minutes = [1, 1, 5, 15, 60, 1, 5].map(|minutes| minutes * 60_000);
    let is_retry = [false, true, true, true, false, true, true];
    for ((pause, least), is_retry) in pauses.iter().zip(minutes).zip(is_retry) {
        // A retry is up to a quarter later, at random.
        let most = if is_retry { least + least / 4 } else { least };
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
    assert_ne!(pauses[1], pauses[5], "{pauses:?}");
    let finals: Vec<bool> = reports
        .iter()
        .map(|report| report.is_final_failure)
        .collect();
    assert_eq!(finals, [false, false, false, true, false, false]);
    for report in &reports {
        assert_eq!(report.error.as_deref(), Some("STORE_UNAVAILABLE"));
        assert_eq!(report.batches, 0);
    }
    let (pauses, _) = retain(&World::default(), HOUR, 2, |_, pass| pass == 0);
    assert!((60_000..=75_000).contains(&pauses[1]), "{pauses:?}");
    assert_eq!((pauses[0], pauses[2]), (60_000, HOUR));
}

#[test]
fn a_retry_is_never_later_than_the_next_pass() {
    let (pauses, _) = retain(&World::default(), 60_000, 4, |_, _| true);
    assert_eq!(pauses, [60_000; 5]);
}

#[test]
fn sessions_removed_before_a_failure_are_reported() {
    let world = World::default();
    let id = world.start(json!({}));
    world.ok("complete", json!({"id": id}));
    world.pass(48 * HOUR as i64);
    let (_, reports) = retain(&world, HOUR, 1, |name, _| name == "cleanupRecords");
    let [report] = reports.as_slice() else {
        panic!("one pass");
    };
    assert_eq!((report.removed, report.batches), (1, 2));
    assert_eq!(report.error.as_deref(), Some("STORE_UNAVAILABLE"));
}
