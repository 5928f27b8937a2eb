//! The command `tenure`. This file lists the commands. Each group of commands is a module with its
//! arguments and its functions. This crate holds no rule about sessions: a command turns its arguments
//! into the parameters of an operation, runs the operation, and prints the reply.
//!
//! To add a group, write a module with an `Args` that derives clap's traits and a function
//! `run(args, &mut Context) -> Outcome`. Name both in [`Command`], with a summary, and in [`run`]. Each
//! command has examples in `after_help`. Output for people goes through [`Context::out`]; with `--json`
//! a command prints the operation's reply as JSON.

mod agent;
mod alert;
mod archive;
mod arguments;
mod atomic_file;
mod audit;
mod backup;
mod bulk;
mod check;
mod choice;
mod cleanup;
mod command_line;
mod complete;
mod completions;
mod context;
mod copy;
mod dedup;
mod distribution;
mod event;
mod events;
mod exit;
mod export;
mod filter;
mod hook;
mod idempotency;
mod import;
mod input;
mod interrupt;
mod iterate;
mod job;
mod jobs;
mod lazy_args;
mod lease;
mod limited_command;
mod list;
mod metrics;
mod output;
mod owner;
mod process_tree;
mod progress;
mod project;
mod purge;
mod removal;
mod rotate_key;
#[cfg(unix)]
mod run;
mod session;
mod session_context;
mod session_id;
mod show;
mod slot;
mod slot_text;
mod stats;
mod store;
mod table;
mod time;
mod token;
mod tool;
mod ui;
mod usage;
mod vm;
mod watch;
mod webhooks;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::context::{Context, Globals};
use crate::exit::Outcome;
use crate::lazy_args::LazyArgs;

/// Sessions of AI agents: start, track, pause, resume and clean them up.
#[derive(Parser)]
#[command(
    name = "tenure",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = "\
Sessions are stored at --store, or at $TENURE_STORE, or in the nearest .tenure
folder from this folder up to the root of its repository, which all worktrees
share. The first command that stores something creates it at that root.

The id of an existing session may be shortened to its first 6 characters or
more, if no other session has them: a generated id begins with its time, so it
takes 17 or more. It is then looked for in the list of all sessions.

Exit codes: 0 success, 1 not found or refused, 2 wrong usage, 3 store failure.

Examples:
  id=$(tenure start \"Fix the login page\" --mode developer)
  tenure list --status active
  tenure show $id
  tenure complete $id \"Fixed in commit 3f2a\""
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a session and print its id
    Start(LazyArgs<session::Start>),
    /// List sessions, newest first
    List(LazyArgs<list::Args>),
    /// Show a session and its last events
    Show(LazyArgs<show::Args>),
    /// Print the events of a session
    Events(LazyArgs<events::Args>),
    /// Pause a session
    Pause(LazyArgs<session::Pause>),
    /// Resume a paused session, or recover an orphaned one
    Resume(LazyArgs<session::Resume>),
    /// Complete a session with a result
    Complete(LazyArgs<session::Complete>),
    /// Fail a session with an error
    Fail(LazyArgs<session::Fail>),
    /// Abandon a session that nobody works on any longer
    Abandon(LazyArgs<session::Abandon>),
    /// Count an iteration of a session
    Iterate(LazyArgs<iterate::Args>),
    /// Record a tool call of a session
    Tool(LazyArgs<tool::Args>),
    /// Add tokens and cost to the usage of a session
    Usage(LazyArgs<usage::Args>),
    /// Record events in the history of a session
    Event(LazyArgs<event::Args>),
    /// Read and change the context of a session
    Context(LazyArgs<session_context::Args>),
    /// Fork a session: start a new one with its history and print its id
    Fork(LazyArgs<session::Fork>),
    /// Print a session with its complete history as JSON
    Export(LazyArgs<export::Args>),
    /// Import exported sessions, and folders of other programs
    Import(LazyArgs<import::Args>),
    /// Move sessions to the trash
    Trash(LazyArgs<bulk::Trash>),
    /// Restore sessions from the trash
    Restore(LazyArgs<bulk::Restore>),
    /// Move sessions to the trash, or remove them permanently
    Rm(LazyArgs<bulk::Rm>),
    /// Permanently remove sessions from the trash, with an optional archive
    Purge(LazyArgs<purge::Args>),
    /// List, read, restore and verify archived sessions
    Archive(LazyArgs<archive::Args>),
    /// Move old sessions to the trash, or empty the trash
    Cleanup(LazyArgs<cleanup::Args>),
    /// Clean up at a schedule, and list what has failed
    Jobs(LazyArgs<jobs::Args>),
    /// Count sessions and their usage
    Stats(LazyArgs<stats::Args>),
    /// Print the metrics of a store as text for Prometheus
    Metrics(LazyArgs<metrics::Args>),
    /// Show changes of sessions, leases and the audit log as they happen
    Watch(LazyArgs<watch::Args>),
    /// Serve the web UI of a store, and the store itself to clients over HTTP
    Ui(LazyArgs<ui::Args>),
    /// Copy all sessions of one store into another
    Copy(LazyArgs<copy::Args>),
    /// Make a verified copy of a store that others are using
    Backup(LazyArgs<backup::Args>),
    /// Read everything in a store and report unreadable sessions
    Check(LazyArgs<check::Args>),
    /// Encrypt everything in a store with the current key
    RotateKey(LazyArgs<rotate_key::Args>),
    /// Track agents through their phases, and decide whether to resume them
    Agent(LazyArgs<agent::Args>),
    /// Answer the hooks of an agent's host: JSON in, JSON out
    Hook(LazyArgs<hook::Args>),
    /// Keep one session for each task and phase
    Slot(LazyArgs<slot::Args>),
    /// Acquire leases, so that two processes never do the same work
    Lease(LazyArgs<lease::Args>),
    /// Prevent duplicate runs of a workflow
    Dedup(LazyArgs<dedup::Args>),
    /// Read the audit log of decisions and cleanups
    Audit(LazyArgs<audit::Args>),
    /// Register virtual machines, so that orphaned ones are found
    Vm(LazyArgs<vm::Args>),
    /// Post changes of sessions to other servers, until they arrive
    Webhooks(LazyArgs<webhooks::Args>),
    #[cfg(unix)]
    Run(run::Args),
    /// The intermediate process of `run`, which becomes the command.
    #[cfg(unix)]
    #[command(hide = true)]
    RunChild(run::RunChild),
    Completions(completions::Args),
    /// The ids with which a command line can go on.
    #[command(name = "__complete", hide = true)]
    CompleteIds(complete::Args),
}

