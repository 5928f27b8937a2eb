//! The commands `tenure slot`: one session for each phase of a task. The core decides the outcome of a
//! start. The modules below ask for confirmation, retry while a slot is locked, and export a replaced
//! session.

mod confirmation;
mod list;
mod start;
mod suggested_command;

use clap::Subcommand;
use tenure_core::Text;
use tenure_core::slot::operations::LATEST_SESSION;
use tenure_core::slot::params::LatestSessionParams;
use tenure_core::stored::slot::SlotPhase;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::lazy_args::LazyArgs;
use crate::output::clean;
use crate::show;
use crate::slot_text::parse_phase;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A task has a slot for each of the phases plan, run, verify and debug. A slot
holds at most one session outside of the trash.

Examples:
  id=$(tenure slot start T1 plan \"Plan the parser\" --model opus)
  tenure slot show T1 plan
  tenure slot list T1 T2
  tenure slot replace T1 plan \"Plan the parser\" --model haiku")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a session in a slot, and print its id or the existing session's
    Start(LazyArgs<start::Start>),
    /// Start a session in a slot, and replace one with another model
    Replace(LazyArgs<start::Replace>),
    /// Show the session in a slot
    Show(LazyArgs<Show>),
    /// List the sessions in the slots of tasks
    List(LazyArgs<list::Args>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Start(LazyArgs(args)) => start::start(args, context),
        Command::Replace(LazyArgs(args)) => start::replace(args, context),
        Command::Show(LazyArgs(args)) => show(args, context),
        Command::List(LazyArgs(args)) => list::run(args, context),
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 when the slot is free.

Examples:
  tenure slot show T1 plan
  tenure slot show T1 \"Plan: the parser\"
  tenure slot show T1 run --json | jq -r .session.id")]
struct Show {
    /// The task's id
    task_id: Text,
    /// plan, run, verify or debug, or a title that starts with one
    #[arg(value_parser = parse_phase)]
    phase: SlotPhase,
    /// The number of events to show, the last ones: 10 by default
    #[arg(long, short = 'n', value_name = "N")]
    events: Option<u32>,
}

fn show(args: Show, context: &mut Context) -> Outcome {
    let no_events = "which prints the session without its events";
    context.refuse_with_json("--events", args.events.is_some(), no_events)?;
    let events = args.events.unwrap_or(show::EVENTS);
    let (task_id, phase) = (args.task_id.clone(), args.phase);
    let params = LatestSessionParams {
        task_id: args.task_id,
        phase,
    };
    context.run_and_print(&LATEST_SESSION, params, |context, latest| {
        let Some(latest) = latest else {
            let task = clean(task_id.as_str());
            context.note(&format!("slot {task}/{phase} is free"));
            return Ok(Exit::REFUSED);
        };
        show::session(latest.session.id.as_str().into(), events, context)
    })
}
