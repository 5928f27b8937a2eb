//! `tenure dedup self-test`: tests the rules over a store in memory.

use tenure_apps::dedup::operations::DEDUP_ADMIT;
use tenure_apps::dedup::params::DedupAdmitParams;
use tenure_core::audit::operations::AUDIT_LOG;
use tenure_core::audit::params::AuditLogParams;
use tenure_core::{Error, Millis};

use crate::context::{Context, run_over};
use crate::exit::{Exit, Outcome};
use crate::store;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure dedup self-test")]
pub(crate) struct Args {}

pub(super) fn run(_: Args, context: &mut Context) -> Outcome {
    const MINUTE: u64 = 60_000;
    const MAIN: &str = "refs/heads/main";
    const TAG: &str = "refs/tags/v1.0";
    context.refuse_store("the test has a temporary store")?;
    let store = store::temporary()?;
    let begin = context.now();
    let steps = [
        ("the first run is admitted", "push", "a", MAIN, 0, false),
        ("a concurrent run is skipped", "push", "a", MAIN, 0, true),
        (
            "a tag of its commit is admitted",
            "push",
            "a",
            TAG,
            0,
            false,
        ),
        (
            "a run after the window is admitted",
            "push",
            "a",
            MAIN,
            11,
            false,
        ),
        (
            "a pull request is admitted",
            "pull_request",
            "b",
            MAIN,
            0,
            false,
        ),
        (
            "a push of its commit is skipped",
            "push",
            "b",
            MAIN,
            0,
            true,
        ),
        (
            "a push an hour later is admitted",
            "push",
            "b",
            MAIN,
            60,
            false,
        ),
    ];
    let mut wrong = 0;
    for (number, (title, event, commit, git_ref, minutes, skip)) in steps.into_iter().enumerate() {
        let params = DedupAdmitParams {
            event_type: event.into(),
            workflow: "self-test".into(),
            commit_sha: Some(commit.into()),
            git_ref: Some(git_ref.into()),
            run_id: number.to_string().into(),
            ..DedupAdmitParams::default()
        };
        let now = begin.plus(Millis(minutes * MINUTE));
        let decision = run_over(&store, now, &DEDUP_ADMIT, params)?;
        let right = decision.skip == skip;
        wrong += usize::from(!right);
        let sign = if right { "ok" } else { "WRONG" };
        if !context.json() {
            context.out.line(&format!("{sign}: {title}"))?;
        }
    }
    let log = run_over(&store, begin, &AUDIT_LOG, AuditLogParams::default())?;
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
