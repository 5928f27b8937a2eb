//! `tenure trash`, `restore` and `rm`: what is done to the sessions that are named, many of them in one
//! call. One that is refused keeps no other from its turn.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::exit::{self, Exit, Outcome};
use crate::params::Params;

/// Sessions that one call names at most.
const TOGETHER: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
They leave lists and statistics and take no changes, and their slots are free.
`tenure restore` takes them out again, and `tenure purge` removes them for good.

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
Without --permanent it is `tenure trash`. With it nothing is left to restore:
`tenure purge` does the same to what is in the trash, and can archive it first.

Examples:
  tenure rm $id
  tenure rm --permanent $id")]
pub(crate) struct Rm {
    #[command(flatten)]
    sessions: Sessions,
    /// Remove them for good, those that cannot be read too
    #[arg(long)]
    permanent: bool,
}

/// The sessions to which it is done.
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
    many("restoreMany", "out of the trash", &args.sessions, context)
}

pub(crate) fn rm(args: Rm, context: &mut Context) -> Outcome {
    match args.permanent {
        true => many("deleteMany", "removed for good", &args.sessions, context),
        false => many("trashMany", "in the trash", &args.sessions, context),
    }
}

/// A session to which something could not be done, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    /// What it means to whoever called the command.
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
    for ids in sessions.ids.chunks(TOGETHER) {
        let answer = context.perform(operation, &Params::new().set("ids", ids))?;
        let many: Many<'_> = answer.read()?;
        if context.json() {
            context.out.json(answer.json())?;
        } else {
            for id in many.done {
                context.out.line(&format!("{id} is {done}"))?;
            }
            for refusal in &many.refused {
                context.complain(&refusal.message);
            }
        }
        exit = many.refused.iter().map(Refusal::exit).fold(exit, Exit::max);
    }
    Ok(exit)
}
