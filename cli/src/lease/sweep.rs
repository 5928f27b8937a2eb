//! `tenure lease sweep`: cleans up orphaned virtual machines. Each is claimed, a command is run for it,
//! and it is removed from the registry if the command succeeds; otherwise it is an orphan again. The
//! claim belongs to this process, so a machine is an orphan again if this process is killed.

use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::{Style, clean};
use crate::params::Params;
use crate::table::Table;
use crate::time::age;
use crate::vm::Vm;

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
code is 1 while orphans remain. The output of the command goes to standard
error.

Examples:
  tenure lease sweep
  tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'
  */10 * * * * tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'")]
pub(crate) struct Args {
    /// The command that removes a machine; without it, orphans are only listed
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
}

/// The result of a sweep.
#[derive(Serialize)]
struct Swept<'a> {
    swept: Vec<String>,
    remaining: Vec<&'a RawValue>,
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
            if clean_up(context, &template, orphan.get())? {
                swept.push(read(orphan.get())?.vm_id.into_owned());
            }
            interrupt.check("interrupted; `tenure lease sweep` lists the remaining orphans")?;
        }
        context.perform("staleCleanup", &Params::new())?;
    }
    let remaining = orphans(context)?;
    let exit = match remaining.is_empty() {
        true => Exit::DONE,
        false => Exit::REFUSED,
    };
    if context.json() {
        let remaining = remaining.iter().map(|vm| &**vm).collect();
        let json = serde_json::to_string(&Swept { swept, remaining })?;
        context.out.json(&json)?;
    } else {
        print(context, &swept, &remaining)?;
    }
    Ok(exit)
}

/// All orphaned machines.
pub(super) fn orphans(context: &mut Context) -> Result<Vec<Box<RawValue>>, Failure> {
    let mut orphans: Vec<Box<RawValue>> = Vec::new();
    loop {
        let after = match orphans.last() {
            Some(last) => Some(read(last.get())?.vm_id.into_owned()),
            None => None,
        };
        let params = Params::new().set("limit", PAGE).maybe("after", after);
        let page: Vec<Box<RawValue>> = context.perform("orphans", &params)?.read()?;
        let more = page.len() == PAGE as usize;
        orphans.extend(page);
        if !more {
            return Ok(orphans);
        }
    }
}

fn read(vm: &str) -> Result<Vm<'_>, Failure> {
    Ok(serde_json::from_str(vm)?)
}

/// Cleans up one machine, unless another sweep has claimed it. Returns whether it was removed.
fn clean_up(context: &mut Context, template: &CommandTemplate, vm: &str) -> Result<bool, Failure> {
    #[derive(Deserialize)]
    struct Claim {
        token: Option<u64>,
    }
    let vm = read(vm)?;
    let name = clean(&vm.vm_id);
    let params = Params::new().set("vmId", &vm.vm_id);
    let Claim { token } = context.perform("orphanClaim", &params)?.read()?;
    let Some(token) = token else {
        context.note(&format!("{name} is claimed by another sweep"));
        return Ok(false);
    };
    let problem = execute(template, &vm);
    let params = params.set("token", token).set("success", problem.is_none());
    context.perform("orphanDone", &params)?;
    if let Some(problem) = &problem {
        context.note(&format!("{name} was not removed: {problem}"));
    }
    Ok(problem.is_none())
}

/// Runs the command for a machine, and returns what went wrong, if anything.
fn execute(template: &CommandTemplate, vm: &Vm<'_>) -> Option<String> {
    let values = [
        ("{vmId}", &*vm.vm_id),
        ("{zone}", &*vm.zone),
        ("{session}", &*vm.holder),
    ];
    let arguments = match template.fill(&values) {
        Ok(arguments) => arguments,
        Err(value) => return Some(format!("{value:?} would be parsed as an option")),
    };
    let (program, arguments) = arguments.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    // Standard output is for the result of the sweep.
    command.stdout(std::io::stderr());
    match command.status() {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("{program} ended with {status}")),
        Err(error) => Some(format!("{program} cannot be run: {error}")),
    }
}

fn print(
    context: &mut Context,
    swept: &[String],
    remaining: &[Box<RawValue>],
) -> Result<(), Failure> {
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
            let vm = read(vm.get())?;
            let (id, zone) = (clean(&vm.vm_id), clean(&vm.zone));
            let line = format!("{id}\t{}\t{zone}\t{}", vm.status, vm.registered_at);
            context.out.line(&line)?;
        }
        return Ok(());
    };
    let mut table = Table::new(&["ORPHAN", "STATUS", "SINCE", "ZONE"]);
    for vm in remaining {
        let vm = read(vm.get())?;
        let since = tenure_core::Timestamp::parse(vm.registered_at)?;
        table.row(vec![
            (clean(&vm.vm_id).into_owned(), Style::Bold),
            (vm.status.to_owned(), Style::Red),
            (age(now, since), Style::Plain),
            (clean(&vm.zone).into_owned(), Style::Plain),
        ]);
    }
    Ok(table.print(&mut context.out, true, width)?)
}
