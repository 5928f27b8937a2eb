//! `tenure lease stats`: counts of leases, and what the owner has.

use serde::Serialize;
use tenure_apps::machines::model::VmMineParams;
use tenure_apps::machines::operations::VM_MINE;
use tenure_core::Text;
use tenure_core::lease::params::LeaseListParams;
use tenure_core::stored::lease::State;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean};
use crate::owner::OwnerArgs;

use super::view::{self, is_session, vm};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --json: sessions, vms, orphans, leases {held, stale, released}, own
{sessionId, pid, hostname, vmId}.

Examples:
  tenure lease stats
  tenure lease stats --json | jq .orphans")]
pub(crate) struct Args {
    #[command(flatten)]
    owner: OwnerArgs,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    sessions: u64,
    vms: u64,
    orphans: u64,
    leases: Leases,
    own: Own,
}

#[derive(Default, Serialize)]
struct Leases {
    held: u64,
    stale: u64,
    released: u64,
}

/// The owner and its machine.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    session_id: Option<String>,
    pid: Option<u32>,
    hostname: Option<String>,
    vm_id: Option<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let name = args.owner.act_as(context)?;
    let mut stats = Stats {
        own: own(name, context)?,
        ..Stats::default()
    };
    for lease in view::all(context, LeaseListParams::default())? {
        let held = lease.state == State::Held;
        stats.leases.held += u64::from(held);
        stats.leases.stale += u64::from(!held);
        stats.sessions += u64::from(held && is_session(&lease));
        stats.vms += u64::from(!is_session(&lease) && vm(&lease).is_some());
    }
    let released = LeaseListParams {
        state: Some(State::Released),
        ..LeaseListParams::default()
    };
    stats.leases.released = view::all(context, released)?.len() as u64;
    stats.orphans = super::sweep::orphans(context)?.len() as u64;
    if context.json() {
        context.print_json(&stats)?;
    } else {
        print(context, &stats)?;
    }
    Ok(Exit::DONE)
}

fn own(name: Option<Text>, context: &mut Context) -> Result<Own, Failure> {
    let params = VmMineParams {
        holder: name.clone(),
    };
    let vm = context.run(&VM_MINE, params)?;
    let process = context.process().filter(|_| name.is_none());
    let session = process.map(|process| process.session.clone());
    let hostname = process.and_then(|process| process.hostname.clone());
    Ok(Own {
        session_id: name.or(session).map(Text::into_string),
        pid: process.and_then(|process| process.pid),
        hostname: hostname.map(Text::into_string),
        vm_id: vm.map(|vm| vm.vm_id),
    })
}

fn print(context: &mut Context, stats: &Stats) -> Result<(), Failure> {
    let out = &mut context.out;
    let mut row = |name: &str, value: &str, style: Style| -> Result<(), Failure> {
        out.styled(Style::Dim, &format!("{name:<14}"))?;
        out.styled(style, &clean(value))?;
        Ok(out.write("\n")?)
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let orphans = match stats.orphans {
        0 => Style::Plain,
        _ => Style::Red,
    };
    row("Sessions", &stats.sessions.to_string(), Style::Bold)?;
    row("VMs", &stats.vms.to_string(), Style::Plain)?;
    row("Orphans", &stats.orphans.to_string(), orphans)?;
    let Leases {
        held,
        stale,
        released,
    } = stats.leases;
    let leases = format!("{held} held, {stale} stale, {released} released");
    row("Leases", &leases, Style::Plain)?;
    let own = &stats.own;
    let pid = own
        .pid
        .map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    row("Own session", &text(&own.session_id), Style::Plain)?;
    row("  process", &pid, Style::Plain)?;
    row("  host", &text(&own.hostname), Style::Plain)?;
    let vm = own.vm_id.as_deref().unwrap_or("no VM");
    row("  VM", vm, Style::Plain)
}
