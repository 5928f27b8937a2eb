//! `tenure trash`, `restore` and `rm`: bulk operations on sessions. A session that is refused does not
//! block the others.

use tenure_core::session::bulk::{DELETE_MANY, RESTORE_MANY, TRASH_MANY};
use tenure_core::session::params::ManyParams;
use tenure_core::session::replies::BulkResult;
use tenure_core::work::operation::Operation;

use crate::arguments::unknown_session;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::removal::exit_of;
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;

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
    ids: Vec<SessionIdArg>,
    #[command(flatten)]
    held: TokenArg,
}

pub(crate) fn trash(args: Trash, context: &mut Context) -> Outcome {
    run(&TRASH_MANY, "in the trash", args.sessions, context)
}

pub(crate) fn restore(args: Restore, context: &mut Context) -> Outcome {
    run(&RESTORE_MANY, "restored", args.sessions, context)
}

pub(crate) fn rm(args: Rm, context: &mut Context) -> Outcome {
    let (operation, state) = match args.permanent {
        true => (&DELETE_MANY, "permanently removed"),
        false => (&TRASH_MANY, "in the trash"),
    };
    run(operation, state, args.sessions, context)
}

/// Runs a bulk operation, and prints the sessions that are now in this state.
fn run(
    operation: &'static Operation<ManyParams, BulkResult>,
    state: &str,
    sessions: Sessions,
    context: &mut Context,
) -> Outcome {
    let mut exit = Exit::DONE;
    let ids = context.session_ids(sessions.ids)?;
    for ids in ids.chunks(MAX_BULK) {
        let params = ManyParams {
            ids: ids.to_vec(),
            token: sessions.held.of(ids),
        };
        let result = context.run(operation, params)?;
        if context.json() {
            context.print_json(&result)?;
        } else {
            for id in &result.done {
                context.out.line(&format!("{id} is {state}"))?;
            }
            for refusal in &result.refused {
                let message = match refusal.code {
                    "SESSION_NOT_FOUND" => unknown_session(&refusal.id),
                    _ => refusal.message.clone(),
                };
                context.error(&message);
            }
        }
        exit = exit.max(exit_of(result.refused.iter().map(|refusal| refusal.code)));
    }
    Ok(exit)
}
