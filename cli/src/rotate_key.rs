//! `tenure rotate-key`: encrypts what a store has with its current key, page by page, while others use it.

use serde::Serialize;
use tenure_host::Rotation;

use crate::check::damaged_records;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::{clean, count};
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Everything that is encrypted with another key, or with none, is encrypted with
the first key of --encryption-key, while others use the store. First give all
processes the new key, then run this. It may be interrupted at any moment, and
the same command finishes it. The exit code is 1 when something was left out;
until nothing is, all keys are needed.

Examples:
  tenure rotate-key --encryption-key 2027=file:new-key,2026=file:key
  TENURE_ENCRYPTION_KEY=2026=file:key tenure rotate-key")]
pub(crate) struct Args {}

/// The result of a rotation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'r> {
    sessions: u64,
    rewritten: u64,
    busy: u64,
    failed: u64,
    problems: &'r [String],
    retired_keys: &'r [String],
}

pub(crate) fn run(_: &Args, context: &mut Context) -> Outcome {
    if context.encryption()?.is_none() {
        return Err(Failure::usage("--encryption-key", "expected a key"));
    }
    let interrupt = Interrupt::listen();
    let mut progress = Progress::new(!context.json());
    let store = context.existing_store()?;
    let mut rotation = Rotation::default();
    while !rotation.is_done {
        interrupt.check("interrupted; run the same command to continue")?;
        rotation = store.rotate(rotation)?;
        progress.update(|| format!("{} read", count(rotation.sessions, "session")));
    }
    drop(progress);
    // Values are encrypted again whatever they say; that a record says nothing, nobody would notice otherwise.
    for damaged in damaged_records(context, &interrupt)? {
        if !rotation.problems.contains(&damaged.id) {
            rotation.failed += 1;
            rotation.problems.push(damaged.id);
        }
    }
    print(context, &rotation)
}

fn print(context: &mut Context, rotation: &Rotation) -> Outcome {
    let Rotation {
        sessions,
        rewritten,
        busy,
        failed,
        problems,
        retired,
        ..
    } = rotation;
    if context.json() {
        context.print_json(&Reply {
            sessions: *sessions,
            rewritten: *rewritten,
            busy: *busy,
            failed: *failed,
            problems,
            retired_keys: retired,
        })?;
    } else {
        for id in problems {
            context.note(&format!("{}: it cannot be read", clean(id)));
        }
        let (read, values) = (count(*sessions, "session"), count(*rewritten, "value"));
        context.out.line(&format!(
            "{read} read, {values} encrypted with the current key"
        ))?;
        for key in retired {
            let key = clean(key);
            context.out.line(&format!(
                "the store no longer needs the key {key}; archives and old backups do"
            ))?;
        }
        if *busy > 0 {
            let busy = count(*busy, "session");
            context.note(&format!(
                "{busy} changed meanwhile: run the same command again"
            ));
        }
    }
    Ok(match busy + failed {
        0 => Exit::DONE,
        _ => Exit::REFUSED,
    })
}
