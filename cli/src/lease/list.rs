//! `tenure lease list`: on a terminal a table of running sessions with their machines, and a table of
//! the other leases; otherwise one line for each lease. A star marks the owner's leases.

use std::collections::HashMap;

use tenure_core::lease::operations::LEASE_LIST;
use tenure_core::lease::params::{LeaseListParams, LeaseView};
use tenure_core::stored::lease::State;
use tenure_core::{Text, Timestamp};

use crate::choice::{self, choice};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut, name_of};
use crate::owner::OwnerArgs;
use crate::table::Table;
use crate::time::{age, duration};

use super::view::{self, is_session, pid, short_holder, vm};

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
    prefix: Option<Text>,
    /// Only held, stale or released leases; held and stale ones by default
    #[arg(long, value_parser = choice([("held", State::Held), ("stale", State::Stale), ("released", State::Released)]), hide_possible_values = true)]
    state: Option<State>,
    /// With --json: the most leases to print
    #[arg(long, short = 'n', value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
    /// With --json: continue after a page: its nextCursor
    #[arg(long)]
    cursor: Option<Text>,
    #[command(flatten)]
    owner: OwnerArgs,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    context.require_json("--limit", args.limit.is_some())?;
    context.require_json("--cursor", args.cursor.is_some())?;
    let name = args.owner.act_as(context)?;
    let no_star = "which names the holder of each lease";
    context.refuse_with_json("--holder", name.is_some(), no_star)?;
    let params = LeaseListParams {
        prefix: args.prefix,
        state: args.state,
        limit: args.limit,
        cursor: args.cursor,
    };
    if context.json() {
        return context.run_and_print(&LEASE_LIST, params, |_, _| Ok(Exit::DONE));
    }
    let leases = view::all(context, params)?;
    let is_own = |lease: &LeaseView| {
        let named = name.as_ref().map(Text::as_str) == Some(&lease.holder);
        lease.mine || named && lease.process.is_none() && lease.state == State::Held
    };
    match context.out.width() {
        Some(width) => print_tables(context, &leases, is_own, width)?,
        None => print_lines(context, &leases, is_own)?,
    }
    Ok(Exit::DONE)
}

/// The machine of each session that owns one.
fn machines(leases: &[LeaseView]) -> HashMap<&str, String> {
    leases
        .iter()
        .filter(|lease| lease.state == State::Held)
        .filter_map(|lease| Some((lease.holder.as_str(), vm(lease)?)))
        .collect()
}

fn print_lines(
    context: &mut Context,
    leases: &[LeaseView],
    is_own: impl Fn(&LeaseView) -> bool,
) -> Result<(), Failure> {
    let machines = machines(leases);
    let out = &mut context.out;
    for lease in leases {
        let own = vm(lease);
        let machine = own.as_ref().or_else(|| machines.get(lease.holder.as_str()));
        let end = lease.expires_at.map(|end| end.to_string());
        let fields = [
            &*clean(&lease.key),
            &name_of(lease.state),
            &short_holder(lease),
            &pid(lease),
            machine.map_or(NO_VM, String::as_str),
            end.as_deref().unwrap_or("-"),
        ];
        for field in fields {
            out.write(field)?;
            out.write("\t")?;
        }
        out.line(if is_own(lease) { "*" } else { "-" })?;
    }
    Ok(())
}

fn print_tables(
    context: &mut Context,
    leases: &[LeaseView],
    is_own: impl Fn(&LeaseView) -> bool,
    width: usize,
) -> Result<(), Failure> {
    let now = context.now();
    let star = |lease: &LeaseView| match is_own(lease) {
        true => ("*".to_owned(), Style::Green),
        false => (" ".to_owned(), Style::Plain),
    };
    let state = |lease: &LeaseView| {
        let style = match lease.state {
            State::Held => Style::Green,
            State::Stale => Style::Red,
            State::Released => Style::Dim,
        };
        (name_of(lease.state), style)
    };
    let sessions = leases.iter().filter(|lease| is_session(lease));
    let mut table = Table::new(&[" ", "SESSION", "PID", "STATE", "SINCE", "VM"]);
    let mut any = false;
    for lease in sessions {
        any = true;
        let since = age(now, lease.acquired_at);
        let vm = match vm(lease) {
            Some(vm) => (vm, Style::Bold),
            None => (NO_VM.to_owned(), Style::Dim),
        };
        table.row(vec![
            star(lease),
            (short_holder(lease).into_owned(), Style::Bold),
            (pid(lease), Style::Plain),
            state(lease),
            (since, Style::Plain),
            vm,
        ]);
    }
    if any {
        table.print(&mut context.out, true, width)?;
    }
    let mut table = Table::new(&[" ", "LEASE", "STATE", "HOLDER", "PID", "TOKEN", "LEFT"]);
    let mut others = leases.iter().filter(|lease| !is_session(lease)).peekable();
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
        let holder = short_holder(lease);
        table.row(vec![
            star(lease),
            (cut(&key, KEY).into_owned(), Style::Bold),
            state(lease),
            (cut(&holder, HOLDER).into_owned(), Style::Plain),
            (pid(lease), Style::Plain),
            (lease.token.to_string(), Style::Plain),
            (left(lease, now), Style::Dim),
        ]);
    }
    table.print(&mut context.out, true, width)?;
    Ok(())
}

/// The time until a lease expires.
fn left(lease: &LeaseView, now: Timestamp) -> String {
    match lease.expires_at {
        _ if lease.state != State::Held => "-".to_owned(),
        None => "no expiry".to_owned(),
        Some(end) => match end.since(now) {
            // The time has passed, but the lease is held as long as its process runs.
            0 => "while it runs".to_owned(),
            left => duration(left),
        },
    }
}
