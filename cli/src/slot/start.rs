//! `tenure slot start` and `tenure slot replace`: start a session in a slot. A start with the same model
//! returns the existing session. A start with another model asks for confirmation at a terminal, and
//! otherwise prints the command that confirms.

use std::path::PathBuf;

use tenure_core::session::params::StartParams;
use tenure_core::slot::decision::OnModelChange;
use tenure_core::slot::message::SlotOutcome;
use tenure_core::slot::operations::START_IN_SLOT;
use tenure_core::slot::params::{SlotConfirmation, SlotLocking, SlotStart, StartInSlotParams};
use tenure_core::slot::wait::{SLOT_WAIT, SlotWaitParams};
use tenure_core::stored::model::Model;
use tenure_core::stored::slot::SlotPhase;
use tenure_core::value::properties::Property;
use tenure_core::{Error, SessionHead, Text};
use tenure_permissions::FileMode;

use crate::atomic_file::AtomicFile;
use crate::choice::choice;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::job::{JobHost, run_job};
use crate::output::{clean, name_of};
use crate::session::NewSessionArgs;
use crate::{input, time};

use super::confirmation::{self, Confirmation};
use crate::session_id::SessionIdArg;
use crate::slot_text::{parse_phase, short_model};

use super::suggested_command;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The session's id goes to standard output, the outcome to standard error. The
outcomes created, existing (a session with this model) and replaced exit with 0.
The outcomes needs_confirmation, rejected and busy print no id and exit with 1.
A session with another model is replaced after a confirmation, and with
--replace one with the same model: at a terminal you are asked, otherwise the
command that confirms is printed. A failed, timed out or abandoned session is
replaced without confirmation. A replaced session is moved to the trash.

Examples:
  id=$(tenure slot start T1 plan \"Plan the parser\" --model opus)
  tenure slot start T1 run - --model opus --mode developer < task.txt
  tenure slot start T1 run \"Do it again\" --model opus --rerun
  tenure slot start T1 plan \"Plan it\" --model haiku --confirm $id@3
  tenure slot start T1 plan \"Plan it\" --model opus --replace
  tenure slot start T1 plan \"Plan it\" --model '{\"name\":\"opus\",\"version\":\"4\"}'")]
pub(super) struct Start {
    #[command(flatten)]
    request: Request,
    /// How to treat a session with another model: confirm (the default), replace
    /// or reject
    #[arg(long, value_name = "ACTION", value_parser = choice([("confirm", OnModelChange::Confirm), ("replace", OnModelChange::Replace), ("reject", OnModelChange::Reject)]), hide_possible_values = true)]
    on_model_change: Option<OnModelChange>,
    /// Replace a session with the same model too, after a confirmation
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
This is `slot start` with --on-model-change replace: it asks for no
confirmation. With --confirm it replaces only that version of the session.

Examples:
  tenure slot replace T1 plan \"Plan it\" --model haiku
  tenure slot replace T1 plan \"Plan it\" --model haiku --confirm $id@3
  tenure slot replace T1 plan \"Plan it\" --model haiku --export-old old.json")]
pub(super) struct Replace {
    #[command(flatten)]
    request: Request,
}

/// A session to start in a slot.
#[derive(Debug, clap::Args)]
struct Request {
    /// The task's id
    task_id: Text,
    /// plan, run, verify or debug, or a title that starts with one
    #[arg(value_parser = parse_phase)]
    phase: SlotPhase,
    /// The task of the agent; - reads standard input
    task: Text,
    /// The model: a name, or a JSON object
    #[arg(long)]
    model: String,
    /// Replace this session, if it still has this version
    #[arg(long, value_name = "ID@VERSION", value_parser = parse_confirmation)]
    confirm: Option<SlotConfirmation>,
    /// Run a completed task again
    #[arg(long)]
    rerun: bool,
    /// Export the replaced session to this file, and replace the file if it exists
    #[arg(long, value_name = "FILE")]
    export_old: Option<PathBuf>,
    /// Lock the slot during the start; concurrent starts are busy
    #[arg(long)]
    pessimistic: bool,
    /// The most retries while the slot is locked
    #[arg(long, value_name = "N", default_value_t = 3, requires = "pessimistic")]
    retries: u32,
    #[command(flatten)]
    session: NewSessionArgs,
}

