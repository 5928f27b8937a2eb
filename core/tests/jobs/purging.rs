//! Purging the trash in batches, with and without an archive.

use serde_json::json;
use tenure_apps::retention::purge::{PURGE_JOB, PurgeJobParams, PurgeResult};
use tenure_core::error::Cause;
use tenure_core::work::job::{JobReply, JobResult, Need, NotVerified, Verified};
use tenure_core::{Error, Text, Timestamp};

use crate::support::jobs::{driver_error, run_job, run_step};
use crate::support::{World, call_at};

/// A world with these sessions in the trash.
fn trash(ids: &[&str]) -> World {
    let world = World::default();
    for id in ids {
        world.start(json!({"id": id}));
        world.ok("trash", json!({"id": id}));
        world.pass(1);
    }
    world
}

/// Runs a purge. `archive` returns whether a session was archived.
fn purge(
    world: &World,
    params: PurgeJobParams,
    mut archive: impl FnMut(&str, &str) -> JobResult<()>,
) -> JobResult<PurgeResult> {
    let mut text = String::new();
    run_job(&PURGE_JOB, params, |need, _| match need {
        Need::Run(step) => {
            let call = call_at(Timestamp::from_millis(world.now())?, 1, &world.limits);
            Ok(run_step(&world.store, call, &*step)?.0)
        }
        Need::Export(part) => {
            if part.is_first || part.is_aborted {
                text.clear();
            }
            text.push_str(part.text.as_str());
            if part.is_last {
                archive(part.id.as_str(), &text)?;
            }
            Ok(JobReply::Done)
        }
        Need::Progress(_) => Ok(JobReply::Done),
        Need::Verify => Ok(JobReply::Verified(Verified::default())),
        _ => panic!("it needs something else"),
    })
}

fn remaining_ids(world: &World) -> Vec<String> {
    let list = json!({"trash": "include", "direction": "asc"});
    let page = world.ok("list", list);
    let items = page["items"].as_array().unwrap();
    let ids = items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned());
    ids.collect()
}

fn texts(ids: &[&str]) -> Vec<Text> {
    ids.iter().map(|id| Text::from(*id)).collect()
}

#[test]
fn a_session_is_deleted_after_it_is_archived() {
    let world = trash(&["a", "b", "c"]);
    let mut archived = Vec::new();
    let params = PurgeJobParams {
        archive: Some(true),
        batch: Some(2),
        ..PurgeJobParams::default()
    };
    let result = purge(&world, params, |id, session| {
        assert_eq!(session, world.export(id));
        archived.push(id.to_owned());
        match id {
            "b" => Err(driver_error("ARCHIVE_FAILED", 1)),
            _ => Ok(()),
        }
    });
    let result = result.unwrap();
    assert_eq!(archived, ["a", "b", "c"]);
    assert_eq!((result.removed, result.ids), (2, texts(&["a", "c"])));
    let [failed] = result.failed.as_slice() else {
        panic!("one has failed");
    };
    assert_eq!(
        (failed.id.as_str(), failed.code.as_str()),
        ("b", "ARCHIVE_FAILED")
    );
    assert_eq!(remaining_ids(&world), ["b"]);
}

/// Runs a purge of two sessions whose driver says this of what was exported.
fn purge_verified(
    world: &World,
    verify: impl Fn() -> JobResult<Verified>,
) -> JobResult<PurgeResult> {
    let params = PurgeJobParams {
        archive: Some(true),
        ..PurgeJobParams::default()
    };
    run_job(&PURGE_JOB, params, |need, _| match need {
        Need::Run(step) => {
            let call = call_at(Timestamp::from_millis(world.now())?, 1, &world.limits);
            Ok(run_step(&world.store, call, &*step)?.0)
        }
        Need::Verify => {
            // Nothing is removed before.
            assert_eq!(remaining_ids(world), ["a", "b"]);
            verify().map(JobReply::Verified)
        }
        Need::Export(_) | Need::Progress(_) => Ok(JobReply::Done),
        _ => panic!("it needs something else"),
    })
}

