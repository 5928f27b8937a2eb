//! The command `tenure`. This file says which commands there are; each group of them is a module
//! with its arguments and what is done with them. No rule about sessions stands here: a command
//! makes an operation's parameters of its arguments, has it performed, and prints what it answers.
//!
//! To add a group, write a module with an `Args` that derives clap's traits and a function
//! `run(args, &mut Context) -> Outcome`, and name both once in [`Command`], with the purpose, and once
//! in [`run`]. Each command gets examples in `after_help`. What it prints for people goes through
//! [`Context::out`]; with `--json` it prints the operation's result as it is.

mod agent;
mod answer;
mod audit;
mod check;
mod cleanup;
mod completions;
mod context;
mod copy;
mod dedup;
mod deferred;
mod events;
mod exit;
mod filter;
mod hook;
mod import;
mod input;
mod lease;
mod list;
mod many;
mod output;
mod owner;
mod params;
mod progress;
mod purge;
mod removed;
#[cfg(unix)]
mod run;
mod session;
mod show;
mod slot;
mod stats;
mod stop;
mod store;
mod table;
mod time;
mod vm;
mod whole;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::context::{Context, Globals};
use crate::deferred::Deferred;
use crate::exit::Outcome;

/// The sessions of AI agents: start them, follow them, pause and resume them, clean up.
#[derive(Parser)]
#[command(
    name = "tenure",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = "\
Sessions are kept at --store, or else at $TENURE_STORE, or else in the nearest
.tenure folder upward, which is made beside the nearest .git when it is needed.

Exit codes: 0 done, 1 unknown or refused, 2 wrong usage, 3 the store failed.

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
    Start(Deferred<session::Start>),
    /// List sessions, newest first
    List(Deferred<list::Args>),
    /// Show a session and the last that happened in it
    Show(Deferred<show::Args>),
    /// Print the history of a session
    Events(Deferred<events::Args>),
    /// Pause a session, to be resumed later
    Pause(Deferred<session::Pause>),
    /// Resume a session, or take up an active one whose runner is gone
    Resume(Deferred<session::Resume>),
    /// End a session with a result
    Complete(Deferred<session::Complete>),
    /// End a session with an error
    Fail(Deferred<session::Fail>),
    /// Start a new session with another's past and print its id
    Fork(Deferred<session::Fork>),
    /// Print a session with its whole history as one JSON text
    Export(Deferred<session::Export>),
    /// Import sessions that were exported, and folders of other programs
    Import(Deferred<import::Args>),
    /// Put sessions into the trash
    Trash(Deferred<many::Trash>),
    /// Take sessions out of the trash
    Restore(Deferred<many::Restore>),
    /// Put sessions into the trash, or remove them for good
    Rm(Deferred<many::Rm>),
    /// Remove for good what is in the trash, and archive it first
    Purge(Deferred<purge::Args>),
    /// Put old sessions into the trash, or empty the trash
    Cleanup(Deferred<cleanup::Args>),
    /// Count sessions, and what they have used
    Stats(Deferred<stats::Args>),
    /// Copy all sessions of one store into another
    Copy(Deferred<copy::Args>),
    /// Read everything in a store and report what cannot be read
    Check(Deferred<check::Args>),
    /// Follow agents through their phases, and ask whether to resume them
    Agent(Deferred<agent::Args>),
    /// Answer the hooks of an agent's host: JSON in, JSON out
    Hook(Deferred<hook::Args>),
    /// Keep one session for each phase of the work on a task
    Slot(Deferred<slot::Args>),
    /// Hold something, so that nobody else does the same work
    Lease(Deferred<lease::Args>),
    /// Keep runs of a workflow from being repeated
    Dedup(Deferred<dedup::Args>),
    /// Read what was decided and cleaned up, and when
    Audit(Deferred<audit::Args>),
    /// Own a virtual machine, so that it is not forgotten when its owner ends
    Vm(Deferred<vm::Args>),
    #[cfg(unix)]
    Run(run::Args),
    /// What `run` starts, to become the command.
    #[cfg(unix)]
    #[command(hide = true)]
    RunChild(run::RunChild),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut context = Context::new(cli.globals);
    let outcome = run(cli.command, &mut context);
    context.finish(outcome)
}

fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Start(Deferred(args)) => session::start(args, context),
        Command::List(Deferred(args)) => list::run(args, context),
        Command::Show(Deferred(args)) => show::run(args, context),
        Command::Events(Deferred(args)) => events::run(args, context),
        Command::Pause(Deferred(args)) => session::pause(args, context),
        Command::Resume(Deferred(args)) => session::resume(args, context),
        Command::Complete(Deferred(args)) => session::complete(args, context),
        Command::Fail(Deferred(args)) => session::fail(args, context),
        Command::Fork(Deferred(args)) => session::fork(args, context),
        Command::Export(Deferred(args)) => session::export(args, context),
        Command::Import(Deferred(args)) => import::run(args, context),
        Command::Trash(Deferred(args)) => many::trash(args, context),
        Command::Restore(Deferred(args)) => many::restore(args, context),
        Command::Rm(Deferred(args)) => many::rm(args, context),
        Command::Purge(Deferred(args)) => purge::run(args, context),
        Command::Cleanup(Deferred(args)) => cleanup::run(args, context),
        Command::Stats(Deferred(args)) => stats::run(args, context),
        Command::Copy(Deferred(args)) => copy::run(args, context),
        Command::Check(Deferred(args)) => check::run(args, context),
        Command::Agent(Deferred(args)) => agent::run(args, context),
        Command::Hook(Deferred(args)) => hook::run(args, context),
        Command::Slot(Deferred(args)) => slot::run(args, context),
        Command::Lease(Deferred(args)) => lease::run(args, context),
        Command::Dedup(Deferred(args)) => dedup::run(args, context),
        Command::Audit(Deferred(args)) => audit::run(args, context),
        Command::Vm(Deferred(args)) => vm::run(args, context),
        #[cfg(unix)]
        Command::Run(args) => run::run(args, context),
        #[cfg(unix)]
        Command::RunChild(args) => Ok(run::become_command(args)),
        Command::Completions(args) => completions::run(args, context),
    }
}
