//! What a cleanup or a purge has removed, and what it could not: the same for all that clean up.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::many::Refusal;
use crate::output::{clean, count};

/// How many sessions are named, of those that went and of those that stay.
const MAX_NAMED: usize = 1000;

/// What was removed, or would be.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removed {
    pub(crate) removed: u64,
    pub(crate) ids: Vec<String>,
    pub(crate) failed: Vec<Refusal>,
    pub(crate) dry_run: bool,
}

impl Removed {
    /// Takes more in.
    pub(crate) fn add(&mut self, more: Self) {
        self.removed += more.removed;
        let room = MAX_NAMED.saturating_sub(self.ids.len());
        self.ids.extend(more.ids.into_iter().take(room));
        for refusal in more.failed {
            self.fail(refusal);
        }
    }

    /// Takes down that a session stays.
    pub(crate) fn fail(&mut self, refusal: Refusal) {
        if self.failed.len() < MAX_NAMED {
            self.failed.push(refusal);
        }
    }

    /// The code to exit with.
    pub(crate) fn exit(&self) -> Exit {
        let exits = self.failed.iter().map(Refusal::exit);
        exits.fold(Exit::DONE, Exit::max)
    }

    /// Prints which went, and says how many, in words such as `put into the trash`.
    pub(crate) fn print(&self, done: &str, context: &mut Context) -> Outcome {
        for id in &self.ids {
            context.out.line(&clean(id))?;
        }
        for Refusal { id, message, .. } in &self.failed {
            context.note(&format!("{id} stays: {message}"));
        }
        let would = if self.dry_run { "would be " } else { "" };
        let more = match self.removed - self.ids.len() as u64 {
            0 => String::new(),
            more => format!(" ({more} of them are not named)"),
        };
        let stay = match self.failed.len() {
            0 => String::new(),
            stay => format!(", {stay} could not be"),
        };
        let removed = count(self.removed, "session");
        context.note(&format!("{removed} {would}{done}{more}{stay}"));
        Ok(self.exit())
    }
}
