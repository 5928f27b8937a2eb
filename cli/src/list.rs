//! `tenure list`: on a terminal a table of the newest sessions, otherwise one line for each session.

use tenure_core::session::params::ListParams;
use tenure_core::session::read::LIST;
use tenure_core::store::filter::{Direction, OrderBy};
use tenure_core::{SessionHead, Text};

use crate::choice::{self, choice};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::filter::FilterArgs;
use crate::output::{Style, clean, cut};
use crate::table::Table;
use crate::time::age;

/// The items of one page. Smaller pages would take longer, because each is a new query.
const PAGE: u32 = 1000;
/// The default limit on a terminal.
const ON_TERMINAL: u32 = 50;
/// The width from which the table has one more column.
const WIDE: usize = 100;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a terminal the newest 50 sessions are shown as a table. Otherwise every
session is a line of tab-separated fields: id, status, mode, iterations, time of
the last update, task. With --json one page is printed, with a cursor for the
next one.

Examples:
  tenure list
  tenure list --status active,paused --mode developer
  tenure list --text login --created-after 2026-01-01
  tenure list --status failed | wc -l
  tenure list --json --limit 1000 | jq -r '.items[].id'")]
pub(crate) struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// The most sessions to print
    #[arg(long, short = 'n', value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
    /// Print all sessions, on a terminal too
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Order by the time created (the default) or updated
    #[arg(long, value_name = "FIELD", value_parser = choice([("created", OrderBy::CreatedAt), ("updated", OrderBy::UpdatedAt)]), hide_possible_values = true)]
    by: Option<OrderBy>,
    /// List the oldest first
    #[arg(long, short)]
    reverse: bool,
    /// Continue after a page: its nextCursor
    #[arg(long)]
    cursor: Option<Text>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let one_page = "which prints one page, and a cursor for the next one";
    context.refuse_with_json("--all", args.all, one_page)?;
    let params = ListParams {
        order_by: args.by,
        direction: args.reverse.then_some(Direction::Asc),
        ..args.filter.list_params(context)?
    };
    if context.json() {
        let params = ListParams {
            limit: args.limit,
            cursor: args.cursor,
            ..params
        };
        return context.run_and_print(&LIST, params, |_, _| Ok(Exit::DONE));
    }
    let limit = match args.limit {
        None if context.out.is_terminal() && !args.all => Some(ON_TERMINAL),
        limit => limit,
    };
    let (mut left, mut cursor) = (limit.unwrap_or(u32::MAX), args.cursor);
    let mut first = true;
    while left > 0 {
        let params = ListParams {
            limit: Some(left.min(PAGE)),
            cursor,
            ..params.clone()
        };
        let page = context.run(&LIST, params)?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        match context.out.width() {
            Some(width) => print_table(context, &page.items, first, width)?,
            None => print_lines(context, &page.items)?,
        }
        for problem in &page.problems {
            context.note(&format!("{}: {}", problem.id, problem.problem));
        }
        first = false;
        cursor = page.next_cursor.map(Text::from);
        if cursor.is_none() {
            break;
        }
    }
    if cursor.is_some() && context.out.is_terminal() && args.limit.is_none() {
        let more = "More sessions exist: use --all or --limit N.\n";
        context.out.styled(Style::Dim, more)?;
    }
    Ok(Exit::DONE)
}

fn print_lines(context: &mut Context, items: &[SessionHead]) -> Result<(), Failure> {
    for item in items {
        let out = &mut context.out;
        for text in [item.id.as_str(), item.status.as_str(), &clean(&item.mode)] {
            out.write(text)?;
            out.write("\t")?;
        }
        let (used, allowed, updated) = (item.iterations, item.max_iterations, item.updated_at);
        out.print(format_args!("{used}/{allowed}\t{updated}\t"))?;
        out.line(&clean(&item.task))?;
    }
    Ok(())
}

fn print_table(
    context: &mut Context,
    items: &[SessionHead],
    titles: bool,
    width: usize,
) -> Result<(), Failure> {
    if items.is_empty() {
        if titles {
            context.out.styled(Style::Dim, "No sessions.\n")?;
        }
        return Ok(());
    }
    let now = context.now();
    let wide = width >= WIDE;
    let mut table = Table::new(match wide {
        true => &["ID", "STATUS", "ITER", "AGE", "MODE", "TASK"],
        false => &["ID", "STATUS", "ITER", "AGE", "TASK"],
    });
    for item in items {
        let mut cells = vec![
            (item.id.to_string(), Style::Bold),
            (item.status.to_string(), Style::of_status(item.status)),
            (
                format!("{}/{}", item.iterations, item.max_iterations),
                Style::Plain,
            ),
            (age(now, item.updated_at), Style::Plain),
        ];
        if wide {
            let mode = clean(&item.mode);
            cells.push((cut(&mode, 16).into_owned(), Style::Plain));
        }
        let task = clean(&item.task);
        cells.push(match item.model_missing.unwrap_or(false) {
            true => (format!("(model not found) {task}"), Style::Red),
            false => (task.into_owned(), Style::Plain),
        });
        table.row(cells);
    }
    table.print(&mut context.out, titles, width)?;
    Ok(())
}
