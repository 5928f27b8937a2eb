//! The commands `tenure hook`, which the host of an agent runs: they read JSON from standard input and
//! print JSON to standard output. They reply within seconds whatever happens to the store, because an
//! agent must not stop when its sessions are unavailable.

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, Read, stdin};
use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use tenure_apps::hooks::operations::{HOOK_EVENT, HOOK_PRE_DELEGATE, HOOK_SUBAGENT_STOP};
use tenure_apps::hooks::request::{
    self, FinalizePolicy, Hook, HookEventParams, HookPreDelegateParams, HookReply,
    HookSubagentStopParams,
};
use tenure_bridge::Options;
use tenure_core::agent::operations::{AGENT_CREATE, AGENT_UPDATE};
use tenure_core::agent::params::{AgentCreateParams, AgentUpdateParams};
use tenure_core::value::json::Object;
use tenure_core::value::text::without_bom;
use tenure_core::work::operation::Access;
use tenure_core::{Error, Json, Millis, Phase, Timestamp};
use tenure_host::Local;

use crate::context::{Context, run_over};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Style;
use crate::store::{self, CommandStore};
use crate::{choice, time};

/// The most bytes of input. No host sends more.
const MAX_INPUT: u64 = 8 << 20;
/// How long a hook waits for other writers, in milliseconds.
const BUSY_TIMEOUT_MS: u64 = 2000;

/// The variables with which hosts of agents name the folder of the project to their hooks.
const PROJECT_VARIABLES: [&str; 3] = [
    "CLAUDE_PROJECT_DIR",
    "GEMINI_PROJECT_DIR",
    "CURSOR_PROJECT_DIR",
];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 0 also when the store is unavailable; the reply has the reason.
It is 1 when the input is not a JSON object.

Examples:
  echo '{\"agent_id\":\"'$id'\"}' | tenure hook pre-delegate
  tenure hook --test")]
pub(crate) struct Args {
    /// Run both hooks over a temporary store, and show their replies
    #[arg(long, global = true)]
    test: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    PreDelegate(PreDelegate),
    SubagentStop(SubagentStop),
    Event(Event),
}

/// Decide whether a task resumes a session, before it is delegated to an agent
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Input: agent_id, or agent_name and task_id, at the top level or in task_info.
Output: should_resume, reason, agent_id, resume_metadata {previous_phase,
created_at, history, session_metadata}, details, original_context. The reason is
session_resumable, no_existing_session, session_not_resumable, store_unavailable
or invalid_json; details.code is more specific.

Examples:
  echo '{\"agent_name\":\"deployer\",\"task_id\":\"T001\"}' |
    tenure hook pre-delegate
  tenure hook pre-delegate --idle 2h --max-errors 5 < task.json
  tenure hook pre-delegate --test")]
struct PreDelegate {
    /// Do not resume an agent that has been idle this long: 30m by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    idle: Option<Millis>,
    /// Do not resume an agent with this many errors: 3 by default
    #[arg(long, value_name = "N")]
    max_errors: Option<u32>,
}

/// Finalize an agent that has stopped, by its exit code
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Input: task_info {agent_id} and workflow_metrics {exit_code}, or both at the top
level. A missing exit code counts as 0. Output: finalized, reason, agent_id,
outcome, details. With the exit code 0 an agent that is paused, or can be
resumed, is not finalized: the reason is session_waiting.

Examples:
  echo '{\"agent_id\":\"'$id'\",\"exit_code\":1}' | tenure hook subagent-stop
  tenure hook subagent-stop --finalize always < stopped.json
  tenure hook subagent-stop --test")]
struct SubagentStop {
    /// Which agents with the exit code 0 to finalize: always all of them, or those
    /// that do not wait (auto, the default)
    #[arg(
        long,
        value_name = "auto|always",
        value_parser = choice::choice([
            ("auto", FinalizePolicy::Auto),
            ("always", FinalizePolicy::Always),
        ]),
        hide_possible_values = true
    )]
    finalize: Option<FinalizePolicy>,
}

/// Answer an event of a host that names it, such as Claude Code
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Input: what the host passes to the hooks of the events SessionStart, PreToolUse
of the tool Task or Agent, SubagentStart, SubagentStop, Stop and SessionEnd.
Output: hookSpecificOutput with additionalContext for the model, or {}. Where
the store fails it is a systemMessage. The other two hooks accept this input,
too.

