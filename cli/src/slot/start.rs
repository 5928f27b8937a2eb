//! `tenure slot start` and `tenure slot replace`: a session for a slot. Whoever asks for the model that
//! is at work there is given its session; who asks for another one is asked, or told how to go on.

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
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::clean;
use crate::params::Params;
use crate::session::Begun;
use crate::whole::Whole;
use crate::{input, time};

use super::ask::{self, Said};
use super::{InSlot, again, parse_phase};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The id of the session goes to standard output, what became of it to standard
error: created, existing for one with this model, or replaced, which exit with
0; or needs_confirmation, rejected or busy, which print no id and exit with 1.
One with another model is replaced once somebody agrees: at a terminal you are
asked, and elsewhere told the command that agrees. What has failed, timed out or
was given up is replaced without asking. A session that is replaced is in the
trash.

Examples:
  id=$(tenure slot start T1 plan \"Plan the parser\" --model opus)
  tenure slot start T1 run - --model opus --mode developer < task.txt
  tenure slot start T1 run \"Do it again\" --model opus --rerun
  tenure slot start T1 plan \"Plan it\" --model haiku --confirm $id@3
  tenure slot start T1 plan \"Plan it\" --model '{\"name\":\"opus\",\"version\":\"4\"}'")]
pub(super) struct Start {
    #[command(flatten)]
    asked: Asked,
    /// What becomes of a session with another model: confirm (the default),
    /// replace or reject
    #[arg(long, value_name = "WHAT", value_parser = ["confirm", "replace", "reject"], hide_possible_values = true)]
    on_model_change: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
It is what slot start does with --on-model-change replace: nobody is asked. With
--confirm it is done only if the session is still as it was seen.

Examples:
  tenure slot replace T1 plan \"Plan it\" --model haiku
  tenure slot replace T1 plan \"Plan it\" --model haiku --confirm $id@3
  tenure slot replace T1 plan \"Plan it\" --model haiku --export-old old.json")]
pub(super) struct Replace {
    #[command(flatten)]
    asked: Asked,
}

/// A session to start in a slot.
#[derive(Debug, clap::Args)]
struct Asked {
    /// The task
    #[arg(value_name = "TASK")]
    task_id: String,
    /// plan, run, verify or debug, or a title that begins so
    #[arg(value_parser = parse_phase)]
    phase: SlotPhase,
    /// What the agent is to do; - reads it from standard input
    #[arg(value_name = "WHAT")]
    task: String,
    /// The model that is to work in it: a name, or a JSON object
    #[arg(long)]
    model: String,
    /// Replace this session, if it still has this version
    #[arg(long, value_name = "ID@VERSION", value_parser = Seen::parse)]
    confirm: Option<Seen>,
    /// Do again what is completed
    #[arg(long)]
    rerun: bool,
    /// Write the session that is replaced to this file, in place of what is there
    #[arg(long, value_name = "FILE")]
    export_old: Option<PathBuf>,
    /// Keep others away meanwhile, who are told that it is busy
    #[arg(long)]
    pessimistic: bool,
    /// How often to try again while somebody else keeps others away
    #[arg(long, value_name = "N", default_value_t = 3, requires = "pessimistic")]
    retries: u32,
    #[command(flatten)]
    begun: Begun,
}

/// A session as somebody saw it.
#[derive(Debug, Clone, Serialize)]
struct Seen {
    id: String,
    version: u64,
}

impl Seen {
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
    begin(args.asked, args.on_model_change, context)
}

pub(super) fn replace(args: Replace, context: &mut Context) -> Outcome {
    begin(args.asked, Some("replace".to_owned()), context)
}

/// What starting has come to.
#[derive(Deserialize)]
struct Started<'a> {
    outcome: &'a str,
    code: &'a str,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    session: Option<Occupant<'a>>,
    #[serde(borrow)]
    replaced: Option<Gone<'a>>,
    exported: Option<String>,
}

/// The session that is in the slot.
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

/// The session that was in it.
#[derive(Deserialize)]
struct Gone<'a> {
    id: &'a str,
}