#[test]
fn what_is_not_durable_stays() {
    let world = trash(&["a", "b"]);
    let result = purge_verified(&world, || Err(driver_error("ARCHIVE_FAILED", 1)));
    assert!(result.is_err());
    assert_eq!(remaining_ids(&world), ["a", "b"]);
    let result = purge_verified(&world, || {
        Ok(Verified {
            bytes: 0,
            failed: vec![NotVerified {
                id: "a".into(),
                code: "ARCHIVE_DAMAGED".into(),
                message: "it has another digest".into(),
            }],
            unavailable: None,
        })
    });
    let result = result.unwrap();
    assert_eq!((result.removed, result.ids), (1, texts(&["b"])));
    assert_eq!(result.failed[0].code, "ARCHIVE_DAMAGED");
    assert_eq!(remaining_ids(&world), ["a"]);
}

#[test]
fn a_session_that_changes_after_it_was_archived_stays() {
    let world = trash(&["a", "b"]);
    let params = PurgeJobParams {
        archive: Some(true),
        ..PurgeJobParams::default()
    };
    let result = purge(&world, params, |id, _| {
        if id == "a" {
            world.ok("restore", json!({"id": "a"}));
            world.ok("updateContext", json!({"id": "a", "context": {"n": 1}}));
            world.ok("trash", json!({"id": "a"}));
        }
        Ok(())
    });
    let result = result.unwrap();
    assert_eq!((result.removed, result.ids), (1, texts(&["b"])));
    assert_eq!(result.failed[0].id, "a");
    assert_eq!(result.failed[0].code, "VERSION_CONFLICT");
    assert_eq!(remaining_ids(&world), ["a"]);
}

#[test]
fn a_store_that_fails_ends_the_purge() {
    let world = trash(&["a", "b"]);
    let params = PurgeJobParams {
        archive: Some(true),
        ..PurgeJobParams::default()
    };
    let gone = Error::from(Cause::StoreUnavailable {
        problem: "gone".to_owned(),
    });
    let result = run_job(&PURGE_JOB, params, |need, _| match need {
        Need::Run(step) if step.operation().name() == "exportPart" => Err(gone.clone().into()),
        Need::Run(step) => {
            let call = call_at(Timestamp::from_millis(world.now())?, 1, &world.limits);
            Ok(run_step(&world.store, call, &*step)?.0)
        }
        Need::Progress(_) => Ok(JobReply::Done),
        _ => panic!("nothing is archived"),
    });
    assert_eq!(result, Err(gone.into()));
    assert_eq!(remaining_ids(&world), ["a", "b"]);
}

#[test]
fn given_sessions_that_are_not_due_are_reported() {
    let world = trash(&["a", "b"]);
    world.start(json!({"id": "active"}));
    for archive in [false, true] {
        for dry_run in [true, false] {
            let id = if archive { "a" } else { "b" };
            let params = PurgeJobParams {
                ids: Some(texts(&[id, "active", "unknown"])),
                archive: Some(archive),
                dry_run: Some(dry_run),
                ..PurgeJobParams::default()
            };
            let result = purge(&world, params, |_, _| Ok(())).unwrap();
            assert_eq!((result.removed, result.dry_run), (1, dry_run));
            assert_eq!(result.not_due, Some(texts(&["active", "unknown"])));
        }
    }
    assert_eq!(remaining_ids(&world), ["active"]);
}

#[test]
fn a_limit_ends_the_purge_with_a_cursor() {
    let world = trash(&["a", "b", "c", "d", "e"]);
    let mut cursor = None;
    let mut removed = Vec::new();
    for _ in 0..3 {
        let params = PurgeJobParams {
            limit: Some(2),
            batch: Some(1),
            archive: Some(true),
            cursor,
            ..PurgeJobParams::default()
        };
        let result = purge(&world, params, |_, _| Ok(())).unwrap();
        removed.push(result.removed);
        cursor = result.next_cursor.map(Text::from);
    }
    assert_eq!((removed, cursor), (vec![2, 2, 1], None));
    let none = PurgeJobParams {
        limit: Some(0),
        ..PurgeJobParams::default()
    };
    let refused = purge(&world, none, |_, _| Ok(())).unwrap_err();
    assert_eq!(refused.code(), "INVALID_ARGUMENT");
}
