//! The commands `tenure vm`: register virtual machines with the processes that own them. Registrations
//! are in this machine's registry, which all processes of a user share.

use clap::Subcommand;
use tenure_apps::machines::model::{VmMineParams, VmRegisterParams, VmUnregisterParams};
use tenure_apps::machines::operations::{VM_MINE, VM_REGISTER, VM_UNREGISTER};
use tenure_core::Text;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::input;
use crate::output::{Style, clean, name_of};
use crate::owner::OwnerArgs;

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
    id: Text,
    /// The machine's zone
    #[arg(long)]
    zone: Text,
    /// A component that runs on the machine; repeatable
    #[arg(long = "component", value_name = "NAME")]
    components: Vec<Text>,
    /// The metadata: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn register(args: Register, context: &mut Context) -> Outcome {
    let id = clean(args.id.as_str()).into_owned();
    let params = VmRegisterParams {
        vm_id: args.id,
        zone: args.zone,
        components: args.components,
        metadata: input::maybe_json("--metadata", args.metadata)?,
        holder: args.owner.act_as(context)?,
    };
    let done = context.run(&VM_REGISTER, params)?;
    print_done(
        context,
        done,
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
    id: Option<Text>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn unregister(args: Unregister, context: &mut Context) -> Outcome {
    let id = args.id.as_ref().map(|id| clean(id.as_str()).into_owned());
    let id = id.unwrap_or_else(|| "the machine".to_owned());
    let params = VmUnregisterParams {
        vm_id: args.id,
        holder: args.owner.act_as(context)?,
    };
    let done = context.run(&VM_UNREGISTER, params)?;
    print_done(
        context,
        done,
        &format!("{id} is unregistered"),
        &format!("{id} is not registered to this owner"),
    )
}

/// Prints the reply of an operation that was done or refused.
fn print_done(context: &mut Context, is_done: bool, done: &str, refused: &str) -> Outcome {
    if context.json() {
        context.print_json(&is_done)?;
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

fn show(args: Show, context: &mut Context) -> Outcome {
    let params = VmMineParams {
        holder: args.owner.act_as(context)?,
    };
    context.run_and_print(&VM_MINE, params, |context, vm| {
        let Some(vm) = vm else {
            context.note("this owner has no VM");
            return Ok(Exit::REFUSED);
        };
        let out = &mut context.out;
        out.styled(Style::Bold, &clean(&vm.vm_id))?;
        out.line(&format!("  {}\n", name_of(vm.status)))?;
        let components: Vec<&str> = vm.components.iter().map(Text::as_str).collect();
        let fields = [
            ("Zone", &*vm.zone),
            ("Components", &components.join(", ")),
            ("Metadata", vm.metadata.as_str()),
            ("Registered", &vm.registered_at.to_string()),
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
