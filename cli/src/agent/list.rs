//! `tenure agent list`: on a terminal a table of the newest agents, otherwise one line for each agent,
//! which starts with its id.

use tenure_core::agent::operations::AGENT_LIST;
use tenure_core::agent::params::AgentListParams;
use tenure_core::stored::approval::Approval;
use tenure_core::{Millis, Phase, SessionHead, Status, Text};

use crate::choice;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut};
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
    agent: Option<Text>,
    /// With --resumable: not agents idle for this long; 30m by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, requires = "resumable")]
    idle: Option<Millis>,
    /// With --resumable: not agents with this many errors; 3 by default
    #[arg(long, value_name = "N", requires = "resumable")]
    max_errors: Option<u32>,
    /// The most agents to print
    #[arg(long, short = 'n', value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
    /// Print all agents, on a terminal too
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Continue after a page: its nextCursor
    #[arg(long)]
    cursor: Option<Text>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let one_page = "which prints one page, and a cursor for the next one";
    context.refuse_with_json("--all", args.all, one_page)?;
    let mut params = AgentListParams {
        active_only: args.active_only.then_some(true),
        resumable: args.resumable.then_some(true),
        agent_name: args.agent,
        limit: args.limit,
        cursor: args.cursor,
        idle: args.idle,
        max_errors: args.max_errors,
    };
    if context.json() {
        return context.run_and_print(&AGENT_LIST, params, |_, _| Ok(Exit::DONE));
    }
    let limit = match args.limit {
        None if context.out.is_terminal() && !args.all => Some(ON_TERMINAL),
        limit => limit,
    };
    let mut left = limit.unwrap_or(u32::MAX);
    let mut first = true;
    while left > 0 {
        params.limit = Some(left.min(PAGE));
        let page = context.run(&AGENT_LIST, params.clone())?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        match context.out.width() {
            Some(width) => print_table(context, &page.items, first, width)?,
            None => print_lines(context, &page.items)?,
        }
        for problem in &page.problems {
            context.note(&format!("{}: {}", problem.id, problem.problem));
        }
        first &= page.items.is_empty();
        params.cursor = page.next_cursor.map(Text::from);
        if params.cursor.is_none() {
            break;
        }
    }
    if context.out.is_terminal() {
        if first {
            context.out.styled(Style::Dim, "No agents.\n")?;
        }
        if params.cursor.is_some() {
            let more = "More agents exist: use --all or --limit N.\n";
            context.out.styled(Style::Dim, more)?;
        }
    }
    Ok(Exit::DONE)
}

/// The properties of an agent that are printed.
struct Row<'a> {
    id: &'a str,
    phase: Option<Phase>,
    name: &'a str,
    purpose: &'a str,
    resume_ready: bool,
    errors: u32,
}

impl<'a> Row<'a> {
    fn of(head: &'a SessionHead) -> Self {
        let waits = head.approval.as_ref().is_some_and(Approval::is_pending);
        Self {
            id: head.id.as_str(),
            phase: head.phase,
            name: head.agent_name.as_deref().unwrap_or_default(),
            purpose: head.purpose.as_deref().unwrap_or_default(),
            resume_ready: head.resume_ready.unwrap_or(false) && !waits,
            errors: head.error_count.unwrap_or(0),
        }
    }

    fn phase(&self) -> &'static str {
        self.phase.map_or("-", Phase::as_str)
    }

    /// The style of the phase.
    fn style(&self) -> Style {
        match self.phase {
            Some(Phase::Completed) => Style::of_status(Status::Completed),
            Some(Phase::Failed) => Style::of_status(Status::Failed),
            Some(Phase::Abandoned) => Style::of_status(Status::Abandoned),
            _ if self.resume_ready => Style::Yellow,
            _ => Style::Green,
        }
    }
}

fn print_lines(context: &mut Context, items: &[SessionHead]) -> Result<(), Failure> {
    let out = &mut context.out;
    for item in items {
        let row = Row::of(item);
        let ready = if row.resume_ready { "ready" } else { "-" };
        let (errors, updated) = (row.errors.to_string(), item.updated_at.to_string());
        let name = clean(row.name);
        for text in [row.id, row.phase(), &name, ready, &errors, &updated] {
            out.write(text)?;
            out.write("\t")?;
        }
        out.line(&clean(row.purpose))?;
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
        return Ok(());
    }
    let now = context.now();
    let mut table = Table::new(&["ID", "PHASE", "AGE", "ERR", "AGENT", "PURPOSE"]);
    for item in items {
        let row = Row::of(item);
        let errors = match row.errors {
            0 => Style::Dim,
            _ => Style::Red,
        };
        let name = clean(row.name);
        table.row(vec![
            (row.id.to_owned(), Style::Bold),
            (row.phase().to_owned(), row.style()),
            (age(now, item.updated_at), Style::Plain),
            (row.errors.to_string(), errors),
            (cut(&name, NAME).into_owned(), Style::Plain),
            (clean(row.purpose).into_owned(), Style::Plain),
        ]);
    }
    table.print(&mut context.out, titles, width)?;
    Ok(())
}
