//! `tenure slot start` and `tenure slot replace`: start a session in a slot. A start with the same model
//! returns the existing session. A start with another model asks for confirmation at a terminal, and
//! otherwise prints the command that confirms.

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tenure_core::stored::slot::SlotPhase;
use tenure_core::{Error, Timestamp};

use crate::answer::Answer;
use crate::atomic_file::AtomicFile;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::clean;
use crate::params::Params;
use crate::session::NewSessionArgs;
use crate::{input, time};

use super::confirmation::{self, Confirmation};
use super::{InSlot, parse_phase, suggested_command};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The session's id goes to standard output, the outcome to standard error. The
outcomes created, existing (a session with this model) and replaced exit with 0.
The outcomes needs_confirmation, rejected and busy print no id and exit with 1.
A session with another model is replaced after a confirmation: at a terminal you
are asked, otherwise the command that confirms is printed. A failed, timed out
or abandoned session is replaced without confirmation. A replaced session is
moved to the trash.

Examples:
  id=$(tenure slot start T1 plan \"Plan the parser\" --model opus)
  tenure slot start T1 run - --model opus --mode developer < task.txt
  tenure slot start T1 run \"Do it again\" --model opus --rerun
  tenure slot start T1 plan \"Plan it\" --model haiku --confirm $id@3
  tenure slot start T1 plan \"Plan it\" --model '{\"name\":\"opus\",\"version\":\"4\"}'")]
pub(super) struct Start {
    #[command(flatten)]
    request: Request,
    /// How to treat a session with another model: confirm (the default), replace
    /// or reject
    #[arg(long, value_name = "ACTION", value_parser = ["confirm", "replace", "reject"], hide_possible_values = true)]
    on_model_change: Option<String>,
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
    task_id: String,
    /// plan, run, verify or debug, or a title that starts with one
    #[arg(value_parser = parse_phase)]
    phase: SlotPhase,
    /// The task of the agent; - reads standard input
    task: String,
    /// The model: a name, or a JSON object
    #[arg(long)]
    model: String,
    /// Replace this session, if it still has this version
    #[arg(long, value_name = "ID@VERSION", value_parser = SessionVersion::parse)]
    confirm: Option<SessionVersion>,
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

/// A version of a session.
#[derive(Debug, Clone, Serialize)]
struct SessionVersion {
    id: String,
    version: u64,
}

impl SessionVersion {
    fn parse(text: &str) -> Result<Self, String> {
        text.rsplit_once('@')
            .and_then(|(id, version)| Some((id, version.parse().ok()?)))
            .map(|(id, version)| Self {
                id: id.to_owned(),
                version,
            })
            .ok_or_else(|| "expected an id and a version, such as session_1@3".to_owned())
    }
}

pub(super) fn start(args: Start, context: &mut Context) -> Outcome {
    begin(args.request, args.on_model_change, context)
}

pub(super) fn replace(args: Replace, context: &mut Context) -> Outcome {
    begin(args.request, Some("replace".to_owned()), context)
}

/// The outcome of a start.
#[derive(Deserialize)]
struct Started<'a> {
    outcome: &'a str,
    code: &'a str,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    session: Option<Occupant<'a>>,
    #[serde(borrow)]
    replaced: Option<Replaced<'a>>,
    exported: Option<String>,
}

/// The current occupant of the slot.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Occupant<'a> {
    id: &'a str,
    version: u64,
    status: &'a str,
    iterations: u32,
    max_iterations: u32,
    updated_at: &'a str,
    #[serde(borrow)]
    slot: InSlot<'a>,
}

/// The session that was replaced.
#[derive(Deserialize)]
struct Replaced<'a> {
    id: &'a str,
}