/// Parses the id and the version of a session.
fn parse_confirmation(text: &str) -> Result<SlotConfirmation, String> {
    text.rsplit_once('@')
        .and_then(|(id, version)| Some((id, version.parse().ok()?)))
        .map(|(id, version)| SlotConfirmation {
            id: id.into(),
            version,
        })
        .ok_or_else(|| "expected an id and a version, such as session_1@3".to_owned())
}

impl Request {
    /// The parameters of the start, and the file to which the replaced session is exported.
    fn parse(
        self,
        on_model_change: Option<OnModelChange>,
        file_mode: FileMode,
    ) -> Result<(StartInSlotParams, Option<Export>), Failure> {
        let model = match self.model.starts_with('{') {
            true => {
                let json = input::json("--model", self.model)?;
                Model::read("model", json.as_str())?
            }
            false => Model {
                name: Text::from(self.model).into_string(),
                details: None,
            },
        };
        let task = input::text("TASK", self.task)?;
        let StartParams {
            mode,
            id,
            user_id,
            channel_id,
            workspace,
            max_iterations,
            context,
            metadata,
            paused,
            pause_reason,
            ..
        } = self.session.params()?;
        let export = self.export_old.map(|path| Export::create(path, file_mode));
        let export = export.transpose()?;
        let params = StartInSlotParams {
            task_id: self.task_id,
            phase: self.phase,
            model,
            task,
            mode,
            on_model_change,
            confirm: self.confirm,
            rerun: self.rerun.then_some(true),
            replace: None,
            export_old: export.is_some().then_some(true),
            locking: self.pessimistic.then_some(SlotLocking::Pessimistic),
            id,
            user_id,
            channel_id,
            workspace,
            max_iterations,
            context,
            metadata,
            paused,
            pause_reason,
        };
        Ok((params, export))
    }
}

pub(super) fn start(args: Start, context: &mut Context) -> Outcome {
    let replace = args.replace.then_some(true);
    run(args.request, args.on_model_change, replace, context)
}

pub(super) fn replace(args: Replace, context: &mut Context) -> Outcome {
    run(args.request, Some(OnModelChange::Replace), None, context)
}

fn run(
    request: Request,
    on_model_change: Option<OnModelChange>,
    replace: Option<bool>,
    context: &mut Context,
) -> Outcome {
    let retries = request.retries;
    let (mut params, mut export) = request.parse(on_model_change, context.file_mode())?;
    params.replace = replace;
    if let Some(confirmed) = &mut params.confirm {
        confirmed.id = context.session_id(SessionIdArg::of(confirmed.id.clone()))?;
    }
    let mut started = start_with_retries(&params, retries, context)?;
    if let (SlotOutcome::NeedsConfirmation, Some(occupant)) = (started.outcome, &started.session)
        && confirmation::is_possible(context)
    {
        context.note(&describe(occupant, context));
        let confirmation = confirmation::ask(started.message, export.is_none())?;
        if confirmation == Confirmation::Keep {
            context.note("the session is unchanged");
            return Ok(Exit::REFUSED);
        }
        if confirmation == Confirmation::Export {
            export = Some(Export::create(
                format!("{}.json", occupant.id).into(),
                context.file_mode(),
            )?);
        }
        params.confirm = Some(SlotConfirmation {
            id: occupant.id.as_str().into(),
            version: occupant.version,
        });
        params.export_old = export.is_some().then_some(true);
        started = start_with_retries(&params, retries, context)?;
    }
    finish(&started, export, context)
}

