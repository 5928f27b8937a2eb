//! The job that delivers: its bounds, and what it does when the store fails and when it is stopped.

use serde_json::json;
use tenure_apps::webhooks::job::{
    WEBHOOK_DELIVER, WEBHOOK_TEST, WebhookDeliverParams, WebhookTestParams,
};
use tenure_core::work::job::{Ended, EndedPost, JobReply, Need};
use tenure_core::{Limits, Timestamp};

use crate::support::jobs::{driver_error, run_job, run_step};
use crate::support::{World, call_at};

use super::add;

fn answered(number: u32, status: u32) -> EndedPost {
    EndedPost {
        number,
        status: Some(status),
        ..EndedPost::default()
    }
}

#[test]
fn what_is_due_is_delivered_with_bounded_posts_in_flight() {
    let world = World::default();
    add(&world, "bot", json!({}));
    for number in 0..50 {
        world.start(json!({"id": format!("s{number}")}));
    }
    let params = WebhookDeliverParams {
        once: Some(true),
        concurrency: Some(3),
        ..WebhookDeliverParams::default()
    };
    let mut in_flight = Vec::new();
    let mut most = 0;
    let mut calls = 0;
    let delivered = run_job(&WEBHOOK_DELIVER, params, |need, clock| match need {
        Need::Run(step) => {
            calls += 1;
            let now = Timestamp::from_millis(world.now() + *clock as i64).unwrap();
            let call = call_at(now, calls, &Limits::default());
            run_step(&world.store, call, &*step).map(|(reply, _)| reply)
        }
        Need::Post(posting) => {
            in_flight.extend(posting.start.iter().map(|post| post.number));
            most = most.max(in_flight.len());
            // One ends at a time.
            let posts = in_flight.pop().map(|number| answered(number, 200));
            if posts.is_none() {
                *clock += posting.wait_ms;
            }
            Ok(JobReply::Posted(Ended {
                posts: posts.into_iter().collect(),
                stops: false,
            }))
        }
        Need::Progress(_) => Ok(JobReply::Done),
        _ => panic!("it needs something else"),
    });
    assert_eq!(delivered.unwrap().delivered, 50);
    assert_eq!(most, 3);
}

/// The time until 20 sessions have arrived at an endpoint that answers after 10 ms, beside others that never answer, in
/// milliseconds of a simulated clock.
fn time_beside(hanging: usize, concurrency: u32, timeout_ms: u64) -> u64 {
    const SESSIONS: usize = 20;
    let world = World::default();
    let urls = (0..hanging).map(|number| (format!("h{number}"), "https://hang.example/"));
    for (id, url) in urls.chain([("good".to_owned(), "https://good.example/")]) {
        add(&world, &id, json!({"url": url, "timeoutMs": timeout_ms}));
    }
    for number in 0..SESSIONS {
        world.start(json!({"id": format!("s{number}")}));
    }
    let params = WebhookDeliverParams {
        concurrency: Some(concurrency),
        ..WebhookDeliverParams::default()
    };
    // When they end, and how.
    let mut in_flight: Vec<(u64, EndedPost)> = Vec::new();
    let (mut arrived, mut calls, mut end) = (0, 0, 0);
    let delivered = run_job(&WEBHOOK_DELIVER, params, |need, clock| match need {
        Need::Run(step) => {
            calls += 1;
            let now = Timestamp::from_millis(world.now() + *clock as i64).unwrap();
            let call = call_at(now, calls, &Limits::default());
            run_step(&world.store, call, &*step).map(|(reply, _)| reply)
        }
        Need::Post(posting) => {
            in_flight.extend(posting.start.iter().map(|post| {
                match post.url.as_str().contains("good") {
                    true => (*clock + 10, answered(post.number, 200)),
                    false => {
                        let unanswered = EndedPost {
                            number: post.number,
                            ..EndedPost::default()
                        };
                        (*clock + timeout_ms, unanswered)
                    }
                }
            }));
            assert!(in_flight.len() <= concurrency as usize);
            let next = in_flight.iter().map(|(at, _)| *at).min();
            *clock = next.unwrap_or(u64::MAX).min(*clock + posting.wait_ms);
            let now = *clock;
            let ended: Vec<EndedPost> = in_flight
                .extract_if(.., |(at, _)| *at <= now)
                .map(|(_, post)| post)
                .collect();
            arrived += ended.iter().filter(|post| post.status.is_some()).count();
            if arrived == SESSIONS && end == 0 {
                end = now;
            }
            Ok(JobReply::Posted(Ended {
                posts: ended,
                stops: end > 0,
            }))
        }
        Need::Progress(_) => Ok(JobReply::Done),
        _ => panic!("it needs something else"),
    });
    assert_eq!(delivered.unwrap().delivered, SESSIONS as u64);
    end
}