fn main() -> ExitCode {
    let cli = Cli::try_parse()
        .unwrap_or_else(|error| arguments::explained(error, &Cli::command()).exit());
    let mut context = Context::new(cli.globals, Cli::command);
    let outcome = run(cli.command, &mut context);
    context.finish(outcome)
}

fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Start(LazyArgs(args)) => session::start(args, context),
        Command::List(LazyArgs(args)) => list::run(args, context),
        Command::Show(LazyArgs(args)) => show::run(args, context),
        Command::Events(LazyArgs(args)) => events::run(args, context),
        Command::Pause(LazyArgs(args)) => session::pause(args, context),
        Command::Resume(LazyArgs(args)) => session::resume(args, context),
        Command::Complete(LazyArgs(args)) => session::complete(args, context),
        Command::Fail(LazyArgs(args)) => session::fail(args, context),
        Command::Abandon(LazyArgs(args)) => session::abandon(args, context),
        Command::Iterate(LazyArgs(args)) => iterate::run(args, context),
        Command::Tool(LazyArgs(args)) => tool::run(args, context),
        Command::Usage(LazyArgs(args)) => usage::run(args, context),
        Command::Event(LazyArgs(args)) => event::run(args, context),
        Command::Context(LazyArgs(args)) => session_context::run(args, context),
        Command::Fork(LazyArgs(args)) => session::fork(args, context),
        Command::Export(LazyArgs(args)) => export::run(args, context),
        Command::Import(LazyArgs(args)) => import::run(args, context),
        Command::Trash(LazyArgs(args)) => bulk::trash(args, context),
        Command::Restore(LazyArgs(args)) => bulk::restore(args, context),
        Command::Rm(LazyArgs(args)) => bulk::rm(args, context),
        Command::Purge(LazyArgs(args)) => purge::run(args, context),
        Command::Archive(LazyArgs(args)) => archive::run(args, context),
        Command::Cleanup(LazyArgs(args)) => cleanup::run(args, context),
        Command::Jobs(LazyArgs(args)) => jobs::run(args, context),
        Command::Stats(LazyArgs(args)) => stats::run(args, context),
        Command::Metrics(LazyArgs(args)) => metrics::run(&args, context),
        Command::Watch(LazyArgs(args)) => watch::run(args, context),
        Command::Ui(LazyArgs(args)) => ui::run(&args, context),
        Command::Copy(LazyArgs(args)) => copy::run(args, context),
        Command::Backup(LazyArgs(args)) => backup::run(args, context),
        Command::Check(LazyArgs(args)) => check::run(args, context),
        Command::RotateKey(LazyArgs(args)) => rotate_key::run(&args, context),
        Command::Agent(LazyArgs(args)) => agent::run(args, context),
        Command::Hook(LazyArgs(args)) => hook::run(args, context),
        Command::Slot(LazyArgs(args)) => slot::run(args, context),
        Command::Lease(LazyArgs(args)) => lease::run(args, context),
        Command::Dedup(LazyArgs(args)) => dedup::run(args, context),
        Command::Audit(LazyArgs(args)) => audit::run(args, context),
        Command::Vm(LazyArgs(args)) => vm::run(args, context),
        Command::Webhooks(LazyArgs(args)) => webhooks::run(args, context),
        #[cfg(unix)]
        Command::Run(args) => run::run(args, context),
        #[cfg(unix)]
        Command::RunChild(args) => Ok(run::become_command(args)),
        Command::Completions(args) => completions::run(args, &Cli::command(), context),
        Command::CompleteIds(args) => complete::run(&args, Cli::command(), context),
    }
}
