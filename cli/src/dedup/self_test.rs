//! `tenure dedup self-test`: the rules, tried on a store in memory with this very command.

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
        ("the first run goes on", "push", "a", 0, false),
        ("a second one at once is skipped", "push", "a", 0, true),
        (
            "and goes on when the window is over",
            "push",
            "a",
            11,
            false,
        ),
        ("a pull request goes on", "pull_request", "b", 0, false),
        ("a push of its commit is skipped", "push", "b", 0, true),
        ("and goes on an hour later", "push", "b", 60, false),
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
        let problem = format!("{wrong} of the rules do not hold, or the audit log is not whole");
        return Err(Error::internal(problem).into());
    }
    match context.json() {
        true => context.out.json("true")?,
        false => context.out.line("ok: all of it is in the audit log")?,
    }
    Ok(Exit::DONE)
}
