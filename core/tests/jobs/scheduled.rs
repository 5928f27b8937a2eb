//! Scheduled jobs: one instance runs an occurrence, failures are retried and become dead letters, and each run is reported. Under 1 s.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenure_apps::jobs::run::{JobAlert, JobRetry};
use tenure_apps::scheduled::{JobReport, SCHEDULED, ScheduledParams};
use tenure_core::work::job::{
    DriverError, JobError, JobReply, JobResult, Need, NotVerified, Verified,
};
use tenure_core::{Millis, Timestamp};

use crate::support::jobs::{driver_error, run_job, run_step};
use crate::support::{World, call_at};

const MINUTE: u64 = 60_000;

/// What a driver of the tests does.
#[derive(Default)]
struct Driver {
    /// The sessions that cannot be archived.
    fails: BTreeSet<&'static str>,
    /// Whether the archive as a whole takes nothing.
    is_away: bool,
    /// How long it takes to archive a session.
    takes: u64,
    /// Ends the process, so that nothing is run any more, after so many sessions.
    killed_after: Option<usize>,
    /// The sizes of the batches.
    batches: RefCell<Vec<usize>>,
    /// The operation that was run last, and those before the alerts.
    operation: RefCell<&'static str>,
    before_alerts: RefCell<Vec<&'static str>>,
    /// Stops the job after so many runs.
    runs: usize,
    /// The operation that fails.
    broken: Option<&'static str>,
    exported: RefCell<Vec<String>>,
    batch: RefCell<Vec<String>>,
}

struct Ran {
    ended: JobResult<JobReport>,
    reports: Vec<JobReport>,
    alerts: Vec<JobAlert>,
    retries: Vec<JobRetry>,
    sleeps: Vec<u64>,
}

fn run(world: &World, params: ScheduledParams, driver: &Driver) -> Ran {
    let (mut reports, mut alerts, mut sleeps) = (Vec::new(), Vec::new(), Vec::new());
    let mut retries = Vec::new();
    let ended = run_job(&SCHEDULED, params, |need, clock| {
        Ok(match need {
            Need::Sleep(Millis(millis)) => {
                if driver.runs > 0 && reports.len() >= driver.runs {
                    return Err(driver_error("STOPPED", 1));
                }
                sleeps.push(millis);
                world.pass(millis as i64);
                *clock += millis;
                JobReply::Done
            }
            Need::Run(step) => {
                driver.operation.replace(step.operation().name());
                let exported = driver.exported.borrow().len();
                if driver.killed_after.is_some_and(|most| exported >= most)
                    || driver.broken == Some(step.operation().name())
                {
                    return Err(driver_error("STORE_UNAVAILABLE", 1));
                }
                let call = call_at(
                    Timestamp::from_millis(world.now())?,
                    sleeps.len() as u128,
                    &world.limits,
                );
                run_step(&world.store, call, &*step)?.0
            }
            Need::Export(part) => {
                if part.is_first {
                    driver.batch.borrow_mut().push(part.id.to_string());
                    driver.exported.borrow_mut().push(part.id.to_string());
                }
                *clock += driver.takes;
                JobReply::Done
            }
            Need::Verify => {
                let batch = driver.batch.take();
                if !batch.is_empty() {
                    driver.batches.borrow_mut().push(batch.len());
                }
                let failed = batch
                    .iter()
                    .filter(|id| driver.is_away || driver.fails.contains(id.as_str()))
                    .map(|id| NotVerified {
                        id: id.as_str().into(),
                        code: "ARCHIVE_FAILED".into(),
                        message: "the disk is full".into(),
                    });
                let failed: Vec<NotVerified> = failed.collect();
                JobReply::Verified(Verified {
                    bytes: 10 * (batch.len() - failed.len()) as u64,
                    failed,
                    unavailable: driver.is_away.then(|| DriverError {
                        code: "ARCHIVE_FAILED".into(),
                        message: "the archive is unavailable: no such host".into(),
                        number: 0,
                    }),
                })
            }
            Need::Thin(_) => JobReply::Thinned(7),
            Need::Progress(progress) => {
                match progress.into_any().downcast::<JobReport>() {
                    Ok(report) => reports.push(*report),
                    Err(other) => match other.downcast::<JobAlert>() {
                        Ok(alert) => {
                            let operation = *driver.operation.borrow();
                            driver.before_alerts.borrow_mut().push(operation);
                            alerts.push(*alert);
                        }
                        // Others are the progress of a purge, and that the job waits.
                        Err(other) => {
                            if let Ok(retry) = other.downcast::<JobRetry>() {
                                retries.push(*retry);
                            }
                        }
                    },
                }
                JobReply::Done
            }
            _ => panic!("it needs something else"),
        })
    });
    Ran {
        ended,
        reports,
        alerts,
        retries,
        sleeps,
    }
}

