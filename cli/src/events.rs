//! `tenure events`: the history of a session, one line for each event.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tenure_core::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut, width};
use crate::params::Params;
use crate::time;

/// The items of one page.
const PAGE: u64 = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where output is not a terminal, every event is a line of tab-separated fields:
sequence number, time, type, data. With --json one page is printed, with
nextAfter for the next one.

Examples:
  tenure events $id
  tenure events $id --after 120
  tenure events $id | cut -f3 | sort | uniq -c
  tenure events $id --json | jq '.items[] | select(.type == \"error\")'")]
pub(crate) struct Args {
    /// The session's id
    id: String,
    /// Start after this sequence number
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<u64>,
    /// The most events to print
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u64>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    items: Vec<Event<'a>>,
    #[serde(rename = "nextAfter")]
    next_after: Option<u64>,
}

/// The properties of an event that are printed.
#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    sequence: u64,
    timestamp: &'a str,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let mut after = args.after;
    if context.json() {
        let page = Params::id(&args.id)
            .maybe("after", after)
            .maybe("limit", args.limit);
        return context.perform_and_print("events", &page, |_, _| Ok(Exit::DONE));
    }
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let page = Params::id(&args.id)
            .maybe("after", after)
            .set("limit", left.min(PAGE));
        let answer = context.perform("events", &page)?;
        let page: Page<'_> = answer.read()?;
        left = left.saturating_sub(page.items.len() as u64);
        match context.out.width() {
            Some(width) => print(context, &page.items, width, "")?,
            None => print_lines(context, &page.items)?,
        }
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    Ok(Exit::DONE)
}

fn print_lines(context: &mut Context, events: &[Event<'_>]) -> Result<(), Failure> {
    for event in events {
        let kind = clean(&event.r#type);
        let data = clean(event.data.get());
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
    events: &[Event<'_>],
    max: usize,
    indent: &str,
) -> Result<(), Failure> {
    const MAX_TYPE: usize = 16;
    let kinds: Vec<_> = events.iter().map(|event| clean(&event.r#type)).collect();
    let widest = kinds.iter().map(|kind| width(kind)).max().unwrap_or(0);
    let column = widest.min(MAX_TYPE);
    let digits = events
        .last()
        .map_or(1, |event| event.sequence.to_string().len());
    let mut date = String::new();
    for (event, kind) in events.iter().zip(&kinds) {
        let at = Timestamp::parse(event.timestamp)?;
        let moment = time::second(at);
        let today = moment.split(' ').next().unwrap_or_default();
        let out = &mut context.out;
        if today != date {
            out.styled(Style::Dim, &format!("{indent}{today}\n"))?;
            date = today.to_owned();
        }
        let kind = cut(kind, column);
        let before = format!("{indent}{:>digits$}  ", event.sequence);
        let gap = " ".repeat(column - width(&kind) + 2);
        let data = event.data.get();
        let taken = width(&before) + 10 + column + 2;
        out.styled(Style::Dim, &before)?;
        out.write(&time::of_day(at))?;
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
