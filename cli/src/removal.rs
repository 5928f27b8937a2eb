//! The result of a cleanup or a purge: which sessions were removed, and which could not be.

use tenure_apps::retention::purge::PurgeResult;
use tenure_core::session::replies::{CleanupResult, Refusal};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{clean, count};

/// What was removed, as it is printed.
pub(crate) struct Removal<'r> {
    removed: u64,
    ids: Vec<&'r str>,
    /// The ids of the sessions that were not removed, with the code and the message of the error.
    failed: Vec<(&'r str, &'r str, &'r str)>,
    dry_run: bool,
}

impl<'r> From<&'r CleanupResult> for Removal<'r> {
    fn from(result: &'r CleanupResult) -> Self {
        let failed = result
            .failed
            .iter()
            .map(|Refusal { id, code, message }| (id.as_str(), *code, message.as_str()));
        Self {
            removed: result.removed,
            ids: result.ids.iter().map(|id| id.as_str()).collect(),
            failed: failed.collect(),
            dry_run: result.dry_run,
        }
    }
}

impl<'r> From<&'r PurgeResult> for Removal<'r> {
    fn from(result: &'r PurgeResult) -> Self {
        let failed = result.failed.iter().map(|failed| {
            (
                failed.id.as_str(),
                failed.code.as_str(),
                failed.message.as_str(),
            )
        });
        Self {
            removed: result.removed,
            ids: result.ids.iter().map(|id| id.as_str()).collect(),
            failed: failed.collect(),
            dry_run: result.dry_run,
        }
    }
}

/// Prints the ids, and the count with a verb such as `moved to the trash`. The exit code is that of the
/// worst failure.
pub(crate) fn print<'r>(
    removal: impl Into<Removal<'r>>,
    verb: &str,
    context: &mut Context,
) -> Outcome {
    let removal = removal.into();
    for id in &removal.ids {
        context.out.line(&clean(id))?;
    }
    for (id, _, message) in &removal.failed {
        context.note(&format!("{id} was not removed: {message}"));
    }
    let would = if removal.dry_run { "would be " } else { "" };
    let more = match removal.removed - removal.ids.len() as u64 {
        0 => String::new(),
        more => format!(" ({more} of them not listed)"),
    };
    let failed = match removal.failed.len() {
        0 => String::new(),
        failed => format!(", {failed} could not be"),
    };
    let removed = count(removal.removed, "session");
    context.note(&format!("{removed} {would}{verb}{more}{failed}"));
    Ok(exit_of(removal.failed.iter().map(|(_, code, _)| *code)))
}

/// The exit code of the worst of several errors.
pub(crate) fn exit_of<'c>(codes: impl Iterator<Item = &'c str>) -> Exit {
    codes.map(Exit::of_code).fold(Exit::DONE, Exit::max)
}
