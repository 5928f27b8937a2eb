//! `tenure backup`: copies a store while others use it, and verifies the copy.

use std::path::PathBuf;

use serde::Serialize;
use tenure_apps::copy::operations::COPY_PAGE;
use tenure_core::store::Problem;
use tenure_host::Backup;

use crate::check::Report;
use crate::context::Context;
use crate::exit::{Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::clean;
use crate::progress::Progress;
use crate::store::CommandStore;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The copy shows the store at one moment, while others write. It is verified and
then gets its name; nothing is replaced. The copy of a SQLite store is a
database, and that of a file store a directory. To restore it, stop what uses
the store, move the store away, and move the copy to its place.

A session that cannot be read is copied as it is and reported, and the exit
code is 1.

Examples:
  tenure backup monday.db
  tenure backup --store file:./sessions /backups/sessions --json")]
pub(crate) struct Args {
    /// The new file, or the new directory for a file store
    #[arg(value_name = "TARGET")]
    target: PathBuf,
}

/// The result of a backup.
#[derive(Serialize)]
struct Reply<'r> {
    path: &'r str,
    sessions: u64,
    records: u64,
    problems: &'r [Problem],
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    let interrupt = Interrupt::listen();
    let options = context.store_options()?;
    let store = CommandStore::of(context.globals.store.as_deref())?;
    let backup = Backup::write(store.url(), &options, &args.target)?;
    let mut progress = Progress::new(!context.json());
    let copy = backup.open(&options)?;
    let report = Report::of(&mut progress, |params| {
        interrupt.check("interrupted; there is no backup")?;
        Ok::<_, Failure>(copy.run(&COPY_PAGE, params)?)
    })?;
    drop((copy, progress));
    backup.finish()?;
    print(context, &args.target.to_string_lossy(), &report)
}

fn print(context: &mut Context, path: &str, report: &Report) -> Outcome {
    if context.json() {
        context.print_json(&Reply {
            path,
            sessions: report.sessions,
            records: report.records,
            problems: &report.problems,
        })?;
    } else {
        report.print_problems(context)?;
        let (contents, problems) = (report.contents(), report.problems());
        let path = clean(path);
        context
            .out
            .line(&format!("{contents} copied to {path}, {problems}"))?;
    }
    Ok(report.exit())
}
