//! The commands `tenure lease`: acquire, renew, release and list leases. Leases are in this machine's
//! registry, which all processes of a user share, unless `--store` is given. The lease of a session is in
//! the store of the session.

mod command_template;
mod list;
mod stats;
mod sweep;
mod view;

use clap::Subcommand;
use tenure_core::lease::administration::LEASE_CLEAR;
use tenure_core::lease::decision;
use tenure_core::lease::operations::{LEASE_ACQUIRE, LEASE_RELEASE, LEASE_RENEW};
use tenure_core::lease::params::{
    LeaseAcquireParams, LeaseClearParams, LeaseOutcome, LeaseReleaseParams, LeaseRenewParams,
};
use tenure_core::stored::lease::SESSION_PREFIX;
use tenure_core::work::operation::Operation;
use tenure_core::{Millis, Text};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::lazy_args::LazyArgs;
use crate::output::{clean, count};
use crate::owner::OwnerArgs;
use crate::{input, time};

use view::owner;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Leases are in the registry of this machine, which all stores share, unless
--store is given. The lease session:ID holds a session, and is in its store.

The owner is the process that runs the command: a shell, a script or an agent.
Its leases are held as long as it runs, and are free when it has ended. In a
subshell, name the owner: --owner-pid $$, or export TENURE_OWNER_PID=$$. The
leases of an owner on another machine, and of --holder NAME, expire.

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
    /// Acquire or renew a lease, and print its token
    Acquire(LazyArgs<Acquire>),
    /// Renew a lease
    Renew(LazyArgs<Renew>),
    /// Release a lease
    Release(LazyArgs<Release>),
    /// List leases and running sessions
    List(LazyArgs<list::Args>),
    /// Count leases, and show the owner's
    Stats(LazyArgs<stats::Args>),
    /// Clean up orphaned virtual machines
    Sweep(LazyArgs<sweep::Args>),
    /// Take leases from their holders
    Clear(LazyArgs<Clear>),
}

impl Command {
    /// Whether it is about the lease that a runner of a session has. That is in the session's store.
    fn is_about_session(&self) -> bool {
        let key = match self {
            Self::Acquire(LazyArgs(args)) => &args.key,
            Self::Renew(LazyArgs(args)) => &args.key,
            Self::Release(LazyArgs(args)) => &args.key,
            _ => return false,
        };
        key.as_str().starts_with(SESSION_PREFIX)
    }
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if !args.command.is_about_session() {
        context.use_registry();
    }
    match args.command {
        Command::Acquire(LazyArgs(args)) => acquire(args, context),
        Command::Renew(LazyArgs(args)) => renew(args, context),
        Command::Release(LazyArgs(args)) => release(args, context),
        Command::List(LazyArgs(args)) => list::run(args, context),
        Command::Stats(LazyArgs(args)) => stats::run(args, context),
        Command::Sweep(LazyArgs(args)) => sweep::run(args, context),
        Command::Clear(LazyArgs(args)) => clear(args, context),
    }
}

/// Runs an operation on a lease, prints the outcome, and derives the exit code from it.
fn request<P>(
    context: &mut Context,
    operation: &'static Operation<P, LeaseOutcome>,
    params: P,
    print: impl FnOnce(&mut Context, &LeaseOutcome) -> Result<(), Failure>,
) -> Outcome
where
    P: Send + Sync + 'static,
{
    use decision::Outcome::{
        Acquired, Held, Lost, NotHeld, NotOwner, Released, Renewed, Transferred,
    };
    let reply = context.run(operation, params)?;
    match context.json() {
        true => context.print_json(&reply)?,
        false => print(context, &reply)?,
    }
    Ok(match reply.outcome {
        Acquired | Renewed | Released | NotHeld => Exit::DONE,
        Held | Lost | NotOwner | Transferred => Exit::REFUSED,
    })
}