Examples:
  tenure hook event < payload.json
  tenure hook event --idle 2h --finalize always < payload.json")]
struct Event {
    #[command(flatten)]
    delegation: PreDelegate,
    #[command(flatten)]
    stop: SubagentStop,
}

impl PreDelegate {
    fn option(&self) -> Option<&'static str> {
        let idle = self.idle.map(|_| "--idle");
        idle.or(self.max_errors.map(|_| "--max-errors"))
    }
}

impl SubagentStop {
    fn option(&self) -> Option<&'static str> {
        self.finalize.map(|_| "--finalize")
    }
}

impl Command {
    fn hook(&self) -> Hook {
        match self {
            Self::PreDelegate(_) => Hook::PreDelegate,
            Self::SubagentStop(_) => Hook::SubagentStop,
            Self::Event(_) => Hook::Event,
        }
    }

    /// The name of an option that is given.
    fn option(&self) -> Option<&'static str> {
        match self {
            Self::PreDelegate(delegation) => delegation.option(),
            Self::SubagentStop(stop) => stop.option(),
            Self::Event(Event { delegation, stop }) => delegation.option().or(stop.option()),
        }
    }

    /// Runs the operation of the hook.
    fn run(&self, input: &str, now: Timestamp, store: &Local) -> Result<HookReply, Failure> {
        let input = input.into();
        match self {
            Self::PreDelegate(PreDelegate { idle, max_errors }) => {
                let params = HookPreDelegateParams {
                    input,
                    idle: *idle,
                    max_errors: *max_errors,
                };
                run_over(store, now, &HOOK_PRE_DELEGATE, params)
            }
            Self::SubagentStop(SubagentStop { finalize }) => {
                let params = HookSubagentStopParams {
                    input,
                    finalize: *finalize,
                };
                run_over(store, now, &HOOK_SUBAGENT_STOP, params)
            }
            Self::Event(Event { delegation, stop }) => {
                let params = HookEventParams {
                    input,
                    idle: delegation.idle,
                    max_errors: delegation.max_errors,
                    finalize: stop.finalize,
                };
                run_over(store, now, &HOOK_EVENT, params)
            }
        }
    }
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if args.test {
        if let Some(option) = args.command.as_ref().and_then(Command::option) {
            let problem = "not possible with --test, which has a policy of its own";
            return Err(Failure::usage(option, problem));
        }
        context.refuse_store("the test has a temporary store")?;
        return test(context);
    }
    let Some(command) = args.command else {
        let problem = "expected pre-delegate, subagent-stop or event, or --test";
        return Err(Failure::usage("hook", problem));
    };
    let reply = match read_input(context) {
        Ok(input) => {
            let store = open(context, &input);
            reply(&command, &input, context.now(), store)?
        }
        Err(problem) => request::invalid(command.hook(), &problem),
    };
    context.out.json(reply.output.as_str())?;
    Ok(Exit(reply.exit_code))
}

/// Reads the input. Invalid UTF-8 is replaced, as in all plain text: a message that was cut in the
/// middle of a character gets a reply, too.
fn read_input(context: &mut Context) -> Result<String, String> {
    if stdin().is_terminal() {
        context.note("reading JSON from standard input");
    }
    let mut input = Vec::new();
    stdin()
        .take(MAX_INPUT + 1)
        .read_to_end(&mut input)
        .map_err(|error| format!("standard input cannot be read: {error}"))?;
    if input.len() as u64 > MAX_INPUT {
        return Err(format!("expected at most {} MB of JSON", MAX_INPUT >> 20));
    }
    let text = String::from_utf8_lossy(&input);
    Ok(without_bom(&text).to_owned())
}

/// Opens the store. If it does not exist, it is empty, and a negative answer does not create it.
fn open(context: &Context, input: &str) -> Result<Local, Failure> {
    let store = match context.globals.store.as_deref() {
        Some(url) => CommandStore::named(url),
        None => CommandStore::of_projects(&project_folders(input))?,
    };
    let options = Options {
        busy_timeout_ms: Some(BUSY_TIMEOUT_MS),
        ..context.store_options()?
    };
    store.open(&options, Access::Write)
}

