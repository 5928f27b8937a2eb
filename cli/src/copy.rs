//! `tenure copy`: copies all sessions of one store into another, step by step. The core decides what is
//! copied and what differs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_core::Timestamp;
use tenure_host::Local;

use crate::answer::Answer;
use crate::context::{Context, perform_over};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::list::Problem;
use crate::output::{clean, count};
use crate::params::Params;
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
        context.out.json(&serde_json::to_string(&copied)?)?;
    } else {
        for Difference { what, key, target } in &copied.differences {
            context.out.line(&format!(
                "{} {}: {target} in the target",
                clean(what),
                clean(key)
            ))?;
        }
        for Named { id, problem } in &copied.problems {
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
    differences: Vec<Difference>,
    problems: Vec<Named>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Difference {
    what: String,
    key: String,
    target: String,
}

#[derive(Serialize)]
struct Named {
    id: String,
    problem: String,
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

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    page: Cow<'a, str>,
    sessions: u64,
    #[serde(borrow)]
    problems: Vec<Problem<'a>>,
    #[serde(borrow)]
    next: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Compared {
    wanted: Option<String>,
    same: u64,
    differences: Vec<Difference>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    chunk: Cow<'a, str>,
    rest: Option<String>,
    #[serde(borrow)]
    problems: Vec<Problem<'a>>,
    differences: Vec<Difference>,
}

#[derive(Deserialize)]
struct Written {
    sessions: u64,
    records: u64,
    differences: Vec<Difference>,
}

impl Copying {
    fn count(&self) -> Result<u64, Failure> {
        #[derive(Deserialize)]
        struct Stats {
            total: u64,
        }
        let params = Params::new().set("trash", "include");
        let stats: Stats = self.ask(&self.source, "stats", &params)?.read()?;
        Ok(stats.total)
    }

    /// Visits everything in the source, page by page.
    fn pages(
        &mut self,
        whole: bool,
        visit: fn(&mut Self, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let params = Params::new().maybe("after", after).flag("whole", whole);
            let answer = self.ask(&self.source, "copyPage", &params)?;
            let page: Page<'_> = answer.read()?;
            self.report(&page.problems);
            visit(self, &page.page)?;
            self.phase.sessions += page.sessions;
            self.show_progress();
            after = page.next.map(Cow::into_owned);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn copy(&mut self, page: &str) -> Result<(), Failure> {
        let params = Params::new()
            .set("page", page)
            .set("overwrite", self.overwrite);
        let compared: Compared = self.ask(&self.target, "copyCompare", &params)?.read()?;
        self.result.same += compared.same;
        self.add(compared.differences);
        let mut wanted = compared.wanted;
        while let Some(asked) = wanted {
            let params = Params::new().set("wanted", &asked);
            let answer = self.ask(&self.source, "copyRead", &params)?;
            let read: Chunk<'_> = answer.read()?;
            self.report(&read.problems);
            self.add(read.differences);
            let params = Params::new().set("chunk", &read.chunk);
            let written: Written = self.ask(&self.target, "copyWrite", &params)?.read()?;
            self.add(written.differences);
            self.result.sessions += written.sessions;
            self.result.records += written.records;
            self.result.bytes += read.chunk.len() as u64;
            wanted = read.rest;
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
            let params = Params::new().set("page", page);
            let compared: Compared = copying
                .ask(&copying.target, "copyCompare", &params)?
                .read()?;
            copying.add(compared.differences);
            Ok(())
        })?;
        let before: BTreeMap<_, _> = before
            .iter()
            .map(|one| ((&one.what, &one.key), &one.target))
            .collect();
        for one in &mut self.result.differences {
            if let Some(&target) = before.get(&(&one.what, &one.key)) {
                one.target.clone_from(target);
            }
        }
        Ok(())
    }

    fn ask(&self, store: &Local, name: &str, params: &Params) -> Result<Answer, Failure> {
        self.interrupt
            .check("interrupted; run the same command to continue")?;
        perform_over(store, self.now, name, params)
    }

    fn add(&mut self, differences: Vec<Difference>) {
        self.result.differing += differences.len() as u64;
        let room = MAX_LISTED.saturating_sub(self.result.differences.len());
        let listed = differences.into_iter().take(room);
        self.result.differences.extend(listed);
    }

    fn report(&mut self, problems: &[Problem<'_>]) {
        for Problem { id, problem } in problems {
            let known = self.result.problems.iter().any(|one| one.id == **id);
            if !known && self.result.problems.len() < MAX_LISTED {
                self.result.problems.push(Named {
                    id: id.to_string(),
                    problem: problem.to_string(),
                });
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
