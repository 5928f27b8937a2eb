//! `tenure trash`, `restore` and `rm`: bulk operations on sessions. A session that is refused does not
//! block the others.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::exit::{self, Exit, Outcome};
use crate::params::Params;

/// The most sessions of one bulk operation.
const MAX_BULK: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Sessions in the trash are not listed or counted, cannot be changed, and leave
their slots free. `tenure restore` restores them, and `tenure purge` removes
them permanently.

Examples:
  tenure trash $id
  tenure list --status failed | cut -f1 | xargs tenure trash
  tenure list --trash only")]
pub(crate) struct Trash {
    #[command(flatten)]
    sessions: Sessions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure list --trash only
  tenure restore $id")]
pub(crate) struct Restore {
    #[command(flatten)]
    sessions: Sessions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --permanent this is `tenure trash`. With --permanent the sessions cannot
be restored. `tenure purge` permanently removes sessions from the trash, and can
archive them first.

Examples:
  tenure rm $id
  tenure rm --permanent $id")]
pub(crate) struct Rm {
    #[command(flatten)]
    sessions: Sessions,
    /// Remove the sessions permanently, unreadable ones too
    #[arg(long)]
    permanent: bool,
}

/// The sessions of a bulk operation.
#[derive(Debug, clap::Args)]
struct Sessions {
    /// The sessions
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

pub(crate) fn trash(args: Trash, context: &mut Context) -> Outcome {
    many("trashMany", "in the trash", &args.sessions, context)
}

pub(crate) fn restore(args: Restore, context: &mut Context) -> Outcome {
    many("restoreMany", "restored", &args.sessions, context)
}

pub(crate) fn rm(args: Rm, context: &mut Context) -> Outcome {
    match args.permanent {
        true => many("deleteMany", "permanently removed", &args.sessions, context),
        false => many("trashMany", "in the trash", &args.sessions, context),
    }
}

/// A session that was refused, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    /// The exit code of the refusal.
    pub(crate) fn exit(&self) -> Exit {
        exit::of_code(&self.code)
    }
}

#[derive(Deserialize)]
struct Many<'a> {
    #[serde(borrow)]
    done: Vec<&'a str>,
    refused: Vec<Refusal>,
}

fn many(operation: &str, done: &str, sessions: &Sessions, context: &mut Context) -> Outcome {
    let mut exit = Exit::DONE;
    for ids in sessions.ids.chunks(MAX_BULK) {
        let answer = context.perform(operation, &Params::new().set("ids", ids))?;
        let many: Many<'_> = answer.read()?;
        if context.json() {
            context.out.json(answer.json())?;
        } else {
            for id in many.done {
                context.out.line(&format!("{id} is {done}"))?;
            }
            for refusal in &many.refused {
                context.error(&refusal.message);
            }
        }
        exit = many.refused.iter().map(Refusal::exit).fold(exit, Exit::max);
    }
    Ok(exit)
}
