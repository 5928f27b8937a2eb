//! The commands `tenure slot`: one session for each phase of the work on a task. What starting another
//! comes to is decided in the core; asking people, waiting for others and keeping what is replaced is
//! in the modules below.

mod again;
mod ask;
mod list;
mod start;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tenure_core::stored::slot::{SlotPhase, slot_phase};

use crate::context::Context;
use crate::deferred::Deferred;
use crate::exit::{Exit, Outcome};
use crate::output::clean;
use crate::params::Params;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A task has a slot for each of its phases plan, run, verify and debug, and a slot
has one session outside of the trash.

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
    /// Start the session of a slot and print its id, or that of the one in it
    Start(Deferred<start::Start>),
    /// Start the session of a slot in place of one with another model
    Replace(Deferred<start::Replace>),
    /// Show the session in a slot
    Show(Deferred<Show>),
    /// List the sessions in the slots of tasks
    List(Deferred<list::Args>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    match args.command {
        Command::Start(Deferred(args)) => start::start(args, context),
        Command::Replace(Deferred(args)) => start::replace(args, context),
        Command::Show(Deferred(args)) => show(args, context),
        Command::List(Deferred(args)) => list::run(args, context),
    }
}

/// The phase of a slot as people name it: a word for it, or a title that begins with one.
pub(crate) fn parse_phase(text: &str) -> Result<SlotPhase, String> {
    let phase = SlotPhase::parse(text).or_else(|| slot_phase(text));
    phase.ok_or_else(|| {
        "expected plan, run, verify or debug, or a title such as \"Plan: the parser\"".to_owned()
    })
}

/// The slot that a session is in, as operations answer it.
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
    /// The model in a word or two: its name, and its version if that is known.
    pub(crate) fn model(&self) -> String {
        let (name, version) = self.named();
        match version {
            Some(version) => clean(&format!("{name} {version}")).into_owned(),
            None => clean(&name).into_owned(),
        }
    }

    /// All that is known of the model.
    pub(crate) fn model_in_full(&self) -> String {
        match self.model.get() {
            json if json.starts_with('{') => clean(json).into_owned(),
            _ => self.model(),
        }
    }

    /// Whether its model is none of those that there are.
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
The exit code is 1 if the slot is free.

Examples:
  tenure slot show T1 plan
  tenure slot show T1 \"Plan: the parser\"
  tenure slot show T1 run --json | jq -r .session.id")]
struct Show {
    /// The task
    #[arg(value_name = "TASK")]
    task_id: String,
    /// plan, run, verify or debug, or a title that begins so
    #[arg(value_parser = parse_phase)]
    phase: SlotPhase,
    /// How many of the last events to show
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
    context.tell("latestSession", &params, |context, answer| {
        let Some(Latest { session }) = answer.read()? else {
            context.note(&format!("nobody is in {}/{phase}", clean(&task_id)));
            return Ok(Exit::REFUSED);
        };
        show::session(session.id, events, context)
    })
}
