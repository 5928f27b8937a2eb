//! The commands `tenure slot`: one session for each phase of a task. The core decides the outcome of a
//! start. The modules below ask for confirmation, retry while a slot is locked, and export a replaced
//! session.

mod confirmation;
mod list;
mod start;
mod suggested_command;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tenure_core::stored::slot::{SlotPhase, slot_phase};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::lazy_args::LazyArgs;
use crate::output::clean;
use crate::params::Params;
use crate::show;

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

/// Parses the phase of a slot: a name of the phase, or a title that starts with one.
pub(crate) fn parse_phase(text: &str) -> Result<SlotPhase, String> {
    let phase = SlotPhase::parse(text).or_else(|| slot_phase(text));
    phase.ok_or_else(|| {
        "expected plan, run, verify or debug, or a title such as \"Plan: the parser\"".to_owned()
    })
}

/// The slot of a session.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InSlot<'a> {
    #[serde(borrow)]
    pub(crate) task_id: Cow<'a, str>,
    pub(crate) phase: SlotPhase,
    #[serde(borrow)]
    pub(crate) model: &'a RawValue,
}

impl InSlot<'_> {
    /// The model's name, and its version if there is one.
    pub(crate) fn model(&self) -> String {
        let (name, version) = self.named();
        match version {
            Some(version) => clean(&format!("{name} {version}")).into_owned(),
            None => clean(&name).into_owned(),
        }
    }

    /// All properties of the model.
    pub(crate) fn model_in_full(&self) -> String {
        match self.model.get() {
            json if json.starts_with('{') => clean(json).into_owned(),
            _ => self.model(),
        }
    }

    /// Whether the slot's model is not available.
    pub(crate) fn misses_model(&self, context: &Context) -> bool {
        context.limits().lacks_model(&self.named().0)
    }

    fn named(&self) -> (String, Option<String>) {
        #[derive(Deserialize)]
        struct Named {
            name: String,
            version: Option<String>,
        }
        let json = self.model.get();
        match serde_json::from_str::<Named>(json) {
            Ok(Named { name, version }) => (name, version),
            Err(_) => (serde_json::from_str(json).unwrap_or_default(), None),
        }
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
    task_id: String,
    /// plan, run, verify or debug, or a title that starts with one
    #[arg(value_parser = parse_phase)]
    phase: SlotPhase,
    /// The number of events to show, the last ones
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    events: u32,
}

fn show(args: Show, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    struct Latest<'a> {
        #[serde(borrow)]
        session: Known<'a>,
    }
    #[derive(Deserialize)]
    struct Known<'a> {
        id: &'a str,
    }
    let Show {
        task_id,
        phase,
        events,
    } = args;
    let params = Params::new().set("taskId", &task_id).set("phase", phase);
    context.perform_and_print("latestSession", &params, |context, answer| {
        let Some(Latest { session }) = answer.read()? else {
            context.note(&format!("slot {}/{phase} is free", clean(&task_id)));
            return Ok(Exit::REFUSED);
        };
        show::session(session.id, events, context)
    })
}