fn params() -> ScheduledParams {
    ScheduledParams {
        job: "archive".into(),
        purge_after: Some(Millis(0)),
        archive: Some(true),
        ..ScheduledParams::default()
    }
}

fn once() -> ScheduledParams {
    ScheduledParams {
        once: Some(true),
        ..params()
    }
}

fn trash(ids: &[&str]) -> World {
    let world = World::default();
    for id in ids {
        world.start(json!({"id": id}));
        world.ok("trash", json!({"id": id}));
        world.pass(1);
    }
    world
}

fn remaining(world: &World) -> Vec<String> {
    let all = json!({"trash": "include", "direction": "asc", "limit": 1000});
    let page = world.ok("list", all);
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

fn runs_in_log(world: &World) -> Vec<Value> {
    let page = world.ok("auditLog", json!({"kind": "job.run"}));
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["data"].clone())
        .collect()
}

#[test]
fn a_run_archives_verifies_removes_and_reports() {
    let world = trash(&["a", "b"]);
    let report = run(&world, once(), &Driver::default()).ended.unwrap();
    assert_eq!(
        (
            report.outcome,
            report.archived,
            report.removed,
            report.thinned,
            report.bytes
        ),
        ("done", 2, 2, 7, 20)
    );
    assert_eq!(remaining(&world), Vec::<String>::new());
    let log = runs_in_log(&world);
    assert_eq!(
        (log.len(), &log[0]["subject"], &log[0]["report"]["removed"]),
        (1, &json!("archive"), &json!(2))
    );
    let jobs = world.ok("jobList", json!({}));
    assert_eq!(
        (&jobs[0]["job"], &jobs[0]["phase"]),
        (&json!("archive"), &json!("idle"))
    );
}

#[test]
fn a_session_that_cannot_be_archived_becomes_a_dead_letter_and_is_retried_to_success() {
    let world = trash(&["a", "b", "c"]);
    let failing = Driver {
        fails: BTreeSet::from(["b"]),
        ..Driver::default()
    };
    let ran = run(&world, once(), &failing);
    let report = ran.ended.unwrap();
    assert_eq!(
        (report.removed, report.errors, report.dead_letters),
        (2, 1, 1)
    );
    assert_eq!(remaining(&world), ["b"]);
    // At first, and after 1, 5 and 15 minutes and up to a quarter more.
    assert_eq!(
        failing
            .exported
            .borrow()
            .iter()
            .filter(|id| *id == "b")
            .count(),
        4
    );
    assert_eq!(ran.retries.len(), 3);
    assert_eq!(
        (ran.retries[0].sessions, ran.retries[0].code.as_str()),
        (1, "ARCHIVE_FAILED")
    );
    let waited: u64 = ran.sleeps.iter().sum();
    assert!(
        (21 * MINUTE..=21 * MINUTE * 5 / 4).contains(&waited),
        "{waited}"
    );
    assert_eq!(ran.alerts[0].reason, "errors");
    let letters = world.ok("deadLetterList", json!({}));
    assert_eq!(
        (&letters["items"][0]["id"], &letters["items"][0]["attempts"]),
        (&json!("b"), &json!(4))
    );
    // Later runs leave it alone, until it is retried.
    let works = Driver::default();
    let report = run(&world, once(), &works).ended.unwrap();
    assert_eq!(
        (report.removed, report.errors, report.left_alone),
        (0, 0, 1)
    );
    assert_eq!(runs_in_log(&world)[0]["report"]["leftAlone"], 1);
    assert_eq!(works.exported.borrow().len(), 0);
    assert_eq!(
        world.ok("deadLetterRemove", json!({"job": "archive", "id": "b"})),
        json!(true)
    );
    assert_eq!(run(&world, once(), &works).ended.unwrap().removed, 1);
    assert_eq!(remaining(&world), Vec::<String>::new());
}

