//! `tenure check`: reads everything in a store, and reports what cannot be read, and what is wrong beside
//! the sessions.

use serde::Serialize;
use tenure_apps::copy::model::{CopyPage, CopyPageParams};
use tenure_apps::copy::operations::COPY_PAGE;
use tenure_apps::record_check::{
    RECORD_CHECK, ROUTES_CHECK, ROUTES_REPAIR, RecordCheckParams, RoutesCheckParams,
};
use tenure_core::Text;
use tenure_core::store::Problem;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::{Style, clean, count};
use crate::progress::Progress;
use crate::store::CommandStore;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The exit code is 1 when there are problems. `tenure rm --permanent` removes a
session that cannot be read. Records of webhooks and jobs are read, too: a
damaged delivery is moved to `tenure webhooks failed` when it is due, and a
damaged endpoint gets nothing until it is removed and added again. Of a SQLite
store the structure of the file is checked, and the counts for statistics, the
index of tasks and the feed of changes that it keeps; of a file store, the feed.
--repair replaces wrong counts, a damaged index and wrong routes of webhooks,
and begins the feed after what cannot be read (in a file store, after the whole
file with it): a watch that is not there yet ends with POSITION_EXPIRED. Nothing
else is changed.

Examples:
  tenure check
  tenure check --repair
  tenure check --store file:./sessions --json")]
pub(crate) struct Args {
    /// Repair the counts for statistics, the index of tasks, the feed of changes and the routes of webhooks
    #[arg(long)]
    repair: bool,
}

/// The result of a check.
#[derive(Default, Serialize)]
pub(crate) struct Report {
    pub(crate) sessions: u64,
    pub(crate) records: u64,
    pub(crate) problems: Vec<Problem>,
    /// The problems that were found and repaired.
    repaired: Vec<Problem>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let interrupt = Interrupt::listen();
    let store = CommandStore::of(context.globals.store.as_deref())?;
    let checked = tenure_host::check(store.url(), &context.store_options()?, args.repair)?;
    let mut progress = Progress::new(!context.json());
    let mut report = Report::default();
    let read = report.read(&mut progress, |params| {
        interrupt.check("interrupted; the check is not complete")?;
        context.run(&COPY_PAGE, params)
    });
    drop(progress);
    let read = read.and_then(|()| report.read_records(context, &interrupt, args.repair));
    match read {
        // What is wrong with the file says more than that it cannot be read.
        Err(failure) if !checked.is_file_damaged() || interrupt.is_requested() => {
            return Err(failure);
        }
        Ok(()) | Err(_) => {}
    }
    report.repaired.extend(checked.repaired);
    report.problems.extend(checked.problems);
    print(context, &report)
}

impl Report {
    /// Reads everything in a store, page by page.
    pub(crate) fn of(
        progress: &mut Progress,
        read: impl FnMut(CopyPageParams) -> Result<CopyPage, Failure>,
    ) -> Result<Self, Failure> {
        let mut report = Self::default();
        report.read(progress, read)?;
        Ok(report)
    }

    fn read(
        &mut self,
        progress: &mut Progress,
        mut read: impl FnMut(CopyPageParams) -> Result<CopyPage, Failure>,
    ) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let page = read(CopyPageParams {
                after,
                // The same pages as for a comparison with another store: all histories and all
                // records.
                whole: Some(true),
            })?;
            self.sessions += page.sessions;
            self.records += page.records;
            self.problems.extend(page.problems);
            progress.update(|| format!("{} read", count(self.sessions, "session")));
            after = page.next.map(Text::from);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Reads the records as what their kinds say, and compares the routes of webhooks with the endpoints.
    fn read_records(
        &mut self,
        context: &mut Context,
        interrupt: &Interrupt,
        repair: bool,
    ) -> Result<(), Failure> {
        for problem in damaged_records(context, interrupt)? {
            if self.problems.iter().all(|known| known.id != problem.id) {
                self.problems.push(problem);
            }
        }
        let routes = context.run(&ROUTES_CHECK, RoutesCheckParams::default())?;
        if repair && !routes.is_empty() {
            context.run(&ROUTES_REPAIR, RoutesCheckParams::default())?;
            self.repaired.extend(routes);
        } else {
            self.problems.extend(routes);
        }
        Ok(())
    }

    /// Prints the problems, a line for each.
    pub(crate) fn print_problems(&self, context: &mut Context) -> Result<(), Failure> {
        self.problems
            .iter()
            .try_for_each(|problem| print_problem(context, Style::Red, problem))
    }

    /// The numbers of sessions and records.
    pub(crate) fn contents(&self) -> String {
        let (sessions, records) = (
            count(self.sessions, "session"),
            count(self.records, "record"),
        );
        format!("{sessions} and {records}")
    }

    /// The number of problems.
    pub(crate) fn problems(&self) -> String {
        match self.problems.len() as u64 {
            0 => "no problems".to_owned(),
            number => count(number, "problem"),
        }
    }

    /// The exit code: problems are a refusal.
    pub(crate) fn exit(&self) -> Exit {
        match self.problems.is_empty() {
            true => Exit::DONE,
            false => Exit::REFUSED,
        }
    }
}

/// The records that cannot be read as what their kinds say.
pub(crate) fn damaged_records(
    context: &mut Context,
    interrupt: &Interrupt,
) -> Result<Vec<Problem>, Failure> {
    let mut damaged = Vec::new();
    let mut after = None;
    loop {
        interrupt.check("interrupted; the check is not complete")?;
        let page = context.run(&RECORD_CHECK, RecordCheckParams { after })?;
        damaged.extend(page.problems);
        after = page.next.map(Text::from);
        if after.is_none() {
            return Ok(damaged);
        }
    }
}

fn print(context: &mut Context, report: &Report) -> Outcome {
    if context.json() {
        context.print_json(report)?;
    } else {
        for problem in &report.repaired {
            context.out.write("repaired  ")?;
            print_problem(context, Style::Green, problem)?;
        }
        report.print_problems(context)?;
        let (contents, problems) = (report.contents(), report.problems());
        context.out.line(&format!("{contents} read, {problems}"))?;
        if !report.repaired.is_empty() {
            let repaired = count(report.repaired.len() as u64, "problem");
            context.out.line(&format!("{repaired} repaired"))?;
        }
    }
    Ok(report.exit())
}

fn print_problem(context: &mut Context, style: Style, problem: &Problem) -> Result<(), Failure> {
    context.out.styled(style, &clean(&problem.id))?;
    context
        .out
        .line(&format!("  {}", clean(&problem.problem)))?;
    Ok(())
}
