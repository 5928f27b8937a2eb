//! `tenure dedup self-test`: tests the rules over a store in memory.

use serde::Deserialize;
use tenure_core::{Error, Millis};

use crate::context::{Context, perform_over};
use crate::exit::{Exit, Outcome};
use crate::params::Params;
use crate::store;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure dedup self-test")]
pub(crate) struct Args {}

pub(super) fn run(_: Args, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    struct Decided {
        skip: bool,
    }
    #[derive(Deserialize)]
    struct Log {
        items: Vec<serde::de::IgnoredAny>,
    }
    const MINUTE: u64 = 60_000;
    let store = store::open("memory:")?;
    let begin = context.now();
    let steps = [
        ("the first run is admitted", "push", "a", 0, false),
        ("a concurrent run is skipped", "push", "a", 0, true),
        ("a run after the window is admitted", "push", "a", 11, false),
        ("a pull request is admitted", "pull_request", "b", 0, false),
        ("a push of its commit is skipped", "push", "b", 0, true),
        ("a push an hour later is admitted", "push", "b", 60, false),
    ];
    let mut wrong = 0;
    for (number, (title, event, commit, minutes, skip)) in steps.into_iter().enumerate() {
        let params = Params::new()
            .set("eventType", event)
            .set("workflow", "self-test")
            .set("commitSha", commit)
            .set("runId", number.to_string());
        let now = begin.plus(Millis(minutes * MINUTE));
        let decided: Decided = perform_over(&store, now, "dedupAdmit", &params)?.read()?;
        let right = decided.skip == skip;
        wrong += usize::from(!right);
        let sign = if right { "ok" } else { "WRONG" };
        if !context.json() {
            context.out.line(&format!("{sign}: {title}"))?;
        }
    }
    let log: Log = perform_over(&store, begin, "auditLog", &Params::new())?.read()?;
    if wrong > 0 || log.items.len() != steps.len() {
        let problem = format!("{wrong} of the rules do not hold, or the audit log is incomplete");
        return Err(Error::internal(problem).into());
    }
    match context.json() {
        true => context.out.json("true")?,
        false => context.out.line("ok: the audit log holds every decision")?,
    }
    Ok(Exit::DONE)
}
