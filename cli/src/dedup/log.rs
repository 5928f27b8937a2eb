//! `tenure dedup log`: the runs of a day as lines, as the JSON array of the daily audit files, or as a
//! count.

use std::io;
use std::path::{Path, PathBuf};

use tenure_apps::dedup::log::{AUDIT_DAY, AuditDayParams, AuditRun};
use tenure_core::Text;

use crate::atomic_file;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{clean, count};

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
    date: Option<Text>,
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

pub(super) fn run(args: Args, context: &mut Context) -> Outcome {
    if let Some(folder) = args.out {
        let path = write_day(context, &folder, args.date)?;
        let path = path.display().to_string();
        match context.json() {
            true => context.print_json(&path)?,
            false => context.out.line(&clean(&path))?,
        }
        return Ok(Exit::DONE);
    }
    let (_, runs) = day(context, args.date)?;
    let all = runs.len();
    let prevented = runs.iter().filter(|run| run.duplicate_prevented).count();
    let is_selected = |run: &&AuditRun| run.duplicate_prevented || !args.prevented;
    let selected: Vec<&AuditRun> = runs.iter().filter(is_selected).collect();
    match (args.count, context.json()) {
        (true, _) => context.out.line(&selected.len().to_string())?,
        (false, true) => context.print_json(&selected)?,
        (false, false) => {
            for run in selected {
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

/// Writes the audit file of a day, today by default, to a folder. Returns its path.
pub(super) fn write_day(
    context: &mut Context,
    folder: &Path,
    date: Option<Text>,
) -> Result<PathBuf, Failure> {
    let (file, runs) = day(context, date)?;
    let path = folder.join(file);
    let failed = |error: io::Error| Failure::output(&path, &error, "");
    let mode = context.file_mode();
    mode.create_folders(folder).map_err(failed)?;
    let json = serde_json::to_string(&runs)?;
    atomic_file::write(&path, mode, &(json + "\n")).map_err(failed)?;
    Ok(path)
}

/// The name of a day's audit file, and its runs.
fn day(context: &mut Context, date: Option<Text>) -> Result<(String, Vec<AuditRun>), Failure> {
    let mut runs = Vec::new();
    let mut params = AuditDayParams {
        date,
        ..AuditDayParams::default()
    };
    loop {
        let page = context.run(&AUDIT_DAY, params.clone())?;
        runs.extend(page.items);
        params.cursor = page.next_cursor.map(Text::from);
        if params.cursor.is_none() {
            return Ok((page.file, runs));
        }
    }
}

fn print(context: &mut Context, run: &AuditRun) -> Result<(), Failure> {
    let outcome = match run.duplicate_prevented {
        true => "prevented",
        false => "executed",
    };
    let (key, id) = (clean(&run.session_key), clean(&run.run_id));
    let (time, status) = (clean(&run.timestamp), clean(&run.job_status));
    let line = [&*time, &*key, &*id, outcome, &*status].join("\t");
    Ok(context.out.line(&line)?)
}