fn begin(args: Asked, on_model_change: Option<String>, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("taskId", &args.task_id)
        .set("phase", args.phase);
    let params = match args.model.starts_with('{') {
        true => params.maybe_json("model", input::maybe_json("--model", Some(args.model))?),
        false => params.set("model", args.model),
    };
    let params = params
        .set("task", input::text("WHAT", args.task)?)
        .maybe("onModelChange", on_model_change)
        .flag("rerun", args.rerun)
        .maybe("locking", args.pessimistic.then_some("pessimistic"));
    let params = args.begun.add(params)?;
    let mut export = args.export_old.map(Export::begin).transpose()?;
    let mut wanted = params
        .clone()
        .maybe("confirm", args.confirm.as_ref())
        .flag("exportOld", export.is_some());
    let mut answer = attempt(&wanted, args.retries, context)?;
    let started: Started<'_> = answer.read()?;
    if let ("needs_confirmation", Some(there)) = (started.outcome, &started.session)
        && ask::is_possible(context)
    {
        context.note(&describe(there, context)?);
        let said = ask::ask(&started.message, export.is_none())?;
        if said == Said::No {
            context.note("the session stays as it is");
            return Ok(Exit::REFUSED);
        }
        if said == Said::Export {
            export = Some(Export::begin(format!("{}.json", there.id).into())?);
        }
        let seen = Seen {
            id: there.id.to_owned(),
            version: there.version,
        };
        wanted = params
            .set("confirm", seen)
            .flag("exportOld", export.is_some());
        answer = attempt(&wanted, args.retries, context)?;
    }
    finish(&answer, export, context)
}

/// Has the session started; tries again while somebody else has the slot for a moment.
fn attempt(params: &Params, retries: u32, context: &mut Context) -> Result<Answer, Failure> {
    let mut tried = 0;
    loop {
        let answer = context.perform("startInSlot", params)?;
        let is_locked = answer.read::<Started<'_>>()?.code == "SLOT_LOCKED";
        if !is_locked || tried >= retries {
            return Ok(answer);
        }
        thread::sleep(pause(tried));
        tried += 1;
    }
}

/// Longer from time to time, and no two who wait wait alike.
fn pause(tried: u32) -> Duration {
    const SHORTEST: u64 = 100;
    const DOUBLED: u32 = 5;
    let most = SHORTEST << tried.min(DOUBLED);
    // Every one of these has random keys.
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(most / 2 + random % most)
}

/// Says what it came to.
fn finish(answer: &Answer, export: Option<Export>, context: &mut Context) -> Outcome {
    let started: Started<'_> = answer.read()?;
    let kept = match (export, &started.exported, &started.replaced) {
        (Some(export), Some(text), Some(old)) => export.finish(text, old.id),
        _ => Ok(()),
    };
    let exit = match started.outcome {
        "created" | "existing" | "replaced" => Exit::DONE,
        _ => Exit::REFUSED,
    };
    if context.json() {
        context.out.json(answer.json())?;
        return kept.map(|()| exit);
    }
    let said = format!("{}: {}", started.outcome, started.message);
    match (&started.session, exit) {
        (Some(session), Exit::DONE) => {
            context.out.line(session.id)?;
            context.note(&said);
        }
        (Some(there), _) => {
            context.note(&said);
            context.note(&describe(there, context)?);
            if started.outcome == "needs_confirmation" {
                let seen = format!("{}@{}", there.id, there.version);
                let command = again::with_option("--confirm", &seen);
                context.note(&format!("to replace it: {command}"));
            }
        }
        (None, _) => context.note(&said),
    }
    kept.map(|()| exit)
}

/// Who is in the slot.
fn describe(there: &Occupant<'_>, context: &Context) -> Result<String, Failure> {
    let Occupant {
        id,
        version,
        status,
        iterations,
        max_iterations,
        updated_at,
        slot,
    } = there;
    let age = time::age(context.now(), Timestamp::parse(updated_at)?);
    let (place, model) = (clean(&slot.task_id), slot.model());
    Ok(format!(
        "{model} is in {place}/{}: {id}, version {version}, {status}, {iterations} of \
         {max_iterations} iterations used, last changed {age} ago",
        slot.phase
    ))
}

/// The file for the session that is replaced.
struct Export {
    path: PathBuf,
    file: Whole,
}

impl Export {
    /// Nothing is replaced that could not be kept.
    fn begin(path: PathBuf) -> Result<Self, Failure> {
        match Whole::begin(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) => {
                let problem = format!("{} cannot be written: {error}", path.display());
                Err(Failure::usage("--export-old", problem))
            }
        }
    }

    fn finish(self, text: &str, old: &str) -> Result<(), Failure> {
        let Self { path, file } = self;
        file.finish(&format!("{text}\n")).map_err(|error| {
            let path = path.display();
            let problem = format!(
                "{path}: {error}; the session was replaced, and tenure export {old} prints it"
            );
            Error::StoreUnavailable { problem }.into()
        })
    }
}