#[test]
fn endpoints_that_hang_do_not_starve_one_that_answers() {
    // They may all be attempted once before that is known.
    for (hanging, concurrency, timeout_ms) in [(2, 8, 10_000), (6, 4, 3_000), (3, 2, 1_000)] {
        let time = time_beside(hanging, concurrency, timeout_ms);
        assert!(
            time < 2 * timeout_ms,
            "{hanging} of {concurrency}: {time} ms"
        );
    }
}

#[test]
fn a_job_that_is_stopped_settles_what_is_in_flight() {
    let world = World::default();
    add(&world, "bot", json!({}));
    for _ in 0..5 {
        world.start(json!({}));
    }
    let params = WebhookDeliverParams {
        concurrency: Some(2),
        ..WebhookDeliverParams::default()
    };
    let mut waiting = Vec::new();
    let mut calls = 0;
    let delivered = run_job(&WEBHOOK_DELIVER, params, |need, _| match need {
        Need::Run(step) => {
            calls += 1;
            let now = Timestamp::from_millis(world.now()).unwrap();
            let call = call_at(now, calls, &Limits::default());
            run_step(&world.store, call, &*step).map(|(reply, _)| reply)
        }
        Need::Post(posting) => {
            let first = waiting.is_empty();
            waiting.extend(posting.start.iter().map(|post| post.number));
            let posts = if first { None } else { waiting.pop() };
            Ok(JobReply::Posted(Ended {
                posts: posts
                    .map(|number| answered(number, 200))
                    .into_iter()
                    .collect(),
                stops: true,
            }))
        }
        Need::Progress(_) => Ok(JobReply::Done),
        _ => panic!("it needs something else"),
    });
    assert_eq!(delivered.unwrap().delivered, 2);
}

#[test]
fn a_store_that_fails_is_retried_and_reported_once() {
    let world = World::default();
    let mut failures = 0;
    let mut reports = 0;
    let delivered = run_job(
        &WEBHOOK_DELIVER,
        WebhookDeliverParams::default(),
        |need, clock| match need {
            Need::Run(_) if failures < 5 => {
                failures += 1;
                Err(driver_error("STORE_UNAVAILABLE", failures))
            }
            Need::Run(step) => {
                let now = Timestamp::from_millis(world.now()).unwrap();
                run_step(&world.store, call_at(now, 1, &Limits::default()), &*step)
                    .map(|(reply, _)| reply)
            }
            Need::Post(posting) => {
                *clock += posting.wait_ms;
                Ok(JobReply::Posted(Ended {
                    posts: Vec::new(),
                    stops: *clock > 60_000,
                }))
            }
            Need::Progress(_) => {
                reports += 1;
                Ok(JobReply::Done)
            }
            _ => panic!("it needs something else"),
        },
    );
    assert!(delivered.is_ok());
    // That it fails, and that it works again.
    assert_eq!((failures, reports), (5, 2));
}

#[test]
fn a_test_posts_a_signed_example() {
    let world = World::default();
    add(&world, "bot", json!({}));
    let params = WebhookTestParams {
        id: "bot".into(),
        ..WebhookTestParams::default()
    };
    let tested = run_job(&WEBHOOK_TEST, params, |need, clock| match need {
        Need::Run(step) => {
            let now = Timestamp::from_millis(world.now()).unwrap();
            run_step(&world.store, call_at(now, 1, &Limits::default()), &*step)
                .map(|(reply, _)| reply)
        }
        Need::Post(posting) => {
            *clock += 7;
            let posts = posting.start.iter().map(|post| {
                assert!(post.body.as_str().contains(r#""event":"test""#));
                answered(post.number, 302)
            });
            Ok(JobReply::Posted(Ended {
                posts: posts.collect(),
                stops: false,
            }))
        }
        _ => panic!("it needs something else"),
    });
    let tested = tested.unwrap().unwrap();
    assert_eq!(
        (tested.delivered, tested.status, tested.duration_ms),
        (false, Some(302), 7)
    );
}
