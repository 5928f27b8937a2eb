//! `tenure lease list`: on a terminal the sessions that run and what they own, then what else is
//! held; elsewhere a line for each lease. A star marks what is one's own.

use std::collections::HashMap;

use tenure_core::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut};
use crate::owner::OwnerArgs;
use crate::params::Params;
use crate::table::Table;
use crate::time::{age, length};

use super::view::{self, Lease, Page};

const NO_VM: &str = "no VM";
/// Columns that a key or a holder takes at most, so that the others have room.
const KEY: usize = 30;
const HOLDER: usize = 16;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is one's own has a star. Where no terminal reads it, every lease is a line
of fields with tabs between: key, state, session, process, VM or \"no VM\", end,
* or -. With --json one page is printed, with a cursor for the next.

Examples:
  tenure lease list
  tenure lease list --state stale
  tenure lease list --prefix vm: | cut -f1,2
  tenure lease list --json | jq -r '.items[].key'")]
pub(crate) struct Args {
    /// Only those whose keys begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only held, stale or released ones; by default the first two
    #[arg(long, value_parser = ["held", "stale", "released"], hide_possible_values = true)]
    state: Option<String>,
    /// With --json: how many at most
    #[arg(long, short = 'n', value_name = "N", requires = "json")]
    limit: Option<u32>,
    /// With --json: go on where a page ended: its nextCursor
    #[arg(long, requires = "json")]
    cursor: Option<String>,
    #[command(flatten)]
    owner: OwnerArgs,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let name = args.owner.act(context)?;
    let params = Params::new()
        .maybe("prefix", args.prefix)
        .maybe("state", args.state);
    if context.json() {
        let page = params
            .maybe("limit", args.limit)
            .maybe("cursor", args.cursor);
        return context.tell("leaseList", &page, |_, _| Ok(Exit::DONE));
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

/// The machine that each session owns, by the session.
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
            context.out.styled(Style::Dim, "Nothing is held.\n")?;
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

/// How long a lease is still held, if nobody renews it.
fn left(lease: &Lease<'_>, now: Timestamp) -> Result<String, Failure> {
    Ok(match lease.expires_at {
        _ if lease.state != "held" => "-".to_owned(),
        None => "for ever".to_owned(),
        Some(end) => match Timestamp::parse(end)?.since(now) {
            // It is past its time, and its owner runs.
            0 => "while it runs".to_owned(),
            left => length(left),
        },
    })
}