fn begin(args: Request, on_model_change: Option<String>, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("taskId", &args.task_id)
        .set("phase", args.phase);
    let params = match args.model.starts_with('{') {
        true => params.maybe_json("model", input::maybe_json("--model", Some(args.model))?),
        false => params.set("model", args.model),
    };
    let params = params
        .set("task", input::text("TASK", args.task)?)
        .maybe("onModelChange", on_model_change)
        .flag("rerun", args.rerun)
        .maybe("locking", args.pessimistic.then_some("pessimistic"));
    let params = args.session.add(params)?;
    let mut export = args.export_old.map(Export::create).transpose()?;
    let mut wanted = params
        .clone()
        .maybe("confirm", args.confirm.as_ref())
        .flag("exportOld", export.is_some());
    let mut answer = attempt(&wanted, args.retries, context)?;
    let started: Started<'_> = answer.read()?;
    if let ("needs_confirmation", Some(occupant)) = (started.outcome, &started.session)
        && confirmation::is_possible(context)
    {
        context.note(&describe(occupant, context)?);
        let answer_given = confirmation::ask(&started.message, export.is_none())?;
        if answer_given == Confirmation::Keep {
            context.note("the session is unchanged");
            return Ok(Exit::REFUSED);
        }
        if answer_given == Confirmation::Export {
            export = Some(Export::create(format!("{}.json", occupant.id).into())?);
        }
        let confirmed = SessionVersion {
            id: occupant.id.to_owned(),
            version: occupant.version,
        };
        wanted = params
            .set("confirm", confirmed)
            .flag("exportOld", export.is_some());
        answer = attempt(&wanted, args.retries, context)?;
    }
    finish(&answer, export, context)
}

/// Starts the session, and retries while the slot is locked.
fn attempt(params: &Params, retries: u32, context: &mut Context) -> Result<Answer, Failure> {
    let mut retried = 0;
    loop {
        let answer = context.perform("startInSlot", params)?;
        let is_locked = answer.read::<Started<'_>>()?.code == "SLOT_LOCKED";
        if !is_locked || retried >= retries {
            return Ok(answer);
        }
        thread::sleep(backoff(retried));
        retried += 1;
    }
}

/// Exponential backoff with jitter.
fn backoff(retried: u32) -> Duration {
    const BASE_MS: u64 = 100;
    const MAX_DOUBLINGS: u32 = 5;
    let millis = BASE_MS << retried.min(MAX_DOUBLINGS);
    // The keys of a `RandomState` are random.
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(millis / 2 + random % millis)
}

/// Exports the replaced session and prints the outcome.
fn finish(answer: &Answer, export: Option<Export>, context: &mut Context) -> Outcome {
    let started: Started<'_> = answer.read()?;
    let exported = match (export, &started.exported, &started.replaced) {
        (Some(export), Some(text), Some(old)) => export.commit(text, old.id),
        _ => Ok(()),
    };
    let exit = match started.outcome {
        "created" | "existing" | "replaced" => Exit::DONE,
        _ => Exit::REFUSED,
    };
    if context.json() {
        context.out.json(answer.json())?;
        return exported.map(|()| exit);
    }
    let outcome = format!("{}: {}", started.outcome, started.message);
    match (&started.session, exit) {
        (Some(session), Exit::DONE) => {
            context.out.line(session.id)?;
            context.note(&outcome);
        }
        (Some(occupant), _) => {
            context.note(&outcome);
            context.note(&describe(occupant, context)?);
            if started.outcome == "needs_confirmation" {
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
fn describe(occupant: &Occupant<'_>, context: &Context) -> Result<String, Failure> {
    let Occupant {
        id,
        version,
        status,
        iterations,
        max_iterations,
        updated_at,
        slot,
    } = occupant;
    let age = time::age(context.now(), Timestamp::parse(updated_at)?);
    let (place, model) = (clean(&slot.task_id), slot.model());
    Ok(format!(
        "slot {place}/{} holds {id} with the model {model}: version {version}, {status}, \
         {iterations} of {max_iterations} iterations used, updated {age} ago",
        slot.phase
    ))
}

/// The file to which the replaced session is exported.
struct Export {
    path: PathBuf,
    file: AtomicFile,
}

impl Export {
    /// Creates the file before the session is replaced, so that a path that cannot be written fails first.
    fn create(path: PathBuf) -> Result<Self, Failure> {
        match AtomicFile::create(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) => {
                let problem = format!("{} cannot be written: {error}", path.display());
                Err(Failure::usage("--export-old", problem))
            }
        }
    }

    fn commit(self, text: &str, replaced: &str) -> Result<(), Failure> {
        let Self { path, file } = self;
        file.commit(&format!("{text}\n")).map_err(|error| {
            let path = path.display();
            let problem = format!(
                "{path}: {error}; the session was replaced, and `tenure export {replaced}` prints it"
            );
            Error::StoreUnavailable { problem }.into()
        })
    }
}
