//! `tenure copy`: copies all sessions of one store into another, step by step. The core decides what is
//! copied and what differs.

use std::collections::BTreeMap;

use serde::Serialize;
use tenure_core::copy::model::{
    CopyCompareParams, CopyDifference, CopyPageParams, CopyReadParams, CopyWriteParams,
};
use tenure_core::copy::operations::{COPY_COMPARE, COPY_PAGE, COPY_READ, COPY_WRITE};
use tenure_core::session::params::StatsParams;
use tenure_core::session::read::STATS;
use tenure_core::store::Problem;
use tenure_core::store::filter::Trash;
use tenure_core::work::operation::{AnyOperation, Operation};
use tenure_core::{Text, Timestamp};
use tenure_host::Local;

use crate::context::{Context, run_over};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::{clean, count, name_of};
use crate::progress::Progress;
use crate::store;

/// The most differences and problems that a result lists.
const MAX_LISTED: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Sessions that exist in the target are kept, so an interrupted copy can be
repeated. At the end all sessions are compared; the exit code is 1 when
something differs.

Examples:
  tenure copy sqlite:./tenure.db file:./sessions
  tenure copy file:./sessions sqlite:./tenure.db --overwrite")]
pub(crate) struct Args {
    /// The store to copy from
    #[arg(value_name = "FROM")]
    from: String,
    /// The store to copy to
    #[arg(value_name = "TO")]
    to: String,
    /// Replace sessions that are newer or different in the target
    #[arg(long)]
    overwrite: bool,
    /// Skip the comparison at the end
    #[arg(long)]
    no_verify: bool,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if args.from == args.to {
        let problem = "expected a store other than FROM";
        return Err(Failure::usage("TO", problem));
    }
    let mut copying = Copying {
        source: store::open(&args.from)?,
        target: store::open(&args.to)?,
        now: context.now(),
        overwrite: args.overwrite,
        interrupt: Interrupt::listen(),
        progress: Progress::new(!context.json()),
        phase: Phase::default(),
        total: 0,
        result: Copied::default(),
    };
    if copying.progress.is_shown() {
        copying.total = copying.count()?;
    }
    copying.pages(false, Copying::copy)?;
    if !args.no_verify {
        copying.verify()?;
    }
    // Erases the progress line before anything is printed.
    drop(copying.progress);
    print(context, copying.result)
}

fn print(context: &mut Context, copied: Copied) -> Outcome {
    let is_complete = copied.differing == 0 && copied.problems.is_empty();
    if context.json() {
        context.print_json(&copied)?;
    } else {
        for CopyDifference { what, key, target } in &copied.differences {
            let (what, key, target) = (clean(what), clean(key), name_of(target));
            context
                .out
                .line(&format!("{what} {key}: {target} in the target"))?;
        }
        for Problem { id, problem } in &copied.problems {
            context.note(&format!("{id}: {problem}"));
        }
        let Copied {
            sessions,
            records,
            same,
            differing,
            ..
        } = copied;
        let (sessions, records) = (count(sessions, "session"), count(records, "record"));
        context.out.line(&format!(
            "{sessions} and {records} copied, {same} unchanged, {differing} differ"
        ))?;
    }
    Ok(if is_complete {
        Exit::DONE
    } else {
        Exit::REFUSED
    })
}

/// The result of a copy, with the property names of the npm package.
#[derive(Default, Serialize)]
struct Copied {
    sessions: u64,
    records: u64,
    same: u64,
    bytes: u64,
    differing: u64,
    differences: Vec<CopyDifference>,
    problems: Vec<Problem>,
}

/// The sessions processed in a phase of the copy.
#[derive(Default)]
struct Phase {
    verifying: bool,
    sessions: u64,
}

/// A copy in progress.
struct Copying {
    source: Local,
    target: Local,
    now: Timestamp,
    overwrite: bool,
    interrupt: Interrupt,
    progress: Progress,
    phase: Phase,
    total: u64,
    result: Copied,
}

