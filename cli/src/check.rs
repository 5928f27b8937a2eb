//! `tenure check`: reads everything in a store, and reports what cannot be read.

use serde::Serialize;
use tenure_apps::copy::model::CopyPageParams;
use tenure_apps::copy::operations::COPY_PAGE;
use tenure_core::Text;
use tenure_core::store::Problem;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::interrupt::Interrupt;
use crate::output::{Style, clean, count};
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is changed. The exit code is 1 when there are problems. `tenure rm
--permanent` removes a session that cannot be read.

Examples:
  tenure check
  tenure check --store file:./sessions --json")]
pub(crate) struct Args {}

/// The result of a check.
#[derive(Default, Serialize)]
struct Report {
    sessions: u64,
    records: u64,
    problems: Vec<Problem>,
}

pub(crate) fn run(_: Args, context: &mut Context) -> Outcome {
    let interrupt = Interrupt::listen();
    let mut progress = Progress::new(!context.json());
    let mut report = Report::default();
    let mut after = None;
    loop {
        interrupt.check("interrupted; the check is not complete")?;
        let params = CopyPageParams {
            after,
            // The same pages as for a comparison with another store: all histories and all records.
            whole: Some(true),
        };
        let page = context.run(&COPY_PAGE, params)?;
        report.sessions += page.sessions;
        report.records += page.records;
        report.problems.extend(page.problems);
        progress.update(|| format!("{} read", count(report.sessions, "session")));
        after = page.next.map(Text::from);
        if after.is_none() {
            break;
        }
    }
    drop(progress);
    print(context, &report)
}

fn print(context: &mut Context, report: &Report) -> Outcome {
    let Report {
        sessions,
        records,
        problems,
    } = report;
    if context.json() {
        context.print_json(report)?;
    } else {
        for Problem { id, problem } in problems {
            context.out.styled(Style::Red, &clean(id))?;
            context.out.line(&format!("  {}", clean(problem)))?;
        }
        let found = match problems.len() as u64 {
            0 => "no problems".to_owned(),
            number => count(number, "problem"),
        };
        let (sessions, records) = (count(*sessions, "session"), count(*records, "record"));
        context
            .out
            .line(&format!("{sessions} and {records} read, {found}"))?;
    }
    Ok(match problems.is_empty() {
        true => Exit::DONE,
        false => Exit::REFUSED,
    })
}
