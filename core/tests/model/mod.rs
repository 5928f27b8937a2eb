//! Random sequences of all operations, with unusual JSON and clocks that go backward, compared with
//! a simple model of the rules. Every result, every notice and every session must be identical to
//! the model's. `TENURE_TEST_SCALE=1` runs a thousand sequences; 0.1, the default, runs a hundred.

mod object;
mod operations;
mod reference;
mod rules;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{self, World};
use operations::{Call, IDS, IfVersion, Properties, Step, steps};
use reference::{Model, Outcome, start_properties};

/// The time at which clocks start. The times in filters are relative to it.
const BASE: i64 = support::NOON;

#[test]
fn every_sequence_of_operations_has_the_results_of_the_model() {
    let cases = (1000.0 * support::scale()).ceil() as u32;
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    runner
        .run(&steps(), |steps| check(&steps))
        .unwrap_or_else(|error| panic!("{error}"));
}

fn check(steps: &[Step]) -> Result<(), TestCaseError> {
    let world = World::default().with_limits(|limits| {
        limits.max_data_bytes = rules::MAX_DATA as u64;
        limits.max_context_bytes = rules::MAX_CONTEXT as u64;
        limits.max_task_bytes = rules::MAX_TASK as u64;
        limits.max_text_bytes = rules::MAX_TEXT as u64;
        limits.max_label_bytes = rules::MAX_LABEL as u64;
        limits.max_depth = rules::MAX_DEPTH;
        limits.max_batch = rules::MAX_BATCH as u32;
    });
    let mut model = Model::default();
    for (number, step) in steps.iter().enumerate() {
        let now = (world.now() + step.later).clamp(-60_000_000_000_000, 250_000_000_000_000);
        world.pass(now - world.now());
        model.now = now;
        perform(&world, &mut model, step)
            .map_err(|error| TestCaseError::fail(format!("step {number}, {step:?}: {error}")))?;
        for id in IDS {
            let params = format!(r#"{{"id":"{id}","history":"all"}}"#);
            let actual = world.raw("get", &params).unwrap().value;
            let expected = model.sessions.get(*id).map(rules::Session::with_all_events);
            prop_assert_eq!(
                actual,
                expected.unwrap_or("null".to_owned()),
                "{} after step {}, {:?}",
                id,
                number,
                step
            );
        }
    }
    Ok(())
}

/// Calls an operation.
fn actual(world: &World, name: &str, params: &str) -> Outcome {
    match world.raw(name, params) {
        Ok(reply) => Ok((reply.value, reply.notices)),
        Err(error) => Err(error.code()),
    }
}

fn perform(world: &World, model: &mut Model, step: &Step) -> Result<(), TestCaseError> {
    let by_id = |id: &str| Properties::default().text("id", Some(id)).end();
    let (name, params) = match &step.call {
        Call::Start { key, .. } => (
            "start",
            start_properties(&step.call)
                .text("idempotencyKey", *key)
                .end(),
        ),
        Call::Change {
            id,
            if_version,
            key,
            change,
        } => {
            let version = model.sessions.get(*id).map_or(7, |session| session.version);
            let version = match if_version {
                IfVersion::Any => None,
                IfVersion::Current => Some(version),
                IfVersion::Next => Some(version + 1),
            };
            let mut properties = change.properties();
            properties
                .text("id", Some(id))
                .number("ifVersion", version)
                .text("idempotencyKey", *key);
            (change.name(), properties.end())
        }
        Call::Get { id, history } => {
            let mut properties = Properties::default();
            properties.text("id", Some(id));
            match history {
                None => {}
                Some(Ok(count)) => drop(properties.number("history", Some(count))),
                Some(Err(part)) => drop(properties.text("history", Some(part))),
            }
            ("get", properties.end())
        }
        Call::Read { id, operation } => (*operation, by_id(id)),
        Call::Events { id, after, limit } => {
            let mut properties = Properties::default();
            properties
                .text("id", Some(id))
                .number("after", *after)
                .number("limit", *limit);
            ("events", properties.end())
        }
        Call::List {
            filter,
            updated,
            ascending,
            offset,
            limit,
        } => {
            let expected = model.list(filter, *updated, *ascending);
            return list(world, &expected, *offset, *limit, || {
                let mut properties = filter.properties(BASE);
                properties
                    .text("orderBy", updated.then_some("updatedAt"))
                    .text("direction", ascending.then_some("asc"));
                properties
            });
        }
        Call::Stats { filter } => ("stats", filter.properties(BASE).end()),
        Call::Delete { id } => ("delete", by_id(id)),
        Call::Cleanup {
            max_age,
            measure,
            status,
            permanent,
            dry_run,
        } => {
            let mut properties = Properties::default();
            properties
                .number("maxAge", Some(max_age))
                .text("measure", *measure)
                .list("status", status.as_deref())
                .number("permanent", *permanent)
                .number("dryRun", *dry_run);
            ("cleanup", properties.end())
        }
        Call::Purge {
            older_than,
            dry_run,
        } => {
            let mut properties = Properties::default();
            properties
                .number("olderThan", Some(older_than))
                .number("dryRun", *dry_run);
            ("purge", properties.end())
        }
        Call::Export { id } => {
            model.exported.extend(model.sessions.get(*id).cloned());
            let params = Properties::default().text("id", Some(id)).end();
            let exported = world.raw("export", &params).map(|reply| reply.value);
            let part = world.raw("exportPart", &params).map(|reply| reply.value);
            match (exported, part) {
                (Ok(text), Ok(part)) => {
                    let opening = format!(r#"{{"text":{text},"#);
                    prop_assert!(part.starts_with(&opening));
                }
                (exported, part) => prop_assert_eq!(exported.err(), part.err()),
            }
            return Ok(());
        }
        Call::Import { which, id } => {
            if model.exported.is_empty() {
                return Ok(());
            }
            let session = model.exported[which % model.exported.len()].clone();
            // Every second import keeps the id of the session.
            let session = if which % 2 == 0 {
                session
            } else {
                session.renamed(id)
            };
            let text = Properties::default()
                .text("text", Some(&session.with_all_events()))
                .end();
            let expected = model.import(&session);
            prop_assert_eq!(actual(world, "import", &text), expected);
            return Ok(());
        }
        Call::Fork {
            id,
            new_id,
            at,
            task,
            max_iterations,
            context,
        } => {
            let mut properties = Properties::default();
            properties
                .text("id", Some(id))
                .text("newId", Some(new_id))
                .number("atSequence", *at)
                .words("task", *task)
                .number("maxIterations", *max_iterations)
                .object("context", context.as_ref());
            ("fork", properties.end())
        }
    };
    let expected = model.call(&step.call);
    prop_assert_eq!(
        actual(world, name, &params),
        expected,
        "{} {}",
        name,
        params
    );
    Ok(())
}

/// Reads all pages of a list and compares them with the expected sessions.
fn list(
    world: &World,
    expected: &[String],
    offset: u64,
    limit: u32,
    properties: impl Fn() -> Properties,
) -> Result<(), TestCaseError> {
    let mut rest = expected.get(offset as usize..).unwrap_or_default();
    let mut cursor: Option<String> = None;
    loop {
        let mut params = properties();
        params
            .number("limit", Some(limit))
            .text("cursor", cursor.as_deref());
        if cursor.is_none() {
            params.number("offset", Some(offset));
        }
        let params = params.end();
        let (page, _) = actual(world, "list", &params).unwrap();
        let (items, more) = rest.split_at(rest.len().min(limit as usize));
        let begin = format!(r#"{{"items":[{}]"#, items.join(","));
        prop_assert!(
            page.starts_with(&begin),
            "{params}: {page} does not begin with {begin}"
        );
        let next = page[begin.len()..].strip_prefix(r#","nextCursor":""#);
        prop_assert_eq!(next.is_some(), !more.is_empty(), "{}: {}", params, page);
        match next {
            Some(next) => cursor = next.split('"').next().map(str::to_owned),
            None => return Ok(()),
        }
        rest = more;
    }
}