impl Copying {
    /// The number of sessions in the source.
    fn count(&self) -> Result<u64, Failure> {
        let params = StatsParams {
            trash: Some(Trash::Include),
            ..StatsParams::default()
        };
        Ok(self.run(&self.source, &STATS, params)?.total)
    }

    /// Visits everything in the source, page by page.
    fn pages(
        &mut self,
        whole: bool,
        visit: fn(&mut Self, Text) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let params = CopyPageParams {
                after,
                whole: Some(whole),
            };
            let page = self.run(&self.source, &COPY_PAGE, params)?;
            self.report(page.problems);
            visit(self, page.page.into())?;
            self.phase.sessions += page.sessions;
            self.show_progress();
            after = page.next.map(Text::from);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn copy(&mut self, page: Text) -> Result<(), Failure> {
        let params = CopyCompareParams {
            page,
            overwrite: Some(self.overwrite),
        };
        let compared = self.run(&self.target, &COPY_COMPARE, params)?;
        self.result.same += compared.same;
        self.add(compared.differences);
        let mut wanted = compared.wanted.map(Text::from);
        while let Some(requested) = wanted {
            let params = CopyReadParams { wanted: requested };
            let read = self.run(&self.source, &COPY_READ, params)?;
            self.report(read.problems);
            self.add(read.differences);
            let bytes = read.chunk.len() as u64;
            let params = CopyWriteParams {
                chunk: read.chunk.into(),
            };
            let written = self.run(&self.target, &COPY_WRITE, params)?;
            self.add(written.differences);
            self.result.sessions += written.sessions;
            self.result.records += written.records;
            self.result.bytes += bytes;
            wanted = read.rest.map(Text::from);
            self.show_progress();
        }
        Ok(())
    }

    /// Compares everything. A difference that was found while copying, and still exists, keeps its
    /// description.
    fn verify(&mut self) -> Result<(), Failure> {
        let before = std::mem::take(&mut self.result.differences);
        self.result.differing = 0;
        self.phase = Phase {
            verifying: true,
            sessions: 0,
        };
        self.pages(true, |copying, page| {
            let params = CopyCompareParams {
                page,
                overwrite: None,
            };
            let compared = copying.run(&copying.target, &COPY_COMPARE, params)?;
            copying.add(compared.differences);
            Ok(())
        })?;
        let before: BTreeMap<_, _> = before
            .iter()
            .map(|one| ((&one.what, &one.key), one.target))
            .collect();
        for one in &mut self.result.differences {
            if let Some(&target) = before.get(&(&one.what, &one.key)) {
                one.target = target;
            }
        }
        Ok(())
    }

    fn run<P, R>(
        &self,
        store: &Local,
        operation: &'static Operation<P, R>,
        params: P,
    ) -> Result<R, Failure>
    where
        Operation<P, R>: AnyOperation,
        P: Send + Sync + 'static,
        R: 'static,
    {
        self.interrupt
            .check("interrupted; run the same command to continue")?;
        run_over(store, self.now, operation, params)
    }

    fn add(&mut self, differences: Vec<CopyDifference>) {
        self.result.differing += differences.len() as u64;
        let room = MAX_LISTED.saturating_sub(self.result.differences.len());
        let listed = differences.into_iter().take(room);
        self.result.differences.extend(listed);
    }

    fn report(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            let known = self.result.problems.iter().any(|one| one.id == problem.id);
            if !known && self.result.problems.len() < MAX_LISTED {
                self.result.problems.push(problem);
            }
        }
    }

    fn show_progress(&mut self) {
        let Phase {
            verifying,
            sessions,
        } = self.phase;
        let (total, bytes) = (self.total, self.result.bytes);
        self.progress.update(|| {
            let verb = if verifying { "compared" } else { "copied" };
            let megabytes = bytes as f64 / 1e6;
            format!("{verb} {sessions} of {total} sessions, {megabytes:.1} MB")
        });
    }
}
