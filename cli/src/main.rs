//! The command `tenure`. This file says which commands there are; each group of them is a module
//! with its arguments and what is done with them. No rule about sessions stands here: a command
//! makes an operation's parameters of its arguments, has it performed, and prints what it answers.
//!
//! To add a group, write a module with a `Command` (or an `Args`) that derives clap's traits and a
//! function `run(command, &mut Context) -> Outcome`, and name both once in [`Command`] and once in
//! [`run`]. Each command gets examples in `after_help`. What it prints for people goes through
//! [`Context::out`]; with `--json` it prints the operation's result as it is.

mod agent;
mod answer;
mod check;
mod cleanup;
mod completions;
mod context;
mod copy;
mod events;
mod exit;
mod filter;
mod hook;
mod import;
mod input;
mod lease;
mod list;
mod output;
mod owner;
mod params;
mod progress;
#[cfg(unix)]
mod run;
mod session;
mod show;
mod stats;
mod stop;
mod store;
mod table;
mod time;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::context::{Context, Globals};
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
    Start(session::Start),
    List(list::Args),
    Show(show::Args),
    Events(events::Args),
    Pause(session::Pause),
    Resume(session::Resume),
    Complete(session::Complete),
    Fail(session::Fail),
    Fork(session::Fork),
    Export(session::Export),
    Import(import::Args),
    Rm(session::Rm),
    Restore(session::Restore),
    Cleanup(cleanup::Args),
    Stats(stats::Args),
    Copy(copy::Args),
    Check(check::Args),
    Agent(agent::Args),
    Hook(hook::Args),
    Lease(lease::Args),
    Vm(vm::Args),
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
        Command::Start(args) => session::start(args, context),
        Command::List(args) => list::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Events(args) => events::run(args, context),
        Command::Pause(args) => session::pause(args, context),
        Command::Resume(args) => session::resume(args, context),
        Command::Complete(args) => session::complete(args, context),
        Command::Fail(args) => session::fail(args, context),
        Command::Fork(args) => session::fork(args, context),
        Command::Export(args) => session::export(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Rm(args) => session::rm(args, context),
        Command::Restore(args) => session::restore(args, context),
        Command::Cleanup(args) => cleanup::run(args, context),
        Command::Stats(args) => stats::run(args, context),
        Command::Copy(args) => copy::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Agent(args) => agent::run(args, context),
        Command::Hook(args) => hook::run(args, context),
        Command::Lease(args) => lease::run(args, context),
        Command::Vm(args) => vm::run(args, context),
        #[cfg(unix)]
        Command::Run(args) => run::run(args, context),
        #[cfg(unix)]
        Command::RunChild(args) => Ok(run::become_command(args)),
        Command::Completions(args) => completions::run(args, context),
    }
}
