//! `tenure show`: one session and its last events.

use tenure_core::session::params::{GetParams, HistoryParam};
use tenure_core::session::read::GET;
use tenure_core::{Json, Session, Text, Timestamp};

use crate::arguments::unknown_session;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, clean_lines, cut, width};
use crate::session_id::SessionIdArg;
use crate::{events, slot_text, time};

/// The width of lines where there is no terminal.
const WIDTH: usize = 80;
/// The most columns shown of a long text; `--json` shows all of it.
const MAX_TEXT: usize = 2000;
/// The number of events that are shown by default.
pub(crate) const EVENTS: u32 = 10;
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
    id: SessionIdArg,
    /// The number of events to show, the last ones
    #[arg(long, short = 'n', value_name = "N", default_value_t = EVENTS)]
    events: u32,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let id = context.session_id(args.id)?;
    session(id, args.events, context)
}

/// Shows a session and its last events.
pub(crate) fn session(id: Text, events: u32, context: &mut Context) -> Outcome {
    let params = GetParams {
        id: id.clone(),
        history: Some(HistoryParam::Last(events)),
        ..GetParams::default()
    };
    context.run_and_print(&GET, params, |context, session| {
        let Some(session) = session else {
            context.note(&unknown_session(id.as_str()));
            return Ok(Exit::REFUSED);
        };
        print(context, &session)?;
        Ok(Exit::DONE)
    })
}

fn print(context: &mut Context, session: &Session) -> Result<(), Failure> {
    let Session { head, history } = session;
    let now = context.now();
    let max = context.out.width().unwrap_or(WIDTH);
    let when = |at: Timestamp| format!("{} UTC, {} ago", time::second(at), time::age(now, at));
    context.out.styled(Style::Bold, head.id.as_str())?;
    context.out.write("  ")?;
    let style = Style::of_status(head.status);
    context.out.styled(style, head.status.as_str())?;
    if let Some(phase) = head.phase {
        context.out.write(&format!(", {phase}"))?;
    }
    context.out.write("\n\n")?;

    let slot = head.slot.as_ref().map(|slot| {
        let missing = match head.model_missing.unwrap_or(false) {
            true => " (model not found)",
            false => "",
        };
        let place = format!("{}/{}", slot.task_id, slot.phase);
        (place, slot_text::full_model(slot) + missing)
    });
    let mut fields = Fields { context, max };
    fields.text("Task", Some(&head.task))?;
    fields.text("Mode", Some(&head.mode))?;
    if let Some((place, model)) = &slot {
        fields.text("Slot", Some(place))?;
        fields.text("Model", Some(model))?;
    }
    fields.text("User", head.user_id.as_deref())?;
    fields.text("Channel", head.channel_id.as_deref())?;
    fields.text("Workspace", head.workspace.as_deref())?;
    let parent = head.parent_id.as_ref();
    fields.text("Parent", parent.map(|id| id.as_str()))?;
    let (used, allowed) = (head.iterations, head.max_iterations);
    fields.text("Iterations", Some(&format!("{used} of {allowed}")))?;
    fields.text("Started", Some(&when(head.created_at)))?;
    fields.text("Updated", Some(&when(head.updated_at)))?;
    fields.text("Ended", head.finalized_at.map(when).as_deref())?;
    fields.text("In trash", head.deleted_at.map(when).as_deref())?;
    if head.phase.is_some() {
        let ready = head.resume_ready.unwrap_or(false);
        fields.text("Resume ready", Some(if ready { "yes" } else { "no" }))?;
        let errors = head.error_count.unwrap_or(0).to_string();
        fields.text("Errors", Some(&errors))?;
        let approval = head.approval.as_ref().map(|approval| {
            let by = approval.by.as_ref().map(|by| format!(" by {by}"));
            let at = approval.decided_at.unwrap_or(approval.requested_at);
            let (state, by) = (approval.state.as_str(), by.unwrap_or_default());
            format!("{state}{by}, {}", when(at))
        });
        fields.text("Approval", approval.as_deref())?;
    }
    fields.json("Context", &head.context)?;
    if let Some(metadata) = &head.metadata {
        fields.json("Metadata", metadata)?;
    }
    fields.text("Result", head.result.as_deref())?;
    if let Some(data) = &head.result_data {
        fields.json("Result data", data)?;
    }
    fields.text("Error", head.error.as_deref())?;
    fields.text("Summary", head.summary.as_deref())?;
    fields.text("Version", Some(&head.version.to_string()))?;

    if history.is_empty() {
        return Ok(());
    }
    let (shown, all) = (history.len() as u64, head.event_count);
    let title = match shown == all {
        true => "Events".to_owned(),
        false => format!("Events, the last {shown} of {all}"),
    };
    context.out.write("\n")?;
    context.out.styled(Style::Bold, &title)?;
    context.out.write("\n")?;
    events::print(context, history, max, "  ")
}

/// The fields of a session, in lines of at most `max` columns.
struct Fields<'c> {
    context: &'c mut Context,
    max: usize,
}

impl Fields<'_> {
    fn json(&mut self, name: &str, json: &Json) -> Result<(), Failure> {
        match json.as_str() {
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
