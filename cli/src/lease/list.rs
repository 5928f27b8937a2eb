//! `tenure lease list`: on a terminal a table of running sessions with their machines, and a table of
//! the other leases; otherwise one line for each lease. A star marks the owner's leases.

use std::collections::HashMap;

use tenure_core::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut};
use crate::owner::OwnerArgs;
use crate::params::Params;
use crate::table::Table;
use crate::time::{age, duration};

use super::view::{self, Lease, Page};

const NO_VM: &str = "no VM";
/// The most columns of a key and of a holder.
const KEY: usize = 30;
const HOLDER: usize = 16;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A star marks the owner's leases. Where output is not a terminal, every lease is
a line of tab-separated fields: key, state, holder, PID, VM or \"no VM\", time of
expiry, * or -. With --json one page is printed, with a cursor for the next one.

Examples:
  tenure lease list
  tenure lease list --state stale
  tenure lease list --prefix vm: | cut -f1,2
  tenure lease list --json | jq -r '.items[].key'")]
pub(crate) struct Args {
    /// Only keys with this prefix
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Only held, stale or released leases; held and stale ones by default
    #[arg(long, value_parser = ["held", "stale", "released"], hide_possible_values = true)]
    state: Option<String>,
    /// With --json: the most leases to print
    #[arg(long, short = 'n', value_name = "N", requires = "json")]
    limit: Option<u32>,
    /// With --json: continue after a page: its nextCursor
    #[arg(long, requires = "json")]
    cursor: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let name = args.owner.act_as(context)?;
    let params = Params::new()
        .maybe("prefix", args.prefix)
        .maybe("state", args.state);
    if context.json() {
        let page = params
            .maybe("limit", args.limit)
            .maybe("cursor", args.cursor);
        return context.perform_and_print("leaseList", &page, |_, _| Ok(Exit::DONE));
    }
    let pages = view::pages(context, &params)?;
    let mut leases = Vec::new();
    for page in &pages {
        leases.extend(page.read::<Page<'_>>()?.items);
    }
    let is_mine = |lease: &Lease<'_>| {
        let named = name.as_deref() == Some(&*lease.holder);
        lease.mine || named && lease.process.is_none() && lease.state == "held"
    };
    match context.out.width() {
        Some(width) => print_tables(context, &leases, is_mine, width)?,
        None => print_lines(context, &leases, is_mine)?,
    }
    Ok(Exit::DONE)
}

/// The machine of each session that owns one.
fn machines(leases: &[Lease<'_>]) -> HashMap<String, String> {
    leases
        .iter()
        .filter(|lease| lease.state == "held")
        .filter_map(|lease| Some((lease.holder.clone().into_owned(), lease.vm()?)))
        .collect()
}

fn print_lines(
    context: &mut Context,
    leases: &[Lease<'_>],
    is_mine: impl Fn(&Lease<'_>) -> bool,
) -> Result<(), Failure> {
    let machines = machines(leases);
    let out = &mut context.out;
    for lease in leases {
        let own = lease.vm();
        let vm = own.as_ref().or_else(|| machines.get(&*lease.holder));
        let (key, pid) = (clean(&lease.key), lease.pid());
        let fields = [
            &*key,
            lease.state,
            &lease.short_holder(),
            &pid,
            vm.map_or(NO_VM, String::as_str),
            lease.expires_at.unwrap_or("-"),
        ];
        for field in fields {
            out.write(field)?;
            out.write("\t")?;
        }
        out.line(if is_mine(lease) { "*" } else { "-" })?;
    }
    Ok(())
}

fn print_tables(
    context: &mut Context,
    leases: &[Lease<'_>],
    is_mine: impl Fn(&Lease<'_>) -> bool,
    width: usize,
) -> Result<(), Failure> {
    let now = context.now();
    let star = |lease: &Lease<'_>| match is_mine(lease) {
        true => ("*".to_owned(), Style::Green),
        false => (" ".to_owned(), Style::Plain),
    };
    let state = |lease: &Lease<'_>| match lease.state {
        "held" => Style::Green,
        "stale" => Style::Red,
        _ => Style::Dim,
    };
    let sessions = leases.iter().filter(|lease| lease.is_session());
    let mut table = Table::new(&[" ", "SESSION", "PID", "STATE", "SINCE", "VM"]);
    let mut any = false;
    for lease in sessions {
        any = true;
        let since = age(now, Timestamp::parse(lease.acquired_at)?);
        let vm = match lease.vm() {
            Some(vm) => (vm, Style::Bold),
            None => (NO_VM.to_owned(), Style::Dim),
        };
        table.row(vec![
            star(lease),
            (lease.short_holder().into_owned(), Style::Bold),
            (lease.pid(), Style::Plain),
            (lease.state.to_owned(), state(lease)),
            (since, Style::Plain),
            vm,
        ]);
    }
    if any {
        table.print(&mut context.out, true, width)?;
    }
    let mut table = Table::new(&[" ", "LEASE", "STATE", "HOLDER", "PID", "TOKEN", "LEFT"]);
    let mut others = leases.iter().filter(|lease| !lease.is_session()).peekable();
    if others.peek().is_none() {
        if !any {
            context.out.styled(Style::Dim, "No leases.\n")?;
        }
        return Ok(());
    }
    if any {
        context.out.write("\n")?;
    }
    for lease in others {
        let key = clean(&lease.key);
        let holder = lease.short_holder();
        table.row(vec![
            star(lease),
            (cut(&key, KEY).into_owned(), Style::Bold),
            (lease.state.to_owned(), state(lease)),
            (cut(&holder, HOLDER).into_owned(), Style::Plain),
            (lease.pid(), Style::Plain),
            (lease.token.to_string(), Style::Plain),
            (left(lease, now)?, Style::Dim),
        ]);
    }
    table.print(&mut context.out, true, width)?;
    Ok(())
}

/// The time until a lease expires.
fn left(lease: &Lease<'_>, now: Timestamp) -> Result<String, Failure> {
    Ok(match lease.expires_at {
        _ if lease.state != "held" => "-".to_owned(),
        None => "no expiry".to_owned(),
        Some(end) => match Timestamp::parse(end)?.since(now) {
            // The time has passed, but the lease is held as long as its process runs.
            0 => "while it runs".to_owned(),
            left => duration(left),
        },
    })
}
