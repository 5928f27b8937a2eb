//! `tenure iterate`: counts an iteration of a session.

use tenure_core::session::operations::INCREMENT_ITERATION;
use tenure_core::session::params::IncrementIterationParams;
use tenure_core::{Status, Text};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::input;
use crate::session::print_status_of;
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The iteration that reaches the budget times the session out. The exit code is 1
when the session is no longer active, so that a loop ends.

Examples:
  tenure iterate $id
  while tenure iterate $id; do ./step.sh; done")]
pub(crate) struct Args {
    /// The session's id
    id: SessionIdArg,
    /// The data of the event: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Makes the command safe to repeat: the same key counts one iteration
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let params = IncrementIterationParams {
        id,
        data: input::maybe_json("--data", args.data)?,
        idempotency_key: args.idempotency_key,
        token,
        ..IncrementIterationParams::default()
    };
    let appended = context.run_repeatable(&INCREMENT_ITERATION, params)?;
    match context.json() {
        true => context.print_json(&appended)?,
        false => {
            let used = (appended.iterations, appended.max_iterations);
            print_status_of(context, &appended.id, appended.status, used)?;
        }
    }
    Ok(match appended.status {
        Status::Active => Exit::DONE,
        _ => Exit::REFUSED,
    })
}
