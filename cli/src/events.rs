//! `tenure events`: the history of a session, one line for each event.

use tenure_core::session::params::{EventsParams, OneOf};
use tenure_core::session::read::EVENTS;
use tenure_core::store::filter::Direction;
use tenure_core::{SessionEvent, Text};

use crate::choice;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut, width};
use crate::session_id::SessionIdArg;
use crate::time;

/// The items of one page.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where output is not a terminal, every event is a line of tab-separated fields:
sequence number, time, type, data. With --json one page is printed, with
nextAfter or nextBefore for the next one.

Examples:
  tenure events $id
  tenure events $id --after 120
  tenure events $id --type tool_call --reverse -n 20
  tenure events $id | cut -f3 | sort | uniq -c")]
pub(crate) struct Args {
    /// The session's id
    id: SessionIdArg,
    /// Only events of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    kinds: Vec<Text>,
    /// Newest first
    #[arg(long)]
    reverse: bool,
    /// Only events after this sequence number
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<u64>,
    /// Only events before this sequence number
    #[arg(long, value_name = "SEQUENCE")]
    before: Option<u64>,
    /// The most events to print
    #[arg(long, short = 'n', value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let mut params = EventsParams {
        id: context.session_id(args.id)?,
        r#type: (!args.kinds.is_empty()).then_some(OneOf(args.kinds)),
        order: args.reverse.then_some(Direction::Desc),
        after: args.after,
        before: args.before,
        limit: args.limit,
    };
    if context.json() {
        return context.run_and_print(&EVENTS, params, |_, _| Ok(Exit::DONE));
    }
    let mut found = false;
    let mut left = args.limit.unwrap_or(u32::MAX);
    while left > 0 {
        params.limit = Some(left.min(PAGE));
        let page = context.run(&EVENTS, params.clone())?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        found |= !page.items.is_empty();
        match context.out.width() {
            Some(width) => print(context, &page.items, width, "")?,
            None => print_lines(context, &page.items)?,
        }
        match (page.next_after, page.next_before) {
            (None, None) => break,
            (Some(after), _) => params.after = Some(after),
            (None, before) => params.before = before,
        }
    }
    let is_whole = args.after.is_none() && args.before.is_none() && args.limit != Some(0);
    if let (true, false, Some(OneOf(kinds))) = (is_whole, found, params.r#type) {
        let kinds: Vec<&str> = kinds.iter().map(Text::as_str).collect();
        context.note(&format!("no event of the type {}", kinds.join(", ")));
    }
    Ok(Exit::DONE)
}

fn print_lines(context: &mut Context, events: &[SessionEvent]) -> Result<(), Failure> {
    for event in events {
        let (kind, data) = (clean(&event.kind), clean(event.data.as_str()));
        let (sequence, timestamp) = (event.sequence, event.timestamp);
        context
            .out
            .line(&format!("{sequence}\t{timestamp}\t{kind}\t{data}"))?;
    }
    Ok(())
}

/// Prints events in lines of at most `max` columns, with a date line wherever the date changes.
pub(crate) fn print(
    context: &mut Context,
    events: &[SessionEvent],
    max: usize,
    indent: &str,
) -> Result<(), Failure> {
    const MAX_TYPE: usize = 16;
    let kinds: Vec<_> = events.iter().map(|event| clean(&event.kind)).collect();
    let widest = kinds.iter().map(|kind| width(kind)).max().unwrap_or(0);
    let column = widest.min(MAX_TYPE);
    let digits = events
        .iter()
        .map(|event| event.sequence.to_string().len())
        .max()
        .unwrap_or(1);
    let mut date = String::new();
    for (event, kind) in events.iter().zip(&kinds) {
        let moment = time::second(event.timestamp);
        let today = moment.split(' ').next().unwrap_or_default();
        let out = &mut context.out;
        if today != date {
            out.styled(Style::Dim, &format!("{indent}{today}\n"))?;
            date = today.to_owned();
        }
        let kind = cut(kind, column);
        let before = format!("{indent}{:>digits$}  ", event.sequence);
        let gap = " ".repeat(column - width(&kind) + 2);
        let data = event.data.as_str();
        let taken = width(&before) + 10 + column + 2;
        out.styled(Style::Dim, &before)?;
        out.write(&time::of_day(event.timestamp))?;
        out.write("  ")?;
        out.styled(style(&kind), &kind)?;
        if data != "{}" {
            out.write(&gap)?;
            out.write(&cut(&clean(data), max.saturating_sub(taken).max(10)))?;
        }
        out.write("\n")?;
    }
    Ok(())
}

fn style(kind: &str) -> Style {
    match kind {
        "start" | "resume" => Style::Green,
        "pause" => Style::Yellow,
        "error" | "agent_error" | "fail" => Style::Red,
        "complete" => Style::Blue,
        _ => Style::Bold,
    }
}
