//! `tenure lease sweep`: cleans up orphaned virtual machines. Each is claimed, a command is run for it,
//! and it is removed from the registry if the command succeeds; otherwise it is an orphan again. The
//! claim belongs to this process, so a machine is an orphan again if this process is killed.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use tenure_apps::machines::model::{
    OrphanClaimParams, OrphanDoneParams, OrphansParams, StaleCleanupParams, VmView,
};
use tenure_apps::machines::operations::{ORPHAN_CLAIM, ORPHAN_DONE, ORPHANS, STALE_CLEANUP};
use tenure_core::Text;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::limited_command::{LimitedCommand, LimitedEnd};
use crate::output::{Style, clean, name_of};
use crate::table::Table;
use crate::time::{self, age};

use super::command_template::CommandTemplate;

/// The items of one page.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The command is run once for each machine, without a shell. It is split into
arguments at unquoted white space; then {vmId}, {zone} and {session} are
replaced within arguments, so a name is never executed. For pipes, run a shell
and pass arguments to it: --exec 'sh -c \"del \\\"$1\\\"\" sh {vmId}'

A machine is removed from the registry when its command exits with 0. The exit
code is 1 while orphans remain. A command that takes longer than --timeout is
ended, and its machine stays an orphan. The output of the command goes to
standard error.

Examples:
  tenure lease sweep
  tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'
  */10 * * * * tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'")]
pub(crate) struct Args {
    /// The command that removes a machine; without it, orphans are only listed
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// The time that the command has for one machine
    #[arg(long, value_name = "DURATION", value_parser = time::parse_timeout, default_value = "2m", requires = "exec")]
    timeout: Duration,
}

/// The result of a sweep.
#[derive(Serialize)]
struct Swept {
    swept: Vec<String>,
    remaining: Vec<VmView>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    // This process holds its claims while the commands run.
    context.act_as_self();
    let template = args
        .exec
        .as_deref()
        .map(CommandTemplate::parse)
        .transpose()?;
    if template
        .as_ref()
        .is_some_and(|template| !template.has("{vmId}"))
    {
        let problem = "expected {vmId} in the command, to name the machine";
        return Err(Failure::usage("--exec", problem));
    }
    let mut swept = Vec::new();
    if let Some(template) = template {
        let interrupt = Interrupt::listen();
        for orphan in orphans(context)? {
            if clean_up(context, &template, &orphan, args.timeout)? {
                swept.push(orphan.vm_id);
            }
            interrupt.check("interrupted; `tenure lease sweep` lists the remaining orphans")?;
        }
        context.run(&STALE_CLEANUP, StaleCleanupParams::default())?;
    }
    let remaining = orphans(context)?;
    let exit = match remaining.is_empty() {
        true => Exit::DONE,
        false => Exit::REFUSED,
    };
    match context.json() {
        true => context.print_json(&Swept { swept, remaining })?,
        false => print(context, &swept, &remaining)?,
    }
    Ok(exit)
}

/// All orphaned machines.
pub(super) fn orphans(context: &mut Context) -> Result<Vec<VmView>, Failure> {
    let mut orphans: Vec<VmView> = Vec::new();
    loop {
        let params = OrphansParams {
            limit: Some(PAGE),
            after: orphans.last().map(|last| last.vm_id.as_str().into()),
        };
        let page = context.run(&ORPHANS, params)?;
        let more = page.len() == PAGE as usize;
        orphans.extend(page);
        if !more {
            return Ok(orphans);
        }
    }
}

/// Cleans up one machine, unless another sweep has claimed it. Returns whether it was removed.
fn clean_up(
    context: &mut Context,
    template: &CommandTemplate,
    vm: &VmView,
    timeout: Duration,
) -> Result<bool, Failure> {
    let name = clean(&vm.vm_id);
    let vm_id = Text::from(vm.vm_id.as_str());
    let params = OrphanClaimParams {
        vm_id: vm_id.clone(),
        ..OrphanClaimParams::default()
    };
    let Some(token) = context.run(&ORPHAN_CLAIM, params)?.token else {
        context.note(&format!("{name} is claimed by another sweep"));
        return Ok(false);
    };
    let problem = execute(template, vm, timeout);
    let params = OrphanDoneParams {
        vm_id,
        token,
        success: problem.is_none(),
    };
    context.run(&ORPHAN_DONE, params)?;
    if let Some(problem) = &problem {
        context.note(&format!("{name} was not removed: {problem}"));
    }
    Ok(problem.is_none())
}

/// Runs the command for a machine, and returns what went wrong, if anything.
fn execute(template: &CommandTemplate, vm: &VmView, timeout: Duration) -> Option<String> {
    let values = [
        ("{vmId}", vm.vm_id.as_str()),
        ("{zone}", vm.zone.as_str()),
        ("{session}", vm.holder.as_str()),
    ];
    let arguments = match template.fill(&values) {
        Ok(arguments) => arguments,
        Err(error) => return Some(error.to_string()),
    };
    let (program, arguments) = arguments.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    // Standard output is for the result of the sweep.
    command.stdout(std::io::stderr());
    // It may ask at the terminal, and what ends this process group ends it, too.
    let end = LimitedCommand::start(&mut command, timeout, false);
    // A signal ends the sweep after this machine.
    match end.and_then(|command| command.wait(|| false)) {
        Ok(LimitedEnd::Exited(status)) if status.success() => None,
        Ok(LimitedEnd::Exited(status)) => Some(format!("{program} ended with {status}")),
        Ok(LimitedEnd::TimedOut | LimitedEnd::Stopped) => {
            let seconds = timeout.as_secs_f64();
            Some(format!("{program} was stopped after {seconds} s"))
        }
        Err(error) => Some(format!("{program} cannot be run: {error}")),
    }
}

fn print(context: &mut Context, swept: &[String], remaining: &[VmView]) -> Result<(), Failure> {
    for id in swept {
        context.out.line(&format!("{} is removed", clean(id)))?;
    }
    if remaining.is_empty() {
        if swept.is_empty() && context.out.is_terminal() {
            context.out.styled(Style::Dim, "No orphans.\n")?;
        }
        return Ok(());
    }
    let now = context.now();
    let Some(width) = context.out.width() else {
        for vm in remaining {
            let (id, zone, status) = (clean(&vm.vm_id), clean(&vm.zone), name_of(vm.status));
            let line = format!("{id}\t{status}\t{zone}\t{}", vm.registered_at);
            context.out.line(&line)?;
        }
        return Ok(());
    };
    let mut table = Table::new(&["ORPHAN", "STATUS", "SINCE", "ZONE"]);
    for vm in remaining {
        table.row(vec![
            (clean(&vm.vm_id).into_owned(), Style::Bold),
            (name_of(vm.status), Style::Red),
            (age(now, vm.registered_at), Style::Plain),
            (clean(&vm.zone).into_owned(), Style::Plain),
        ]);
    }
    Ok(table.print(&mut context.out, true, width)?)
}
