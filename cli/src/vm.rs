//! The commands `tenure vm`: register virtual machines with the processes that own them. Registrations
//! are in this machine's registry, which all processes of a user share.

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
When it ends without `vm unregister`, its machine is an orphan, which `tenure
lease sweep` cleans up. In a subshell, name the owner: --owner-pid $$

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

/// Register a machine to the owner, or update its registration
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An owner has at most one machine, and a machine at most one owner; a conflict
ends with exit code 1.

Examples:
  tenure vm register builder-7 --zone us-central1-a
  tenure vm register builder-7 --zone a --component voice --component vision
  tenure vm register builder-7 --zone a --metadata '{\"trigger\":\"HIGH_RAM\"}'
  tenure vm register builder-7 --zone a --owner-pid $(cat server.pid)")]
struct Register {
    /// The machine's id
    id: String,
    /// The machine's zone
    #[arg(long)]
    zone: String,
    /// A component that runs on the machine; repeatable
    #[arg(long = "component", value_name = "NAME")]
    components: Vec<String>,
    /// The metadata: a JSON object, @FILE, or - for standard input
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
        .maybe("holder", args.owner.act_as(context)?);
    let id = clean(&args.id).into_owned();
    yes_or_no(
        context,
        "vmRegister",
        &params,
        &format!("{id} is registered"),
        &format!("{id} is not registered: its owner has another machine, or it has another owner"),
    )
}

/// Unregister the owner's machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure vm unregister
  tenure vm unregister builder-7")]
struct Unregister {
    /// The machine's id; a different machine is not unregistered
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
        .maybe("holder", args.owner.act_as(context)?);
    yes_or_no(context, "vmUnregister", &params, &done, &refused)
}

/// Runs an operation whose reply is `true` or `false`.
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

/// The properties of a virtual machine that are printed.
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
    let params = Params::new().maybe("holder", args.owner.act_as(context)?);
    context.perform_and_print("vmMine", &params, |context, answer| {
        let Some(vm) = answer.read::<Option<Vm<'_>>>()? else {
            context.note("this owner has no VM");
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
