//! `tenure cleanup`: removes sessions and records that have reached an age.

use serde::Deserialize;
use tenure_core::Millis;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::filter::statuses;
use crate::output::count;
use crate::params::Params;
use crate::removal::Removed;
use crate::time;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Active and paused sessions are kept unless --status names them. `tenure purge`
empties the trash in batches, with an optional archive.

Examples:
  tenure cleanup --max-age 30d --dry-run
  tenure cleanup --max-age 30d
  tenure cleanup --max-age 7d --status failed,abandoned --permanent
  tenure cleanup --max-age 14d --measure updated
  tenure cleanup --records --keep-audit 90d
  tenure purge --older-than 30d")]
pub(crate) struct Args {
    /// Remove sessions of at least this age: 30d, 12h, 90m
    #[arg(long, value_name = "DURATION", required_unless_present = "records")]
    max_age: Option<String>,
    /// Measure the age from the time created (the default) or updated
    #[arg(long, value_name = "FIELD", value_parser = ["created", "updated"], hide_possible_values = true)]
    measure: Option<String>,
    /// Only sessions with one of these statuses
    #[arg(long, value_name = "STATUS,...", value_delimiter = ',', value_parser = statuses(), hide_possible_values = true)]
    status: Vec<String>,
    /// Remove the sessions permanently instead of moving them to the trash
    #[arg(long)]
    permanent: bool,
    /// Permanently remove sessions that have been in the trash for this long
    #[arg(long, conflicts_with_all = ["measure", "status", "permanent"])]
    trash: bool,
    /// Remove expired runs and old entries of the audit log instead of sessions
    #[arg(long, conflicts_with_all = ["max_age", "measure", "status", "permanent", "trash"])]
    records: bool,
    /// With --records: the retention of the audit log; 365d by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, requires = "records", conflicts_with = "max_age")]
    keep_audit: Option<Millis>,
    /// Report without removing anything
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if args.records {
        return records(args.keep_audit, args.dry_run, context);
    }
    let (operation, params) = if args.trash {
        ("purge", Params::new().set("olderThan", args.max_age))
    } else {
        let params = Params::new()
            .set("maxAge", args.max_age)
            .maybe("measure", args.measure)
            .list("status", &args.status)
            .flag("permanent", args.permanent);
        ("cleanup", params)
    };
    let params = params.flag("dryRun", args.dry_run);
    let done = match args.trash || args.permanent {
        true => "permanently removed",
        false => "moved to the trash",
    };
    context.perform_and_print(operation, &params, |context, answer| {
        answer.read::<Removed>()?.print(done, context)
    })
}

fn records(keep_audit: Option<Millis>, dry_run: bool, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    struct Cleaned {
        runs: u64,
        entries: u64,
    }
    let params = Params::new()
        .maybe("keepAudit", keep_audit)
        .flag("dryRun", dry_run);
    context.perform_and_print("cleanupRecords", &params, |context, answer| {
        let Cleaned { runs, entries } = answer.read()?;
        let runs = count(runs, "run");
        let entries = match entries {
            1 => "1 entry".to_owned(),
            _ => format!("{entries} entries"),
        };
        let would = if dry_run { "would be " } else { "" };
        context.note(&format!(
            "{runs} and {entries} of the audit log {would}removed"
        ));
        Ok(Exit::DONE)
    })
}
