//! `tenure tool`: records a tool call of a session, or its start and its end.

use tenure_core::Text;
use tenure_core::session::operations::RECORD_TOOL_CALL;
use tenure_core::session::params::{
    FinishToolCallParams, RecordToolCallParams, StartToolCallParams,
};
use tenure_core::session::tool_calls::{FINISH_TOOL_CALL, START_TOOL_CALL};

use crate::context::Context;
use crate::event::print_sequence;
use crate::exit::{Exit, Outcome};
use crate::input;
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The sequence number of the event is printed. With --start it is the call's id,
and the context lists the call until it is finished: if a crash cuts it off, it
is in doubt.

Examples:
  tenure tool $id read_file --args '{\"path\":\"a.txt\"}'
  ls -l | jq -Rs . | tenure tool $id ls --result -
  call=$(tenure tool $id deploy --start)
  tenure tool $id --finish $call --result '\"deployed\"'")]
pub(crate) struct Args {
    /// The session's id
    id: SessionIdArg,
    /// The name of the tool
    #[arg(required_unless_present = "finish")]
    tool: Option<Text>,
    /// The arguments of the call: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// The result of the call: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    result: Option<String>,
    /// Record the start of the call, and print its id
    #[arg(long, conflicts_with = "result")]
    start: bool,
    /// With --start: the id of the call, such as the one that the model has for it
    #[arg(
        long,
        value_name = "CALL_ID",
        requires = "start",
        conflicts_with = "finish"
    )]
    call_id: Option<Text>,
    /// Record the end of this call, which was started before
    #[arg(long, value_name = "CALL_ID", conflicts_with_all = ["tool", "args", "start"])]
    finish: Option<Text>,
    /// Makes the command safe to repeat: the same key records one call
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let idempotency_key = args.idempotency_key;
    let result = input::maybe_json("--result", args.result)?;
    if let Some(call_id) = args.finish {
        let params = FinishToolCallParams {
            id,
            call_id,
            result,
            idempotency_key,
            token,
            ..FinishToolCallParams::default()
        };
        let appended = context.run_repeatable(&FINISH_TOOL_CALL, params)?;
        return context.print(appended, print_sequence);
    }
    let tool = args.tool.unwrap_or_default();
    let call_args = input::maybe_json("--args", args.args)?;
    if args.start {
        let params = StartToolCallParams {
            id,
            tool,
            args: call_args,
            call_id: args.call_id,
            idempotency_key,
            token,
            ..StartToolCallParams::default()
        };
        let started = context.run_repeatable(&START_TOOL_CALL, params)?;
        return context.print(started, |context, started| {
            context.out.line(&started.call_id.unwrap_or_default())?;
            Ok(Exit::DONE)
        });
    }
    let params = RecordToolCallParams {
        id,
        tool,
        args: call_args,
        result,
        idempotency_key,
        token,
        ..RecordToolCallParams::default()
    };
    let appended = context.run_repeatable(&RECORD_TOOL_CALL, params)?;
    context.print(appended, print_sequence)
}
