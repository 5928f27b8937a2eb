//! `tenure agent list`: on a terminal a table of the newest agents, otherwise one line for each agent,
//! which starts with its id.

use std::borrow::Cow;

use serde::Deserialize;
use tenure_core::{Millis, Timestamp};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::list::Problem;
use crate::output::{Style, clean, cut};
use crate::params::Params;
use crate::table::Table;
use crate::time::{self, age};

/// The items of one page.
const PAGE: u32 = 1000;
/// The default limit on a terminal.
const ON_TERMINAL: u32 = 50;
/// The most columns of an agent's name.
const NAME: usize = 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a terminal the newest 50 agents are shown as a table. Otherwise every agent
is a line of tab-separated fields: id, phase, name, ready or -, errors, time of
the last update, purpose. With --json one page is printed, with a cursor for the
next one.

Examples:
  tenure agent list --active-only
  tenure agent list --active-only | wc -l
  tenure agent list --agent deployer | grep -c agent-
  tenure agent list --resumable --idle 2h | cut -f1")]
pub(crate) struct Args {
    /// Only agents that are not finalized
    #[arg(long)]
    active_only: bool,
    /// Only agents that should-resume would resume
    #[arg(long)]
    resumable: bool,
    /// Only agents with this name
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// With --resumable: not agents idle for this long; 30m by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, requires = "resumable")]
    idle: Option<Millis>,
    /// With --resumable: not agents with this many errors; 3 by default
    #[arg(long, value_name = "N", requires = "resumable")]
    max_errors: Option<u32>,
    /// The most agents to print
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
    /// Print all agents, on a terminal too
    #[arg(long, conflicts_with_all = ["limit", "json"])]
    all: bool,
    /// Continue after a page: its nextCursor
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
    #[serde(rename = "nextCursor", borrow)]
    next_cursor: Option<&'a str>,
    #[serde(borrow)]
    problems: Vec<Problem<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    id: &'a str,
    phase: &'a str,
    #[serde(borrow)]
    agent_name: Cow<'a, str>,
    #[serde(borrow)]
    purpose: Cow<'a, str>,
    resume_ready: bool,
    error_count: u64,
    updated_at: &'a str,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let params = Params::new()
        .flag("activeOnly", args.active_only)
        .flag("resumable", args.resumable)
        .maybe("agentName", args.agent)
        .maybe("idle", args.idle)
        .maybe("maxErrors", args.max_errors);
    if context.json() {
        let page = params
            .maybe("limit", args.limit)
            .maybe("cursor", args.cursor);
        return context.perform_and_print("agentList", &page, |_, _| Ok(Exit::DONE));
    }
    let limit = match args.limit {
        None if context.out.is_terminal() && !args.all => Some(ON_TERMINAL),
        limit => limit,
    };
    let (mut left, mut cursor) = (limit.unwrap_or(u32::MAX), args.cursor);
    let (mut first, mut problems) = (true, 0);
    while left > 0 {
        let page = params
            .clone()
            .set("limit", left.min(PAGE))
            .maybe("cursor", cursor.as_ref());
        let answer = context.perform("agentList", &page)?;
        let page: Page<'_> = answer.read()?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        match context.out.width() {
            Some(width) => print_table(context, &page.items, first, width)?,
            None => print_lines(context, &page.items)?,
        }
        for problem in &page.problems {
            problems += 1;
            context.note(&format!("{}: {}", problem.id, problem.problem));
        }
        first &= page.items.is_empty();
        cursor = page.next_cursor.map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if context.out.is_terminal() {
        if first {
            context.out.styled(Style::Dim, "No agents.\n")?;
        }
        if cursor.is_some() {
            let more = "More agents exist: use --all or --limit N.\n";
            context.out.styled(Style::Dim, more)?;
        }
    }
    Ok(if problems > 0 {
        Exit::STORE
    } else {
        Exit::DONE
    })
}

fn print_lines(context: &mut Context, items: &[Item<'_>]) -> Result<(), Failure> {
    let out = &mut context.out;
    for item in items {
        let ready = if item.resume_ready { "ready" } else { "-" };
        let errors = item.error_count.to_string();
        let name = clean(&item.agent_name);
        for text in [item.id, item.phase, &name, ready, &errors, item.updated_at] {
            out.write(text)?;
            out.write("\t")?;
        }
        out.line(&clean(&item.purpose))?;
    }
    Ok(())
}

fn print_table(
    context: &mut Context,
    items: &[Item<'_>],
    titles: bool,
    width: usize,
) -> Result<(), Failure> {
    if items.is_empty() {
        return Ok(());
    }
    let now = context.now();
    let mut table = Table::new(&["ID", "PHASE", "AGE", "ERR", "AGENT", "PURPOSE"]);
    for item in items {
        let updated = Timestamp::parse(item.updated_at)?;
        let errors = match item.error_count {
            0 => Style::Dim,
            _ => Style::Red,
        };
        let name = clean(&item.agent_name);
        table.row(vec![
            (item.id.to_owned(), Style::Bold),
            (item.phase.to_owned(), style(item)),
            (age(now, updated), Style::Plain),
            (item.error_count.to_string(), errors),
            (cut(&name, NAME).into_owned(), Style::Plain),
            (clean(&item.purpose).into_owned(), Style::Plain),
        ]);
    }
    table.print(&mut context.out, titles, width)?;
    Ok(())
}

fn style(item: &Item<'_>) -> Style {
    match item.phase {
        "completed" | "failed" | "abandoned" => Style::of_status(item.phase),
        _ if item.resume_ready => Style::Yellow,
        _ => Style::Green,
    }
}
