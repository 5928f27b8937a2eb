//! `tenure context`: the context of a session, a JSON object that its user keeps there.

use clap::Subcommand;
use clap::builder::TypedValueParser;
use tenure_core::session::context_change::RecordChange;
use tenure_core::session::operations::UPDATE_CONTEXT;
use tenure_core::session::params::{ContextParams, UpdateContextParams};
use tenure_core::session::read::CONTEXT;
use tenure_core::value::json::Object;
use tenure_core::{Json, SessionHead, Text};

use crate::arguments::unknown_session;
use crate::choice::choice;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::input;
use crate::lazy_args::LazyArgs;
use crate::output::clean_lines;
use crate::session_id::SessionIdArg;
use crate::token::TokenArg;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure context set $id branch=main attempts:=3
  tenure context get $id branch
  tenure context unset $id attempts")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What the history gets of the change.
#[derive(Debug, clap::Args)]
struct RecordArg {
    /// What the history keeps of the values: small ones, of up to 4 KiB (the default), all or none
    #[arg(long, value_name = "VALUES", value_parser = recorded())]
    record: Option<RecordChange>,
}

fn recorded() -> impl TypedValueParser<Value = RecordChange> {
    choice([
        ("small", RecordChange::Small),
        ("all", RecordChange::All),
        ("none", RecordChange::None),
    ])
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the context, or one of its properties
    Get(LazyArgs<Get>),
    /// Set properties of the context
    Set(LazyArgs<Set>),
    /// Remove properties from the context
    Unset(LazyArgs<Unset>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Get(LazyArgs(args)) => get(args, context),
        Command::Set(LazyArgs(args)) => set(args, context),
        Command::Unset(LazyArgs(args)) => unset(args, context),
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without KEY the context is printed as JSON. The value of KEY is printed as JSON,
but a text without its quotes; the exit code is 1 if there is none. With --json
the task, the status and the last events are printed, too: all that an agent
needs to continue.

Examples:
  tenure context get $id
  branch=$(tenure context get $id branch)
  tenure context get $id --json --recent 5")]
struct Get {
    /// The session's id
    id: SessionIdArg,
    /// Only the value of this property
    key: Option<Text>,
    /// With --json: the number of last events, up to 1000; 10 by default
    #[arg(long, value_name = "N")]
    recent: Option<u32>,
}

fn get(args: Get, context: &mut Context) -> Outcome {
    let without = "which prints the whole context";
    context.refuse_with_json("KEY", args.key.is_some(), without)?;
    context.require_json("--recent", args.recent.is_some())?;
    let id = context.session_id(args.id)?;
    let params = ContextParams {
        id: id.clone(),
        recent: Some(args.recent.unwrap_or(if context.json() { 10 } else { 0 })),
        ..ContextParams::default()
    };
    context.run_and_print(&CONTEXT, params, |context, session| {
        let Some(session) = session else {
            context.note(&unknown_session(id.as_str()));
            return Ok(Exit::REFUSED);
        };
        let Some(key) = args.key else {
            context.out.json(session.context.as_str())?;
            return Ok(Exit::DONE);
        };
        let properties = Object::parse(&session.context);
        match (properties.text(key.as_str()), properties.get(key.as_str())) {
            (Some(text), _) => context.out.line(&clean_lines(&text))?,
            (None, Some(json)) => context.out.json(json)?,
            (None, None) => {
                context.note(&format!("the context of {id} has no property {key}"));
                return Ok(Exit::REFUSED);
            }
        }
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
KEY=TEXT sets a text, and KEY:=JSON any JSON. TEXT - reads standard input, and
JSON - does too; JSON @FILE reads a file. A property that is set replaces the
one with its name: objects are not merged.

Examples:
  tenure context set $id branch=main
  tenure context set $id attempts:=3 'labels:=[\"a\",\"b\"]'
  tenure context set $id plan:=@plan.json
  git diff | tenure context set $id diff=-")]
struct Set {
    /// The session's id
    id: SessionIdArg,
    /// The properties: KEY=TEXT or KEY:=JSON
    #[arg(required = true, value_name = "KEY=VALUE")]
    properties: Vec<String>,
    /// Remove all other properties
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    record: RecordArg,
    /// Makes the command safe to repeat: the same key sets them once
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

fn set(args: Set, context: &mut Context) -> Outcome {
    let mut properties = Object::default();
    let mut notes = Vec::new();
    for property in args.properties {
        let Some((key, value)) = property.split_once('=') else {
            let problem = format!("expected KEY=TEXT or KEY:=JSON, got {property}");
            return Err(Failure::usage("KEY=VALUE", problem));
        };
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (key, input::json(key, value.to_owned())?),
            None => {
                let json = value.strip_prefix(':');
                if json.is_some_and(|json| Json::parse(json).is_ok()) {
                    notes.push(format!("{key} is the text {value}; {key}:=JSON sets JSON"));
                }
                (key, Json::of(&input::text(key, value.into())?))
            }
        };
        if key.is_empty() {
            let problem = format!("expected a name before the =, got {property}");
            return Err(Failure::usage("KEY=VALUE", problem));
        }
        properties.set(key, &value);
    }
    let id = context.session_id(args.id)?;
    let params = UpdateContextParams {
        context: properties.to_json(),
        replace: args.replace.then_some(true),
        record: args.record.record,
        idempotency_key: args.idempotency_key,
        token: args.held.of(std::slice::from_ref(&id)),
        id,
        ..UpdateContextParams::default()
    };
    let session = context.run_repeatable(&UPDATE_CONTEXT, params)?;
    for note in notes {
        context.note(&note);
    }
    context.print(session, print)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A property that does not exist is no error.

Examples:
  tenure context unset $id attempts
  tenure context unset $id plan diff")]
struct Unset {
    /// The session's id
    id: SessionIdArg,
    /// The names of the properties
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<Text>,
    #[command(flatten)]
    record: RecordArg,
    /// Makes the command safe to repeat: the same key removes them once
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<Text>,
    #[command(flatten)]
    held: TokenArg,
}

fn unset(args: Unset, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    let params = UpdateContextParams {
        context: Json::empty_object(),
        unset: Some(args.keys),
        record: args.record.record,
        idempotency_key: args.idempotency_key,
        token: args.held.of(std::slice::from_ref(&id)),
        id,
        ..UpdateContextParams::default()
    };
    let session = context.run_repeatable(&UPDATE_CONTEXT, params)?;
    context.print(session, print)
}

/// Prints the context after a change.
fn print(context: &mut Context, session: SessionHead) -> Outcome {
    context.out.json(session.context.as_str())?;
    Ok(Exit::DONE)
}
