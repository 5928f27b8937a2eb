//! `tenure show`: one session and its last events.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tenure_core::Timestamp;

use crate::context::Context;
use crate::events::{self, Event};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, clean_lines, cut, width};
use crate::params::Params;
use crate::slot::InSlot;
use crate::time;

/// The width of lines where there is no terminal.
const WIDTH: usize = 80;
/// The most columns shown of a long text; `--json` shows all of it.
const MAX_TEXT: usize = 2000;
/// The column at which values start.
const COLUMN: usize = 14;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure show $id
  tenure show $id --events 50
  tenure show $id --json | jq .context")]
pub(crate) struct Args {
    /// The session's id
    id: String,
    /// The number of events to show, the last ones
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    events: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    id: &'a str,
    status: &'a str,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow)]
    task: Cow<'a, str>,
    #[serde(borrow, default)]
    user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    channel_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    workspace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parent_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    slot: Option<InSlot<'a>>,
    #[serde(default)]
    phase: Option<&'a str>,
    #[serde(default)]
    resume_ready: Option<bool>,
    #[serde(default)]
    error_count: Option<u64>,
    #[serde(borrow, default)]
    summary: Option<Cow<'a, str>>,
    created_at: &'a str,
    updated_at: &'a str,
    #[serde(default)]
    finalized_at: Option<&'a str>,
    #[serde(default)]
    deleted_at: Option<&'a str>,
    iterations: u32,
    max_iterations: u32,
    #[serde(borrow, default)]
    result: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    context: &'a RawValue,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    event_count: u64,
    version: u64,
    #[serde(borrow)]
    history: Vec<Event<'a>>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    session(&args.id, args.events, context)
}

/// Shows a session and its last events.
pub(crate) fn session(id: &str, events: u32, context: &mut Context) -> Outcome {
    let params = Params::id(id).set("history", events);
    context.perform_and_print("get", &params, |context, answer| {
        let Some(session) = answer.read::<Option<Session<'_>>>()? else {
            context.note(&format!("there is no session {id}"));
            return Ok(Exit::REFUSED);
        };
        print(context, &session)?;
        Ok(Exit::DONE)
    })
}

fn print(context: &mut Context, session: &Session<'_>) -> Result<(), Failure> {
    let now = context.now();
    let max = context.out.width().unwrap_or(WIDTH);
    let when = |at: &str| -> Result<String, Failure> {
        let at = Timestamp::parse(at)?;
        Ok(format!(
            "{} UTC, {} ago",
            time::second(at),
            time::age(now, at)
        ))
    };
    context.out.styled(Style::Bold, session.id)?;
    context.out.write("  ")?;
    let style = Style::of_status(session.status);
    context.out.styled(style, session.status)?;
    if let Some(phase) = session.phase {
        context.out.write(&format!(", {phase}"))?;
    }
    context.out.write("\n\n")?;

    let slot = session.slot.as_ref().map(|slot| {
        let missing = match slot.misses_model(context) {
            true => " (model not found)",
            false => "",
        };
        let place = format!("{}/{}", slot.task_id, slot.phase);
        (place, format!("{}{missing}", slot.model_in_full()))
    });
    let mut fields = Fields { context, max };
    fields.text("Task", Some(&session.task))?;
    fields.text("Mode", Some(&session.mode))?;
    if let Some((place, model)) = &slot {
        fields.text("Slot", Some(place))?;
        fields.text("Model", Some(model))?;
    }
    fields.text("User", session.user_id.as_deref())?;
    fields.text("Channel", session.channel_id.as_deref())?;
    fields.text("Workspace", session.workspace.as_deref())?;
    fields.text("Forked from", session.parent_id.as_deref())?;
    let (used, allowed) = (session.iterations, session.max_iterations);
    fields.text("Iterations", Some(&format!("{used} of {allowed}")))?;
    fields.text("Started", Some(&when(session.created_at)?))?;
    fields.text("Updated", Some(&when(session.updated_at)?))?;
    fields.text(
        "Ended",
        session.finalized_at.map(&when).transpose()?.as_deref(),
    )?;
    fields.text(
        "In trash",
        session.deleted_at.map(&when).transpose()?.as_deref(),
    )?;
    if session.phase.is_some() {
        let ready = session.resume_ready.unwrap_or(false);
        fields.text("Resume ready", Some(if ready { "yes" } else { "no" }))?;
        let errors = session.error_count.unwrap_or(0).to_string();
        fields.text("Errors", Some(&errors))?;
    }
    fields.json("Context", session.context)?;
    if let Some(metadata) = session.metadata {
        fields.json("Metadata", metadata)?;
    }
    fields.text("Result", session.result.as_deref())?;
    fields.text("Error", session.error.as_deref())?;
    fields.text("Summary", session.summary.as_deref())?;
    fields.text("Version", Some(&session.version.to_string()))?;

    if session.history.is_empty() {
        return Ok(());
    }
    let (shown, all) = (session.history.len() as u64, session.event_count);
    let title = match shown == all {
        true => "Events".to_owned(),
        false => format!("Events, the last {shown} of {all}"),
    };
    context.out.write("\n")?;
    context.out.styled(Style::Bold, &title)?;
    context.out.write("\n")?;
    events::print(context, &session.history, max, "  ")
}

/// The fields of a session, in lines of at most `max` columns.
struct Fields<'c> {
    context: &'c mut Context,
    max: usize,
}

impl Fields<'_> {
    fn json(&mut self, name: &str, json: &RawValue) -> Result<(), Failure> {
        match json.get() {
            "{}" => Ok(()),
            json => self.text(name, Some(&clean(json))),
        }
    }

    fn text(&mut self, name: &str, value: Option<&str>) -> Result<(), Failure> {
        let Some(value) = value else {
            return Ok(());
        };
        let room = self.max.saturating_sub(COLUMN + 2).max(20);
        let value = clean_lines(value);
        let value = cut(&value, MAX_TEXT);
        let out = &mut self.context.out;
        out.styled(Style::Dim, &format!("  {name:<COLUMN$}"))?;
        let mut indent = "";
        let after = " ".repeat(COLUMN + 2);
        for line in value.lines().flat_map(|line| wrap(line, room)) {
            out.write(indent)?;
            out.line(line)?;
            indent = &after;
        }
        if indent.is_empty() {
            out.write("\n")?;
        }
        Ok(())
    }
}

/// Wraps a line to at most `room` columns, at spaces and after commas where possible.
fn wrap(line: &str, room: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = line;
    while width(rest) > room {
        let mut end = 0;
        let mut space: Option<usize> = None;
        for (at, char) in rest.char_indices() {
            let next = at + char.len_utf8();
            if width(&rest[..next]) > room {
                break;
            }
            end = next;
            match char {
                ' ' if at > 0 => space = Some(at),
                // Compact JSON has no spaces.
                ',' => space = Some(next),
                _ => {}
            }
        }
        if rest[end..].starts_with(' ') {
            space = Some(end);
        }
        let end = space.unwrap_or(end.max(1));
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(' ');
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wrap_at_spaces_and_lose_nothing() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one two three", 6), ["one", "two", "three"]);
        assert_eq!(wrap("[10,20,30]", 5), ["[10,", "20,", "30]"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }
}
