//! `tenure usage`: adds tokens and cost to the usage of a session.

use tenure_core::session::operations::RECORD_USAGE;
use tenure_core::session::params::{RecordUsageParams, TokensParam};
use tenure_core::value::json::Object;
use tenure_core::{Json, Text};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::clean;
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The usage of the session so far is printed. `tenure stats` sums up that of all
sessions.

Examples:
  tenure usage $id --prompt 1200 --completion 340
  tenure usage $id --prompt 1200 --cached 1000 --cost 0.0042")]
pub(crate) struct Args {
    /// The session's id
    id: SessionIdArg,
    /// Tokens of the prompts
    #[arg(long, value_name = "TOKENS")]
    prompt: Option<u64>,
    /// Tokens of the completions
    #[arg(long, value_name = "TOKENS")]
    completion: Option<u64>,
    /// Those of the prompts that came from a cache
    #[arg(long, value_name = "TOKENS")]
    cached: Option<u64>,
    /// Those of the completions that the model spent on reasoning
    #[arg(long, value_name = "TOKENS")]
    reasoning: Option<u64>,
    /// The cost, in a unit of your choice
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    cost: Option<f64>,
    /// Makes the command safe to repeat: the same key adds the usage once
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let counts = [args.prompt, args.completion, args.cached, args.reasoning];
    let has_tokens = counts.iter().any(Option::is_some);
    let tokens = TokensParam {
        prompt: args.prompt,
        completion: args.completion,
        cached: args.cached,
        reasoning: args.reasoning,
    };
    if !has_tokens && args.cost.is_none() {
        let problem = "expected tokens or a cost, such as --prompt 1200 or --cost 0.0042";
        return Err(Failure::usage("usage", problem));
    }
    let id = context.session_id(args.id)?;
    let token = args.held.of(std::slice::from_ref(&id));
    let params = RecordUsageParams {
        id,
        tokens: has_tokens.then_some(tokens),
        cost: args.cost,
        idempotency_key: args.idempotency_key,
        token,
        ..RecordUsageParams::default()
    };
    let session = context.run_repeatable(&RECORD_USAGE, params)?;
    context.print(session, |context, session| {
        let metadata = session.metadata.unwrap_or_default();
        let metadata = Object::parse(&metadata);
        let tokens = metadata.read::<Json>("tokens").unwrap_or_default();
        let tokens = Object::parse(&tokens);
        let number = |name| tokens.get(name).unwrap_or("0");
        let count = |name, part| match number(part) {
            "0" => format!("{} {name}", number(name)),
            some => format!("{} {name}, {some} of them {part}", number(name)),
        };
        context.out.line(&clean(&format!(
            "{}: {} tokens ({}; {}), cost {}",
            session.id,
            number("total"),
            count("prompt", "cached"),
            count("completion", "reasoning"),
            metadata.get("cost").unwrap_or("0"),
        )))?;
        Ok(Exit::DONE)
    })
}
