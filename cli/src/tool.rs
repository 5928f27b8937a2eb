//! `tenure tool`: records a tool call of a session.

use tenure_core::Text;
use tenure_core::session::operations::RECORD_TOOL_CALL;
use tenure_core::session::params::RecordToolCallParams;

use crate::context::Context;
use crate::event::print_sequence;
use crate::exit::Outcome;
use crate::input;
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The sequence number of the event is printed.

Examples:
  tenure tool $id read_file --args '{\"path\":\"a.txt\"}'
  ls -l | jq -Rs . | tenure tool $id ls --result -")]
pub(crate) struct Args {
    /// The session's id
    id: SessionIdArg,
    /// The name of the tool
    tool: Text,
    /// The arguments of the call: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// The result of the call: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    result: Option<String>,
    /// Makes the command safe to repeat: the same key records one call
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let params = RecordToolCallParams {
        id,
        tool: args.tool,
        args: input::maybe_json("--args", args.args)?,
        result: input::maybe_json("--result", args.result)?,
        idempotency_key: args.idempotency_key,
        token,
        ..RecordToolCallParams::default()
    };
    context.run_and_print(&RECORD_TOOL_CALL, params, print_sequence)
}
