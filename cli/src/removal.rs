//! The result of a cleanup or a purge: which sessions were removed, and which could not be.

use tenure_core::session::replies::{CleanupResult, Refusal};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{clean, count};

/// The most sessions that a result lists, of the removed ones and of the failed ones.
const MAX_LISTED: usize = 1000;

/// Adds the result of another batch.
pub(crate) fn add(result: &mut CleanupResult, batch: CleanupResult) {
    result.removed += batch.removed;
    let room = MAX_LISTED.saturating_sub(result.ids.len());
    result.ids.extend(batch.ids.into_iter().take(room));
    for refusal in batch.failed {
        add_failed(result, refusal);
    }
}

/// Adds a session that could not be removed.
pub(crate) fn add_failed(result: &mut CleanupResult, refusal: Refusal) {
    if result.failed.len() < MAX_LISTED {
        result.failed.push(refusal);
    }
}

/// The exit code of the worst of several refusals.
pub(crate) fn exit_of(refusals: &[Refusal]) -> Exit {
    let exits = refusals.iter().map(|refusal| Exit::of_code(refusal.code));
    exits.fold(Exit::DONE, Exit::max)
}

/// Prints the ids, and the count with a verb such as `moved to the trash`.
pub(crate) fn print(result: &CleanupResult, verb: &str, context: &mut Context) -> Outcome {
    for id in &result.ids {
        context.out.line(&clean(id.as_str()))?;
    }
    for Refusal { id, message, .. } in &result.failed {
        context.note(&format!("{id} was not removed: {message}"));
    }
    let would = if result.dry_run { "would be " } else { "" };
    let more = match result.removed - result.ids.len() as u64 {
        0 => String::new(),
        more => format!(" ({more} of them not listed)"),
    };
    let failed = match result.failed.len() {
        0 => String::new(),
        failed => format!(", {failed} could not be"),
    };
    let removed = count(result.removed, "session");
    context.note(&format!("{removed} {would}{verb}{more}{failed}"));
    Ok(exit_of(&result.failed))
}