#[test]
fn an_archive_that_is_away_fails_the_run_and_makes_no_dead_letter() {
    let world = trash(&["a", "b", "c"]);
    let away = Driver {
        is_away: true,
        runs: 4,
        ..Driver::default()
    };
    let two = ScheduledParams {
        batch: Some(2),
        ..params()
    };
    let ran = run(&world, two, &away);
    let ends: Vec<(u32, &str, u64)> = ran
        .reports
        .iter()
        .map(|report| (report.attempt, report.outcome, report.errors))
        .collect();
    assert_eq!(
        ends,
        [1, 2, 3, 4].map(|attempt| (attempt, "failed", 0)),
        "it is retried as any run that fails"
    );
    let error = ran.reports[3].error.as_deref().unwrap();
    assert_eq!(
        error,
        "ARCHIVE_FAILED: the archive is unavailable: no such host"
    );
    // Each attempt ends after its first batch.
    assert_eq!(away.exported.borrow().len(), 8);
    assert_eq!((ran.alerts.len(), ran.alerts[0].reason), (1, "failed"));
    assert_eq!(world.ok("deadLetterList", json!({}))["items"], json!([]));
    assert_eq!(remaining(&world), ["a", "b", "c"]);
    let back = run(&world, once(), &Driver::default()).ended.unwrap();
    assert_eq!((back.removed, back.left_alone), (3, 0));
}

