//! `tenure dedup stats`: the number of runs on each of some days, and of prevented duplicates.

use tenure_apps::dedup::stats::{DEDUP_STATS, DedupStats, DedupStatsParams};
use tenure_core::Text;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, count};
use crate::table::Table;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure dedup stats
  tenure dedup stats --from 2026-01-01 --to 2026-01-31
  tenure dedup stats --json | jq .duplicatesPrevented")]
pub(crate) struct Args {
    /// The first day in UTC: the sixth before the last by default
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<Text>,
    /// The last day in UTC: today by default
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<Text>,
}

pub(super) fn run(args: Args, context: &mut Context) -> Outcome {
    let params = DedupStatsParams {
        from: args.from,
        to: args.to,
    };
    context.run_and_print(&DEDUP_STATS, params, |context, stats| {
        print(context, &stats)?;
        Ok(Exit::DONE)
    })
}

fn print(context: &mut Context, stats: &DedupStats) -> Result<(), Failure> {
    let mut table = Table::new(&["DAY", "RUNS", "PREVENTED"]);
    for day in &stats.days {
        table.row(vec![
            (day.date.clone(), Style::Plain),
            (day.runs.to_string(), Style::Plain),
            (day.duplicates_prevented.to_string(), Style::Plain),
        ]);
    }
    let max = context.out.width().unwrap_or(usize::MAX);
    table.print(&mut context.out, true, max)?;
    let (prevented, runs) = (stats.duplicates_prevented, count(stats.runs, "run"));
    context.note(&format!("{prevented} of {runs} prevented"));
    Ok(())
}