/// The folders whose project the agent works on, the most reliable first: that of the host, that of the
/// input, and the working directory, which is any folder where the host runs its hooks elsewhere.
fn project_folders(input: &str) -> Vec<PathBuf> {
    let of_host = PROJECT_VARIABLES.into_iter().filter_map(env::var_os);
    let of_input = Json::parse(input).ok();
    let of_input = of_input.and_then(|input| Object::parse(&input).text("cwd"));
    let folders = of_host
        .chain(of_input.map(OsString::from))
        .map(PathBuf::from);
    let folders = folders.filter(|folder| folder.is_absolute() && folder.is_dir());
    folders.chain(store::here().ok()).collect()
}

/// The reply to the input.
fn reply(
    command: &Command,
    input: &str,
    now: Timestamp,
    store: Result<Local, Failure>,
) -> Result<HookReply, Failure> {
    match store.and_then(|store| command.run(input, now, &store)) {
        Err(Failure::Error(error)) => {
            let (code, message) = (error.code(), error.to_string());
            Ok(request::store_unavailable(
                command.hook(),
                input,
                code,
                &message,
            ))
        }
        reply => reply,
    }
}

/// A step of the test: a hook's input and reply.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    hook: &'static str,
    input: Json,
    exit_code: u8,
    output: Json,
}

/// Runs both hooks over a store in memory.
fn test(context: &mut Context) -> Outcome {
    let store = store::temporary()?;
    let now = context.now();
    let agent = AgentCreateParams {
        agent_name: "tester".into(),
        purpose: Some("try the hooks".into()),
        metadata: Some(Json::parse(r#"{"task_id":"T001"}"#)?),
        ..AgentCreateParams::default()
    };
    let id = run_over(&store, now, &AGENT_CREATE, agent)?.id;
    let approval = AgentUpdateParams {
        id: id.as_str().into(),
        phase: Some(Phase::Approval),
        ..AgentUpdateParams::default()
    };
    run_over(&store, now, &AGENT_UPDATE, approval)?;

    let before = format!(r#"{{"agent_name":"tester","agent_id":"{id}","task_id":"T001"}}"#);
    let stopped =
        format!(r#"{{"task_info":{{"agent_id":"{id}"}},"workflow_metrics":{{"exit_code":0}}}}"#);
    let pre_delegate = || {
        Command::PreDelegate(PreDelegate {
            idle: None,
            max_errors: None,
        })
    };
    let subagent_stop =
        |finalize: Option<FinalizePolicy>| Command::SubagentStop(SubagentStop { finalize });
    let steps = [
        ("pre-delegate", pre_delegate(), &before),
        ("subagent-stop", subagent_stop(None), &stopped),
        (
            "subagent-stop --finalize always",
            subagent_stop(Some(FinalizePolicy::Always)),
            &stopped,
        ),
        ("pre-delegate", pre_delegate(), &before),
    ];
    let mut shown = Vec::new();
    let mut decided = Vec::new();
    for (name, command, input) in steps {
        let HookReply { exit_code, output } = command.run(input, now, &store)?;
        let properties = Object::parse(&output);
        let says = |name| properties.read(name).unwrap_or(false);
        decided.push((exit_code, says("should_resume"), says("finalized")));
        shown.push(Step {
            hook: name,
            input: Json::parse(input)?,
            exit_code,
            output,
        });
    }
    let expected = [
        (0, true, false),
        (0, false, false),
        (0, false, true),
        (0, false, false),
    ];
    if decided != expected {
        return Err(Error::internal(format!("the hooks replied {decided:?}")).into());
    }
    match context.json() {
        true => context.print_json(&shown)?,
        false => print(context, &shown)?,
    }
    Ok(Exit::DONE)
}

fn print(context: &mut Context, steps: &[Step]) -> Result<(), Failure> {
    let titles = [
        "An agent waits for approval. Its task resumes its session.",
        "The agent has stopped. Its session waits to be resumed.",
        "It has stopped for good. Its session is finalized.",
        "The same task arrives again. It starts a new session.",
    ];
    for (step, title) in steps.iter().zip(titles) {
        let out = &mut context.out;
        out.styled(Style::Bold, title)?;
        out.write("\n")?;
        out.styled(Style::Dim, &format!("$ tenure hook {}\n< ", step.hook))?;
        out.json(step.input.as_str())?;
        out.styled(Style::Dim, "> ")?;
        out.json(step.output.as_str())?;
        out.write("\n")?;
    }
    Ok(context.out.line("Both hooks replied as expected.")?)
}
