//! The commands `tenure vm`: which virtual machine the process that runs them owns. What is owned is
//! kept in the machine's registry, which all processes of a user share.

use std::borrow::Cow;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::input;
use crate::output::{Style, clean};
use crate::owner::OwnerArgs;
use crate::params::Params;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The owner is the process that runs the command: a shell, a script or an agent.
When it ends without `vm unregister`, the machine is an orphan, which `tenure
lease sweep` sees to. In a subshell, name the owner: --owner-pid $$

Examples:
  tenure vm register builder-7 --zone us-central1-a --component voice
  tenure vm show
  gcloud compute instances delete builder-7 --quiet && tenure vm unregister")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Register(Register),
    Show(Show),
    Unregister(Unregister),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    context.use_registry();
    match args.command {
        Command::Register(args) => register(args, context),
        Command::Show(args) => show(args, context),
        Command::Unregister(args) => unregister(args, context),
    }
}

/// Register a machine as the owner's, or say anew what is on it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An owner has one machine, and a machine one owner; otherwise the exit code is 1.

Examples:
  tenure vm register builder-7 --zone us-central1-a
  tenure vm register builder-7 --zone a --component voice --component vision
  tenure vm register builder-7 --zone a --metadata '{\"trigger\":\"HIGH_RAM\"}'
  tenure vm register builder-7 --zone a --owner-pid $(cat server.pid)")]
struct Register {
    /// The machine
    id: String,
    /// Where it runs
    #[arg(long)]
    zone: String,
    /// What runs on it; may be given many times
    #[arg(long = "component", value_name = "NAME")]
    components: Vec<String>,
    /// Anything else about it: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn register(args: Register, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("vmId", &args.id)
        .set("zone", args.zone)
        .set("components", args.components)
        .maybe_json("metadata", input::maybe_json("--metadata", args.metadata)?)
        .maybe("holder", args.owner.act(context)?);
    let id = clean(&args.id).into_owned();
    yes_or_no(
        context,
        "vmRegister",
        &params,
        &format!("{id} is registered"),
        &format!("{id} is not registered: its owner has another machine, or it has another owner"),
    )
}

/// Say that the owner's machine is gone
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure vm unregister
  tenure vm unregister builder-7")]
struct Unregister {
    /// The machine, to be sure that no other is meant
    id: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn unregister(args: Unregister, context: &mut Context) -> Outcome {
    let id = args.id.as_deref().map_or("the machine".into(), clean);
    let (done, refused) = (
        format!("{id} is unregistered"),
        format!("{id} is not registered to this owner"),
    );
    let params = Params::new()
        .maybe("vmId", args.id.as_ref())
        .maybe("holder", args.owner.act(context)?);
    yes_or_no(context, "vmUnregister", &params, &done, &refused)
}

/// Has something done that is either done or not.
fn yes_or_no(
    context: &mut Context,
    operation: &str,
    params: &Params,
    done: &str,
    refused: &str,
) -> Outcome {
    let answer = context.perform(operation, params)?;
    let is_done: bool = answer.read()?;
    if context.json() {
        context.out.json(answer.json())?;
    } else if is_done {
        context.out.line(done)?;
    } else {
        context.note(refused);
    }
    Ok(match is_done {
        true => Exit::DONE,
        false => Exit::REFUSED,
    })
}

/// Show the owner's machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure vm show
  tenure vm show --owner-pid $(cat server.pid)
  tenure vm show --json | jq -r .vmId")]
struct Show {
    #[command(flatten)]
    owner: OwnerArgs,
}

/// A virtual machine, as far as it is printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Vm<'a> {
    #[serde(borrow)]
    pub(crate) vm_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) zone: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) components: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) metadata: &'a RawValue,
    pub(crate) registered_at: &'a str,
    pub(crate) status: &'a str,
    #[serde(borrow)]
    pub(crate) holder: Cow<'a, str>,
}

fn show(args: Show, context: &mut Context) -> Outcome {
    let params = Params::new().maybe("holder", args.owner.act(context)?);
    context.tell("vmMine", &params, |context, answer| {
        let Some(vm) = answer.read::<Option<Vm<'_>>>()? else {
            context.note("no VM: this owner has none");
            return Ok(Exit::REFUSED);
        };
        let out = &mut context.out;
        out.styled(Style::Bold, &clean(&vm.vm_id))?;
        out.line(&format!("  {}\n", vm.status))?;
        let components = vm.components.join(", ");
        let fields = [
            ("Zone", &*vm.zone),
            ("Components", &components),
            ("Metadata", vm.metadata.get()),
            ("Registered", vm.registered_at),
            ("Session", &vm.holder),
        ];
        for (name, value) in fields {
            if !matches!(value, "" | "{}") {
                out.styled(Style::Dim, &format!("  {name:<14}"))?;
                out.line(&clean(value))?;
            }
        }
        Ok(Exit::DONE)
    })
}
