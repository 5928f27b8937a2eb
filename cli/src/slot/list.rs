//! `tenure slot list`: the sessions in the slots of tasks, on a terminal as a table, otherwise one line
//! for each.

use tenure_core::Text;
use tenure_core::session::params::OneOf;
use tenure_core::slot::operations::SLOTS;
use tenure_core::slot::params::{SlotSession, SlotsParams};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean, cut};
use crate::slot_text::short_model;
use crate::table::Table;
use crate::time::age;

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
    tasks: Vec<Text>,
}

pub(super) fn run(args: Args, context: &mut Context) -> Outcome {
    let params = SlotsParams {
        task_ids: OneOf(args.tasks),
    };
    context.run_and_print(&SLOTS, params, |context, items| {
        match context.out.width() {
            Some(width) => print_table(context, &items, width)?,
            None => print_lines(context, &items)?,
        }
        Ok(Exit::DONE)
    })
}

fn print_lines(context: &mut Context, items: &[SlotSession]) -> Result<(), Failure> {
    let out = &mut context.out;
    for item in items {
        let session = &item.session;
        let Some(slot) = &session.slot else {
            continue;
        };
        let missing = if item.model_missing { "missing" } else { "-" };
        let updated = session.updated_at.to_string();
        for text in [
            session.id.as_str(),
            &clean(&slot.task_id),
            slot.phase.as_str(),
            session.status.as_str(),
            &short_model(slot),
            missing,
            &updated,
        ] {
            out.write(text)?;
            out.write("\t")?;
        }
        out.line(&clean(&session.task))?;
    }
    Ok(())
}

fn print_table(context: &mut Context, items: &[SlotSession], width: usize) -> Result<(), Failure> {
    if items.is_empty() {
        context.out.styled(Style::Dim, "No sessions.\n")?;
        return Ok(());
    }
    let now = context.now();
    let mut table = Table::new(&["TASK", "PHASE", "ID", "STATUS", "AGE", "MODEL"]);
    for item in items {
        let session = &item.session;
        let Some(slot) = &session.slot else {
            continue;
        };
        let (task, model) = (clean(&slot.task_id), short_model(slot));
        let (model, style) = match item.model_missing {
            true => (format!("{model} (not found)"), Style::Red),
            false => (model, Style::Plain),
        };
        table.row(vec![
            (cut(&task, NAME).into_owned(), Style::Bold),
            (slot.phase.to_string(), Style::Plain),
            (session.id.to_string(), Style::Plain),
            (session.status.to_string(), Style::of_status(session.status)),
            (age(now, session.updated_at), Style::Plain),
            (model, style),
        ]);
    }
    table.print(&mut context.out, true, width)?;
    Ok(())
}
