//! `tenure slot list`: the sessions in the slots of tasks, on a terminal as a table, otherwise one line
//! for each.

use std::borrow::Cow;

use serde::Deserialize;
use tenure_core::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut};
use crate::params::Params;
use crate::table::Table;
use crate::time::age;

use super::InSlot;

/// The most columns of a task's id.
const NAME: usize = 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a terminal the sessions are shown as a table, by task and phase. Otherwise
each session is a line of tab-separated fields: id, task id, phase, status,
model, missing or -, time of the last update, task. A model is missing if it is
not one of --models.

Examples:
  tenure slot list T1
  tenure slot list T1 T2 T3 | cut -f2-5
  tenure slot list T1 --json | jq '.[] | select(.modelMissing)'")]
pub(super) struct Args {
    /// The ids of the tasks, 1000 at most
    #[arg(required = true, value_name = "TASK_ID")]
    tasks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    session: Session<'a>,
    model_missing: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    id: &'a str,
    status: &'a str,
    #[serde(borrow)]
    slot: InSlot<'a>,
    #[serde(borrow)]
    task: Cow<'a, str>,
    updated_at: &'a str,
}

pub(super) fn run(args: Args, context: &mut Context) -> Outcome {
    let params = Params::new().list("taskIds", &args.tasks);
    context.perform_and_print("slots", &params, |context, answer| {
        let items: Vec<Item<'_>> = answer.read()?;
        match context.out.width() {
            Some(width) => print_table(context, &items, width)?,
            None => print_lines(context, &items)?,
        }
        Ok(Exit::DONE)
    })
}

fn print_lines(context: &mut Context, items: &[Item<'_>]) -> Result<(), Failure> {
    let out = &mut context.out;
    for Item {
        session,
        model_missing,
    } in items
    {
        let slot = &session.slot;
        let missing = if *model_missing { "missing" } else { "-" };
        let (task, model) = (clean(&slot.task_id), slot.model());
        for text in [
            session.id,
            &task,
            slot.phase.as_str(),
            session.status,
            &model,
            missing,
            session.updated_at,
        ] {
            out.write(text)?;
            out.write("\t")?;
        }
        out.line(&clean(&session.task))?;
    }
    Ok(())
}

fn print_table(context: &mut Context, items: &[Item<'_>], width: usize) -> Result<(), Failure> {
    if items.is_empty() {
        context.out.styled(Style::Dim, "No sessions.\n")?;
        return Ok(());
    }
    let now = context.now();
    let mut table = Table::new(&["TASK", "PHASE", "ID", "STATUS", "AGE", "MODEL"]);
    for Item {
        session,
        model_missing,
    } in items
    {
        let slot = &session.slot;
        let (task, model) = (clean(&slot.task_id), slot.model());
        let (model, style) = match model_missing {
            true => (format!("{model} (not found)"), Style::Red),
            false => (model, Style::Plain),
        };
        let updated = Timestamp::parse(session.updated_at)?;
        table.row(vec![
            (cut(&task, NAME).into_owned(), Style::Bold),
            (slot.phase.as_str().to_owned(), Style::Plain),
            (session.id.to_owned(), Style::Plain),
            (session.status.to_owned(), Style::of_status(session.status)),
            (age(now, updated), Style::Plain),
            (model, style),
        ]);
    }
    table.print(&mut context.out, true, width)?;
    Ok(())
}
