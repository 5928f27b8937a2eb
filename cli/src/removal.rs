//! The result of a cleanup or a purge: which sessions were removed, and which could not be.

use serde::{Deserialize, Serialize};

use crate::bulk::Refusal;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{clean, count};

/// The most sessions that a result lists, of the removed ones and of the failed ones.
const MAX_LISTED: usize = 1000;

/// The sessions that were removed, or would be in a dry run.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removed {
    pub(crate) removed: u64,
    pub(crate) ids: Vec<String>,
    pub(crate) failed: Vec<Refusal>,
    pub(crate) dry_run: bool,
}

impl Removed {
    /// Adds the result of another batch.
    pub(crate) fn add(&mut self, more: Self) {
        self.removed += more.removed;
        let room = MAX_LISTED.saturating_sub(self.ids.len());
        self.ids.extend(more.ids.into_iter().take(room));
        for refusal in more.failed {
            self.fail(refusal);
        }
    }

    /// Adds a session that could not be removed.
    pub(crate) fn fail(&mut self, refusal: Refusal) {
        if self.failed.len() < MAX_LISTED {
            self.failed.push(refusal);
        }
    }

    /// The code to exit with.
    pub(crate) fn exit(&self) -> Exit {
        let exits = self.failed.iter().map(Refusal::exit);
        exits.fold(Exit::DONE, Exit::max)
    }

    /// Prints the ids, and the count with a verb such as `moved to the trash`.
    pub(crate) fn print(&self, done: &str, context: &mut Context) -> Outcome {
        for id in &self.ids {
            context.out.line(&clean(id))?;
        }
        for Refusal { id, message, .. } in &self.failed {
            context.note(&format!("{id} was not removed: {message}"));
        }
        let would = if self.dry_run { "would be " } else { "" };
        let more = match self.removed - self.ids.len() as u64 {
            0 => String::new(),
            more => format!(" ({more} of them not listed)"),
        };
        let failed = match self.failed.len() {
            0 => String::new(),
            failed => format!(", {failed} could not be"),
        };
        let removed = count(self.removed, "session");
        context.note(&format!("{removed} {would}{done}{more}{failed}"));
        Ok(self.exit())
    }
}
