//! `tenure check`: reads everything in a store, and reports what cannot be read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::interrupt::Interrupt;
use crate::list::Problem;
use crate::output::{Style, clean, count};
use crate::params::Params;
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is changed. The exit code is 1 when there are problems. `tenure rm
--permanent` removes a session that cannot be read.

Examples:
  tenure check
  tenure check --store file:./sessions --json")]
pub(crate) struct Args {}

#[derive(Deserialize)]
struct Page<'a> {
    sessions: u64,
    records: u64,
    #[serde(borrow)]
    problems: Vec<Problem<'a>>,
    #[serde(borrow)]
    next: Option<Cow<'a, str>>,
}

/// The result of a check.
#[derive(Default, Serialize)]
struct Report {
    sessions: u64,
    records: u64,
    problems: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    id: String,
    problem: String,
}

pub(crate) fn run(_: Args, context: &mut Context) -> Outcome {
    let interrupt = Interrupt::listen();
    let mut progress = Progress::new(!context.json());
    let mut report = Report::default();
    let mut after: Option<String> = None;
    loop {
        interrupt.check("interrupted; the check is not complete")?;
        // The same pages as for a comparison with another store: all histories and all records.
        let params = Params::new().maybe("after", after).set("whole", true);
        let answer = context.perform("copyPage", &params)?;
        let page: Page<'_> = answer.read()?;
        report.sessions += page.sessions;
        report.records += page.records;
        report
            .problems
            .extend(page.problems.iter().map(|problem| Named {
                id: problem.id.to_string(),
                problem: problem.problem.to_string(),
            }));
        progress.update(|| format!("{} read", count(report.sessions, "session")));
        after = page.next.map(Cow::into_owned);
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
        context.out.json(&serde_json::to_string(report)?)?;
    } else {
        for Named { id, problem } in problems {
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
