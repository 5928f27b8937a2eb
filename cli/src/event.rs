//! `tenure event`: records events in the history of a session. `tenure events` prints them.

use clap::Subcommand;
use tenure_core::Text;
use tenure_core::session::operations::ADD_EVENT;
use tenure_core::session::params::AddEventParams;
use tenure_core::session::replies::Appended;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::input;
use crate::lazy_args::LazyArgs;
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
`tenure events` prints the events of a session.

Examples:
  tenure event add $id deploy '{\"target\":\"staging\"}'")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Record an event and print its sequence number
    Add(LazyArgs<Add>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Add(LazyArgs(args)) => add(args, context),
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
An event of the lifecycle does what its type says: pause, resume, complete and
iteration do what their commands do, error fails the session, timeout times it
out, and abandoned abandons it. A log entry has a type of your own, such as note.

Examples:
  tenure event add $id note '{\"text\":\"The cache is cold\"}'
  tenure event add $id deploy @deploy.json
  terraform show -json | tenure event add $id plan -")]
struct Add {
    /// The session's id
    id: SessionIdArg,
    /// The type of the event
    #[arg(value_name = "TYPE")]
    kind: Text,
    /// The data: a JSON object, @FILE, or - for standard input
    #[arg(value_name = "JSON")]
    data: Option<String>,
    /// Makes the command safe to repeat: the same key records one event
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

fn add(args: Add, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let params = AddEventParams {
        id,
        r#type: args.kind,
        data: input::maybe_json("JSON", args.data)?,
        idempotency_key: args.idempotency_key,
        token,
        ..AddEventParams::default()
    };
    let appended = context.run_repeatable(&ADD_EVENT, params)?;
    context.print(appended, print_sequence)
}

/// Prints the sequence number of the event that was recorded.
pub(crate) fn print_sequence(context: &mut Context, appended: Appended) -> Outcome {
    context.out.line(&appended.last_sequence.to_string())?;
    Ok(Exit::DONE)
}