/// Starts the session, and retries while the slot is locked.
fn start_with_retries(
    params: &StartInSlotParams,
    retries: u32,
    context: &mut Context,
) -> Result<SlotStart, Failure> {
    let mut starting = Starting {
        params,
        context,
        last: None,
    };
    run_job(&SLOT_WAIT, SlotWaitParams { retries }, &mut starting)?;
    let last = starting.last;
    last.ok_or_else(|| Error::internal("a start was not attempted").into())
}

/// A start in progress.
struct Starting<'s> {
    params: &'s StartInSlotParams,
    context: &'s mut Context,
    last: Option<SlotStart>,
}

impl JobHost for Starting<'_> {
    fn attempt(&mut self) -> Result<Text, Failure> {
        let started = self.context.run(&START_IN_SLOT, self.params.clone())?;
        let code = name_of(started.code).into();
        self.last = Some(started);
        Ok(code)
    }
}

/// Exports the replaced session and prints the outcome.
fn finish(started: &SlotStart, export: Option<Export>, context: &mut Context) -> Outcome {
    let exported = match (export, &started.exported, &started.replaced) {
        (Some(export), Some(text), Some(replaced)) => export.commit(text, replaced.id.as_str()),
        _ => Ok(()),
    };
    let exit = match started.outcome {
        SlotOutcome::Created | SlotOutcome::Existing | SlotOutcome::Replaced => Exit::DONE,
        SlotOutcome::NeedsConfirmation | SlotOutcome::Busy | SlotOutcome::Rejected => Exit::REFUSED,
    };
    if context.json() {
        context.print_json(started)?;
        return exported.map(|()| exit);
    }
    let outcome = format!("{}: {}", name_of(started.outcome), started.message);
    match (&started.session, exit) {
        (Some(session), Exit::DONE) => {
            context.out.line(session.id.as_str())?;
            context.note(&outcome);
        }
        (Some(occupant), _) => {
            context.note(&outcome);
            context.note(&describe(occupant, context));
            if started.outcome == SlotOutcome::NeedsConfirmation {
                let version = format!("{}@{}", occupant.id, occupant.version);
                let command = suggested_command::with_option("--confirm", &version);
                context.note(&format!("to replace it: {command}"));
            }
        }
        (None, _) => context.note(&outcome),
    }
    exported.map(|()| exit)
}

/// Describes the current occupant of a slot.
fn describe(occupant: &SessionHead, context: &Context) -> String {
    let SessionHead {
        id,
        version,
        status,
        iterations,
        max_iterations,
        updated_at,
        slot,
        ..
    } = occupant;
    let age = time::age(context.now(), *updated_at);
    let place = match slot {
        Some(slot) => {
            let (task, model) = (clean(&slot.task_id), short_model(slot));
            format!(
                "slot {task}/{} holds {id} with the model {model}",
                slot.phase
            )
        }
        None => format!("the slot holds {id}"),
    };
    format!(
        "{place}: version {version}, {status}, {iterations} of {max_iterations} iterations used, \
         updated {age} ago"
    )
}

/// The file to which the replaced session is exported.
struct Export {
    path: PathBuf,
    file: AtomicFile,
}

impl Export {
    /// Creates the file before the session is replaced, so that a path that cannot be written fails first.
    fn create(path: PathBuf, mode: FileMode) -> Result<Self, Failure> {
        match AtomicFile::create(&path, mode) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) => {
                let problem = format!("{} cannot be written: {error}", path.display());
                Err(Failure::usage("--export-old", problem))
            }
        }
    }

    fn commit(self, text: &str, replaced: &str) -> Result<(), Failure> {
        let Self { path, mut file } = self;
        let written = file.write(&format!("{text}\n"));
        written.and_then(|()| file.commit()).map_err(|error| {
            let more =
                format!("; the session was replaced, and `tenure export {replaced}` prints it");
            Failure::output(&path, &error, &more)
        })
    }
}