#[test]
fn a_batch_that_takes_long_ends_early() {
    let ids: Vec<String> = (10..37).map(|number| format!("s{number}")).collect();
    let world = trash(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let slow = Driver {
        takes: 1000,
        ..Driver::default()
    };
    let report = run(&world, once(), &slow).ended.unwrap();
    assert_eq!((report.archived, report.removed), (27, 27));
    assert_eq!(*slow.batches.borrow(), [10, 10, 7]);
}

#[test]
fn a_run_that_is_killed_over_and_over_ends_and_one_that_is_asked_for_runs() {
    let ids: Vec<String> = (10..90).map(|number| format!("s{number}")).collect();
    let world = trash(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut left = Vec::new();
    for _ in 0..6 {
        let killed = Driver {
            killed_after: Some(20),
            ..Driver::default()
        };
        let batches = ScheduledParams {
            batch: Some(100),
            ..once()
        };
        // Its end is not recorded either.
        assert!(run(&world, batches, &killed).ended.is_err());
        assert!(killed.exported.borrow().len() <= 20);
        left.push(remaining(&world).len());
        world.pass((5 * MINUTE) as i64);
    }
    // Batches are smaller after the first.
    assert_eq!(left, [80, 66, 52, 38, 24, 10]);
    let abandoned: Vec<Value> = runs_in_log(&world)
        .into_iter()
        .filter(|run| run["outcome"] == "abandoned")
        .collect();
    assert_eq!((abandoned.len(), &abandoned[0]["attempt"]), (1, &json!(4)));
    let report = run(&world, once(), &Driver::default()).ended.unwrap();
    assert_eq!((report.outcome, report.removed), ("done", 10));
}

#[test]
fn a_run_that_is_abandoned_is_an_alert() {
    let world = trash(&["a"]);
    world.ok("jobClaim", json!({"job": "archive"}));
    world.pass((24 * 60 * MINUTE) as i64);
    for attempt in 1..=4 {
        let claim = world.ok("jobClaim", json!({"job": "archive"}));
        assert_eq!(claim["attempt"], attempt);
        world.pass((5 * MINUTE) as i64);
    }
    let ran = run(
        &world,
        params(),
        &Driver {
            runs: 1,
            ..Driver::default()
        },
    );
    assert_eq!((ran.alerts.len(), ran.alerts[0].reason), (1, "failed"));
    assert!(
        ran.alerts[0].message.starts_with("the run was abandoned: "),
        "{:?}",
        ran.alerts
    );
    assert_eq!(ran.reports[0].attempt, 1);
}

#[test]
fn a_dead_letter_is_of_a_session() {
    let world = World::default();
    for id in ["../x", "", "/etc", "a\nb", "__proto__"] {
        let letter = json!({
            "job": "archive",
            "ids": ["a", id],
            "codes": ["C", "C"],
            "messages": ["m", "m"],
            "attempts": 4,
        });
        assert_eq!(world.code("deadLetterAdd", letter), "INVALID_ID", "{id:?}");
    }
    assert_eq!(world.ok("deadLetterList", json!({}))["items"], json!([]));
}

#[test]
fn a_dead_letter_goes_with_its_session() {
    let world = trash(&["b"]);
    run(
        &world,
        once(),
        &Driver {
            fails: BTreeSet::from(["b"]),
            ..Driver::default()
        },
    )
    .ended
    .unwrap();
    world.ok("delete", json!({"id": "b"}));
    assert_eq!(world.ok("deadLetterList", json!({}))["items"], json!([]));
}

#[test]
fn a_job_runs_at_three_each_night() {
    // It is noon.
    let world = trash(&["a"]);
    let ran = run(
        &world,
        params(),
        &Driver {
            runs: 2,
            ..Driver::default()
        },
    );
    assert!(ran.ended.is_err());
    let times: Vec<String> = ran
        .reports
        .iter()
        .map(|report| report.scheduled_at.unwrap().to_string())
        .collect();
    assert!(
        times.iter().all(|time| time.ends_with("T03:00:00.000Z")),
        "{times:?}"
    );
    assert_eq!(
        ran.reports.iter().filter(|report| report.is_late).count(),
        0
    );
    assert!(
        ran.sleeps.iter().all(|sleep| *sleep <= 5 * MINUTE),
        "{:?}",
        ran.sleeps
    );
}

#[test]
fn two_instances_make_one_run() {
    let world = trash(&["a"]);
    world.ok("jobClaim", json!({"job": "archive", "now": true}));
    let report = run(&world, once(), &Driver::default()).ended.unwrap();
    assert_eq!(report.outcome, "held");
    assert_eq!(remaining(&world), ["a"]);
    // The first instance has ended without a word: its lease expires.
    world.pass((5 * MINUTE) as i64);
    let report = run(&world, once(), &Driver::default()).ended.unwrap();
    assert_eq!(
        (report.outcome, report.resumes, report.attempt),
        ("done", true, 2)
    );
    assert_eq!(remaining(&world), Vec::<String>::new());
}

#[test]
fn a_run_that_has_lost_its_lease_removes_nothing_more() {
    let world = trash(&["a"]);
    let taken = RefCell::new(false);
    let ended = run_job(&SCHEDULED, once(), |need, _| {
        Ok(match need {
            Need::Run(step) => {
                let call = call_at(Timestamp::from_millis(world.now())?, 1, &world.limits);
                run_step(&world.store, call, &*step)?.0
            }
            Need::Export(_) => {
                if !taken.replace(true) {
                    world.pass((6 * MINUTE) as i64);
                    world.ok("jobClaim", json!({"job": "archive", "now": true}));
                }
                JobReply::Done
            }
            Need::Verify => JobReply::Verified(Verified::default()),
            Need::Thin(_) => JobReply::Thinned(0),
            _ => JobReply::Done,
        })
    });
    assert_eq!(ended.unwrap().outcome, "lost");
    assert_eq!(remaining(&world), ["a"]);
}

#[test]
fn a_failed_run_is_retried_and_reported_when_no_attempt_has_succeeded() {
    let world = World::default();
    let broken = Driver {
        broken: Some("cleanupRecords"),
        runs: 4,
        ..Driver::default()
    };
    let ran = run(&world, params(), &broken);
    let attempts: Vec<(u32, &str)> = ran
        .reports
        .iter()
        .map(|report| (report.attempt, report.outcome))
        .collect();
    assert_eq!(
        attempts,
        [(1, "failed"), (2, "failed"), (3, "failed"), (4, "failed")]
    );
    assert_eq!(
        ran.alerts
            .iter()
            .map(|alert| alert.reason)
            .collect::<Vec<_>>(),
        ["failed"]
    );
    assert_eq!(runs_in_log(&world).len(), 4);
    let repaired = Driver {
        runs: 1,
        ..Driver::default()
    };
    let ran = run(&world, params(), &repaired);
    assert_eq!(
        (ran.reports[0].attempt, ran.reports[0].outcome),
        (1, "done")
    );
}

#[test]
fn a_slow_run_is_reported_while_it_runs() {
    let world = trash(&["a"]);
    let slow = ScheduledParams {
        slow_after: Some(Millis(MINUTE)),
        ..once()
    };
    let failing = Driver {
        fails: BTreeSet::from(["a"]),
        ..Driver::default()
    };
    let ran = run(&world, slow, &failing);
    let reasons: Vec<&str> = ran.alerts.iter().map(|alert| alert.reason).collect();
    assert_eq!(reasons, ["slow", "errors"]);
    // A command for alerts takes none of the time of the lease.
    assert_eq!(*failing.before_alerts.borrow(), ["leaseRenew", "jobEnd"]);
}

#[test]
fn invalid_schedules_end_a_job_at_once() {
    for params in [
        ScheduledParams {
            at: Some("3".into()),
            ..params()
        },
        ScheduledParams {
            at: Some("* * *".into()),
            ..params()
        },
        ScheduledParams {
            job: "a/b".into(),
            ..params()
        },
    ] {
        let ended = run(&World::default(), params, &Driver::default()).ended;
        assert!(
            matches!(&ended, Err(JobError::Core(error)) if error.code() == "INVALID_ARGUMENT"),
            "{ended:?}"
        );
    }
}