/// Prints the token of an acquired or renewed lease, for scripts, or else the holder.
fn print_token(key: &Text, context: &mut Context, reply: &LeaseOutcome) -> Result<(), Failure> {
    use decision::Outcome::{Acquired, Held, Renewed};
    let key = clean(key.as_str());
    match (reply.outcome, &reply.lease) {
        (Acquired | Renewed, Some(lease)) => context.out.line(&lease.token.to_string())?,
        (Held, Some(lease)) => {
            let end = match lease.expires_at {
                Some(end) if lease.process.is_none() => format!(", until {end}"),
                _ => String::new(),
            };
            context.note(&format!("{key} is held by {}{end}", owner(lease)));
        }
        _ => context.note(&format!("{key} is no longer held with this token")),
    }
    Ok(())
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 when another owner holds the lease. The token grows with each
owner. A protected resource can refuse a token smaller than one it has seen.

Examples:
  tenure lease acquire deploy || echo \"another deployment is running\"
  tenure lease acquire deploy --for 10m --data '{\"commit\":\"3f2a\"}'
  tenure lease acquire nightly --holder ci-1234 --for 2h
  tenure lease acquire deploy --owner-pid $$")]
struct Acquire {
    /// The key of the lease: any text, or session:ID to hold a session
    key: Text,
    /// The lease duration, unless the owner is a process here: 30s by default
    #[arg(long = "for", value_name = "DURATION", value_parser = time::parse_duration)]
    duration: Option<Millis>,
    /// Data of the lease: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn acquire(args: Acquire, context: &mut Context) -> Outcome {
    let key = args.key.clone();
    let params = LeaseAcquireParams {
        key: args.key,
        lease_duration_ms: args.duration.map(|Millis(millis)| millis),
        data: input::maybe_json("--data", args.data)?,
        holder: args.owner.act_as(context)?,
        ..LeaseAcquireParams::default()
    };
    request(context, &LEASE_ACQUIRE, params, |context, reply| {
        print_token(&key, context, reply)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 when the lease is lost, or has another token.

Examples:
  tenure lease renew deploy --token $token
  tenure lease renew deploy --token $token --for 10m --data '{\"step\":3}'")]
struct Renew {
    /// The key of the lease
    key: Text,
    /// The token of the lease
    #[arg(long, value_name = "N")]
    token: u64,
    /// The lease duration from now; unchanged by default
    #[arg(long = "for", value_name = "DURATION", value_parser = time::parse_duration)]
    duration: Option<Millis>,
    /// New data of the lease: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn renew(args: Renew, context: &mut Context) -> Outcome {
    let key = args.key.clone();
    let params = LeaseRenewParams {
        key: args.key,
        token: args.token,
        lease_duration_ms: args.duration.map(|Millis(millis)| millis),
        data: input::maybe_json("--data", args.data)?,
        holder: args.owner.act_as(context)?,
    };
    request(context, &LEASE_RENEW, params, |context, reply| {
        print_token(&key, context, reply)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 when another owner holds the lease. Releasing a lease that is
not held succeeds.

Examples:
  tenure lease release deploy --token $token
  trap 'tenure lease release deploy --owner-pid $$' EXIT")]
struct Release {
    /// The key of the lease
    key: Text,
    /// The token of the lease; any token by default
    #[arg(long, value_name = "N")]
    token: Option<u64>,
    #[command(flatten)]
    owner: OwnerArgs,
}

fn release(args: Release, context: &mut Context) -> Outcome {
    use decision::Outcome::{NotHeld, Released};
    let key = clean(args.key.as_str()).into_owned();
    let params = LeaseReleaseParams {
        key: args.key,
        token: args.token,
        holder: args.owner.act_as(context)?,
    };
    request(context, &LEASE_RELEASE, params, |context, reply| {
        match (reply.outcome, &reply.lease) {
            (Released, _) => context.out.line(&format!("{key} is released"))?,
            (NotHeld, _) => context.note(&format!("{key} was not held")),
            (_, Some(lease)) => {
                let (owner, token) = (owner(lease), lease.token);
                context.note(&format!("{key} is held by {owner} with the token {token}"));
            }
            _ => context.note(&format!("{key} is held by another owner")),
        }
        Ok(())
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Holders are not notified. Tokens keep growing, so a protected resource can
refuse the tokens of the previous holders.

Examples:
  tenure lease list
  tenure lease clear --prefix ci: --force
  tenure lease clear --force")]
struct Clear {
    /// Only keys with this prefix; all keys by default
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<Text>,
    /// Confirm that leases of running owners are taken, too
    #[arg(long)]
    force: bool,
}

fn clear(args: Clear, context: &mut Context) -> Outcome {
    if !args.force {
        let problem = "required, because it takes leases of running owners, too";
        return Err(Failure::usage("--force", problem));
    }
    let params = LeaseClearParams {
        prefix: args.prefix,
    };
    context.run_and_print(&LEASE_CLEAR, params, |context, cleared| {
        let leases = count(cleared.released, "lease");
        context.out.line(&format!("{leases} cleared"))?;
        Ok(Exit::DONE)
    })
}
