//! `tenure dedup log`: the runs of a day as lines, as the JSON array of the daily audit files, or as a
//! count.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use tenure_core::Error;

use crate::atomic_file;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{clean, count};
use crate::params::Params;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints a line for each run: time, key, run, executed or prevented, job status.
With --json it prints an array of objects with nine properties each, as in the
daily audit files.

Examples:
  tenure dedup log --date 2026-01-08
  tenure dedup log --prevented --count
  tenure dedup log --json | jq '[.[] | select(.duplicate_prevented)] | length'
  tenure dedup log --out audit")]
pub(crate) struct Args {
    /// The day in UTC: today by default
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Only prevented duplicates
    #[arg(long)]
    prevented: bool,
    /// Print the number of runs only
    #[arg(long)]
    count: bool,
    /// Write the day to this folder, as session_audit_YYYYMMDD.json
    #[arg(long, value_name = "DIR", conflicts_with_all = ["prevented", "count"])]
    out: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    file: String,
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Ran {
    session_key: String,
    timestamp: String,
    run_id: String,
    job_status: String,
    duplicate_prevented: bool,
}

pub(super) fn run(args: Args, context: &mut Context) -> Outcome {
    let (file, items) = day(context, args.date.as_deref())?;
    let mut runs = Vec::new();
    for item in &items {
        runs.push(serde_json::from_str::<Ran>(item.get())?);
    }
    if let Some(folder) = args.out {
        let path = folder.join(file);
        let failed = |error: std::io::Error| Error::StoreUnavailable {
            problem: format!("{}: {error}", path.display()),
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        atomic_file::write(&path, &(array(&items) + "\n")).map_err(failed)?;
        let path = path.display().to_string();
        context.out.line(&clean(&path))?;
        return Ok(Exit::DONE);
    }
    let all = runs.len();
    let prevented = runs.iter().filter(|run| run.duplicate_prevented).count();
    let is_selected = |run: &Ran| run.duplicate_prevented || !args.prevented;
    match (args.count, context.json()) {
        (true, _) => {
            let number = if args.prevented { prevented } else { all };
            context.out.line(&number.to_string())?;
        }
        (false, true) => {
            let both = items.into_iter().zip(&runs);
            let items: Vec<_> = both
                .filter(|(_, run)| is_selected(run))
                .map(|(item, _)| item)
                .collect();
            context.out.json(&array(&items))?;
        }
        (false, false) => {
            for run in runs.iter().filter(|run| is_selected(run)) {
                print(context, run)?;
            }
        }
    }
    if !context.json() {
        let share = (prevented * 100).checked_div(all).unwrap_or(0);
        let all = count(all as u64, "run");
        context.note(&format!("{prevented} of {all} prevented: {share} % saved"));
    }
    Ok(Exit::DONE)
}

/// The name of a day's audit file, and its entries.
fn day(context: &mut Context, date: Option<&str>) -> Result<(String, Vec<Box<RawValue>>), Failure> {
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let params = Params::new().maybe("date", date).maybe("cursor", cursor);
        let page: Page = context.perform("auditDay", &params)?.read()?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok((page.file, items));
        }
    }
}

fn array(items: &[Box<RawValue>]) -> String {
    let items: Vec<&str> = items.iter().map(|item| item.get()).collect();
    format!("[{}]", items.join(","))
}

fn print(context: &mut Context, run: &Ran) -> Result<(), Failure> {
    let outcome = match run.duplicate_prevented {
        true => "prevented",
        false => "executed",
    };
    let (key, number) = (clean(&run.session_key), clean(&run.run_id));
    let (time, status) = (clean(&run.timestamp), clean(&run.job_status));
    let line = [&*time, &*key, &*number, outcome, &*status].join("\t");
    Ok(context.out.line(&line)?)
}
