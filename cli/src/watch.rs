//! `tenure watch`: the changes of the store as they happen, one line for each, until Ctrl-C.

use std::time::Duration;

use tenure_core::feed::operations::CHANGES_SINCE;
use tenure_core::feed::params::{Change, ChangesSinceParams};
use tenure_host::Place;

use crate::choice;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::filter::FilterArgs;
use crate::interrupt::Interrupt;
use crate::output::{Style, clean, cut, name_of, width};
use crate::store::CommandStore;

/// The time between two looks for changes.
const PAUSE: Duration = Duration::from_millis(50);
/// The items of one page.
const PAGE: u32 = 1000;
/// The width of the column of kinds.
const KIND: usize = 8;
const TRASH_HELP: &str = "Sessions in the trash: exclude, only or include (the default)";

#[derive(Debug, clap::Args)]
#[command(mut_arg("trash", |arg| arg.help(TRASH_HELP)))]
#[command(after_help = "\
Shows what changes from now on, through any process: sessions, leases and the
audit log; with a filter, the sessions that it selects, also those in the
trash unless --trash says otherwise. A store in memory is refused, as no other
process writes to it. Ctrl-C ends it.

Every line has the position of the change, what it did (created, updated,
trashed, restored, deleted, lease, audit), the id, the status of the session,
and the types of the events that it appended. They are separated by tabs where
output is not a terminal. With --json every line is a change as JSON.

Examples:
  tenure watch
  tenure watch --user ann --mode developer
  tenure watch --json | jq -c 'select(.kind == \"deleted\") | .id'
  tenure watch --json --from 1200")]
pub(crate) struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// Begin after this position, instead of with the next change
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// End after this many changes
    #[arg(long, short = 'n', value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let store = CommandStore::of(context.globals.store.as_deref())?;
    if Place::of(store.url())? == Some(Place::Memory) {
        let problem = "a store in memory has no other writers: name one that others write to";
        return Err(Failure::usage("--store", problem));
    }
    let interrupt = Interrupt::listen();
    let mut left = args.limit.unwrap_or(u32::MAX);
    let mut params = ChangesSinceParams {
        position: args.from,
        ..args.filter.changes_params(context)?
    };
    while left > 0 && !interrupt.is_requested() {
        params.limit = Some(left.min(PAGE));
        let page = context.run(&CHANGES_SINCE, params.clone())?;
        if args.limit.is_some() {
            left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        }
        for change in &page.items {
            match (context.json(), context.out.width()) {
                (true, _) => context.print_json(change)?,
                (false, Some(width)) => print(context, change, width)?,
                (false, None) => print_line(context, change)?,
            }
        }
        context.out.flush()?;
        params.position = Some(page.position);
        if !page.more && left > 0 {
            context.out.pause(PAUSE)?;
        }
    }
    Ok(interrupt.exit_or(Exit::DONE))
}

/// The status of the session or lease, and the types of the events or the kind of the entry.
fn described(change: &Change) -> (String, String) {
    let status = match (&change.session, &change.lease) {
        (Some(session), _) => session.status.to_string(),
        (None, Some(lease)) => name_of(lease.state),
        (None, None) => String::new(),
    };
    let events = change.events.iter().flatten();
    let mut kinds: Vec<String> = events
        .map(|event| clean(&event.kind).into_owned())
        .collect();
    kinds.extend(
        change
            .audit
            .iter()
            .map(|entry| clean(&entry.kind).into_owned()),
    );
    (status, kinds.join(", "))
}

fn print_line(context: &mut Context, change: &Change) -> Result<(), Failure> {
    let (status, what) = described(change);
    let (position, kind, id) = (change.position, change.kind.as_str(), clean(&change.id));
    let line = format!("{position}\t{kind}\t{id}\t{status}\t{what}");
    context.out.line(&line)?;
    Ok(())
}

/// Prints a change in a line of at most `max` columns.
fn print(context: &mut Context, change: &Change, max: usize) -> Result<(), Failure> {
    let (status, what) = described(change);
    let position = format!("{:>6}  ", change.position);
    let kind = format!("{:KIND$}  ", change.kind.as_str());
    let id = clean(&change.id);
    let out = &mut context.out;
    out.styled(Style::Dim, &position)?;
    out.write(&kind)?;
    let left = max.saturating_sub(width(&position) + width(&kind)).max(20);
    let id = cut(&id, left);
    out.styled(Style::Bold, &id)?;
    let left = left.saturating_sub(width(&id));
    let rest = match (status.is_empty(), what.is_empty()) {
        (true, _) => what,
        (false, true) => status,
        (false, false) => format!("{status}  {what}"),
    };
    if !rest.is_empty() && left > 10 {
        out.write("  ")?;
        out.write(&cut(&rest, left - 2))?;
    }
    out.write("\n")?;
    Ok(())
}
