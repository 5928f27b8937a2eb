//! `tenure lease stats`: counts of leases, and what the owner has.

use serde::Deserialize;
use serde::Serialize;
use std::borrow::Cow;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean};
use crate::owner::OwnerArgs;
use crate::params::Params;
use crate::vm::Vm;

use super::view::{self, Page};

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
    for page in view::pages(context, &Params::new())? {
        for lease in page.read::<Page<'_>>()?.items {
            let held = lease.state == "held";
            stats.leases.held += u64::from(held);
            stats.leases.stale += u64::from(!held);
            stats.sessions += u64::from(held && lease.is_session());
            stats.vms += u64::from(!lease.is_session() && lease.vm().is_some());
        }
    }
    let released = Params::new().set("state", "released");
    for page in view::pages(context, &released)? {
        stats.leases.released += page.read::<Page<'_>>()?.items.len() as u64;
    }
    stats.orphans = super::sweep::orphans(context)?.len() as u64;
    if context.json() {
        let json = serde_json::to_string(&stats)?;
        context.out.json(&json)?;
    } else {
        print(context, &stats)?;
    }
    Ok(Exit::DONE)
}

fn own(name: Option<String>, context: &mut Context) -> Result<Own, Failure> {
    #[derive(Deserialize)]
    struct Mine<'a>(#[serde(borrow)] Option<Vm<'a>>);

    let answer = context.perform("vmMine", &Params::new().maybe("holder", name.as_ref()))?;
    let Mine(vm) = answer.read()?;
    let vm_id = vm.map(|vm| vm.vm_id.into_owned());
    let process = context.process().filter(|_| name.is_none());
    let session = process.map(|process| process.session.as_str().to_owned());
    Ok(Own {
        session_id: name.or(session),
        pid: process.and_then(|process| process.pid),
        hostname: process
            .and_then(|process| process.hostname.as_ref())
            .map(|host| host.as_str().to_owned()),
        vm_id,
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
    let pid: Cow<'_, str> = own.pid.map_or("-".into(), |pid| pid.to_string().into());
    row("Own session", &text(&own.session_id), Style::Plain)?;
    row("  process", &pid, Style::Plain)?;
    row("  host", &text(&own.hostname), Style::Plain)?;
    let vm = own.vm_id.as_deref().unwrap_or("no VM");
    row("  VM", vm, Style::Plain)
}
