//! The commands `tenure lease`: who holds what on this machine. Leases are kept in the machine's
//! registry, which all processes of a user share, unless a store is named.

mod list;
mod stats;
mod sweep;
mod view;
mod words;

use clap::Subcommand;
use serde::Deserialize;
use tenure_core::Millis;

use crate::answer::Answer;
use crate::context::Context;
use crate::deferred::Deferred;
use crate::exit::{Exit, Failure, Outcome};
use crate::input;
use crate::output::clean;
use crate::owner::OwnerArgs;
use crate::params::Params;
use crate::time;

use view::Lease;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The owner is the process that runs the command: a shell, a script or an agent.
It holds for as long as it runs, and what it held is free when it has ended. In
a subshell, name the owner: --owner-pid $$, or export TENURE_OWNER_PID=$$. An
owner on another machine, or --holder NAME, holds until the time runs out.

Examples:
  token=$(tenure lease acquire deploy --for 10m) || exit
  tenure lease renew deploy --token $token
  tenure lease release deploy --token $token
  tenure lease list
  tenure lease sweep --exec 'gcloud compute instances delete {vmId} --quiet'")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hold something, or hold it longer, and print the lease's token
    Acquire(Deferred<Acquire>),
    /// Hold something longer
    Renew(Deferred<Renew>),
    /// Give back what is held
    Release(Deferred<Release>),
    /// List who holds what, and which sessions run
    List(Deferred<list::Args>),
    /// Count what is held, and show what one owns oneself
    Stats(Deferred<stats::Args>),
    /// See to virtual machines whose owners have ended
    Sweep(Deferred<sweep::Args>),
    /// Take leases from whoever holds them
    Clear(Deferred<Clear>),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    context.use_registry();
    match args.command {
        Command::Acquire(Deferred(args)) => acquire(args, context),
        Command::Renew(Deferred(args)) => renew(args, context),
        Command::Release(Deferred(args)) => release(args, context),
        Command::List(Deferred(args)) => list::run(args, context),
        Command::Stats(Deferred(args)) => stats::run(args, context),
        Command::Sweep(Deferred(args)) => sweep::run(args, context),
        Command::Clear(Deferred(args)) => clear(args, context),
    }
}

/// What came of a request.
#[derive(Deserialize)]
struct Came<'a> {
    outcome: &'a str,
    #[serde(borrow)]
    lease: Option<Lease<'a>>,
}

/// Asks for something, prints what came of it, and says in the exit code whether it was had.
fn ask(
    context: &mut Context,
    operation: &str,
    params: &Params,
    say: impl FnOnce(&mut Context, &Came<'_>) -> Result<(), Failure>,
) -> Outcome {
    let answer: Answer = context.perform(operation, params)?;
    let came: Came<'_> = answer.read()?;
    match context.json() {
        true => context.out.json(answer.json())?,
        false => say(context, &came)?,
    }
    Ok(match came.outcome {
        "acquired" | "renewed" | "released" | "not_held" => Exit::DONE,
        _ => Exit::REFUSED,
    })
}

/// Prints the token of a lease that was had, for scripts to keep, or else who has it.
fn print_token(key: &str, context: &mut Context, came: &Came<'_>) -> Result<(), Failure> {
    let key = clean(key);
    match (came.outcome, &came.lease) {
        ("acquired" | "renewed", Some(lease)) => context.out.line(&lease.token.to_string())?,
        ("held", Some(lease)) => {
            let end = match lease.expires_at {
                Some(end) if lease.process.is_none() => format!(", until {end}"),
                _ => String::new(),
            };
            context.note(&format!("{key} is held by {}{end}", lease.owner()));
        }
        _ => context.note(&format!("{key} is no longer held under this token")),
    }
    Ok(())
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 if somebody else has it. The token grows with each owner:
whatever is guarded can refuse one that is smaller than one it has seen.

Examples:
  tenure lease acquire deploy || echo \"somebody else deploys\"
  tenure lease acquire deploy --for 10m --data '{\"commit\":\"3f2a\"}'
  tenure lease acquire nightly --holder ci-1234 --for 2h
  tenure lease acquire deploy --owner-pid $$")]
struct Acquire {
    /// What to hold: any text
    key: String,
    /// For how long, where the owner cannot be seen to run: 30s by default
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse_length)]
    length: Option<Millis>,
    /// What to say about it: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn acquire(args: Acquire, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("key", &args.key)
        .maybe("leaseDurationMs", args.length)
        .maybe_json("data", input::maybe_json("--data", args.data)?)
        .maybe("holder", args.owner.act(context)?);
    ask(context, "leaseAcquire", &params, |context, came| {
        print_token(&args.key, context, came)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 if it is held no longer, or under another token.

Examples:
  tenure lease renew deploy --token $token
  tenure lease renew deploy --token $token --for 10m --data '{\"step\":3}'")]
struct Renew {
    /// What is held
    key: String,
    /// The token that came with the lease
    #[arg(long, value_name = "N")]
    token: u64,
    /// For how long from now; as long as before by default
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse_length)]
    length: Option<Millis>,
    /// What to say about it now: a JSON object, @FILE, or -
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn renew(args: Renew, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("key", &args.key)
        .set("token", args.token)
        .maybe("leaseDurationMs", args.length)
        .maybe_json("data", input::maybe_json("--data", args.data)?)
        .maybe("holder", args.owner.act(context)?);
    ask(context, "leaseRenew", &params, |context, came| {
        print_token(&args.key, context, came)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 if somebody else holds it. If nobody does, all is well.

Examples:
  tenure lease release deploy --token $token
  trap 'tenure lease release deploy --owner-pid $$' EXIT")]
struct Release {
    /// What is held
    key: String,
    /// The token that came with the lease; whichever it is by default
    #[arg(long, value_name = "N")]
    token: Option<u64>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn release(args: Release, context: &mut Context) -> Outcome {
    let params = Params::new()
        .set("key", &args.key)
        .maybe("token", args.token)
        .maybe("holder", args.owner.act(context)?);
    ask(context, "leaseRelease", &params, |context, came| {
        let key = clean(&args.key);
        match (came.outcome, &came.lease) {
            ("released", _) => context.out.line(&format!("{key} is released"))?,
            ("not_held", _) => context.note(&format!("nobody held {key}")),
            (_, Some(lease)) => {
                let (owner, token) = (lease.owner(), lease.token);
                context.note(&format!("{key} is held by {owner} under the token {token}"));
            }
            _ => context.note(&format!("{key} is held by somebody else")),
        }
        Ok(())
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Owners that still run are not told. Tokens go on growing, so what they still
write under theirs can be refused.

Examples:
  tenure lease list
  tenure lease clear --prefix ci: --force
  tenure lease clear --force")]
struct Clear {
    /// Only those whose keys begin so; by default all
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Really do so
    #[arg(long)]
    force: bool,
}

fn clear(args: Clear, context: &mut Context) -> Outcome {
    if !args.force {
        let problem = "expected, as leases are taken from owners that still run, too";
        return Err(Failure::usage("--force", problem));
    }
    let params = Params::new().maybe("prefix", args.prefix);
    context.tell("leaseClear", &params, |context, answer| {
        #[derive(Deserialize)]
        struct Cleared {
            released: u64,
        }
        let Cleared { released } = answer.read()?;
        let leases = if released == 1 { "lease" } else { "leases" };
        context.out.line(&format!("{released} {leases} taken"))?;
        Ok(Exit::DONE)
    })
}
