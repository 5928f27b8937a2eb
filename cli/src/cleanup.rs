//! `tenure cleanup`: removes sessions and records that have reached an age.

use tenure_apps::retention::records::CLEANUP_RECORDS;
use tenure_core::session::cleanup::{CLEANUP, PURGE};
use tenure_core::session::params::{CleanupParams, CleanupRecordsParams, PurgeParams};
use tenure_core::session::retention::Measure;
use tenure_core::{Millis, Status};

use crate::choice::{self, choice};
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::filter::any_of;
use crate::output::count;
use crate::{removal, time};

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
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, required_unless_present = "records")]
    max_age: Option<Millis>,
    /// Measure the age from the time created (the default) or updated
    #[arg(long, value_name = "FIELD", value_parser = choice([("created", Measure::Created), ("updated", Measure::Updated)]), hide_possible_values = true)]
    measure: Option<Measure>,
    /// Only sessions with one of these statuses
    #[arg(long, value_name = "STATUS,...", value_delimiter = ',', value_parser = choice::status(), hide_possible_values = true)]
    status: Vec<Status>,
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
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, requires = "records",
        conflicts_with_all = ["max_age", "measure", "status", "permanent", "trash"])]
    keep_audit: Option<Millis>,
    /// Report without removing anything
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    context.only_read(args.dry_run);
    // A timer with a misspelt store would clean up nothing, and say nothing.
    context.require_store()?;
    if args.records {
        return records(args.keep_audit, args.dry_run, context);
    }
    let age = args.max_age.unwrap_or_default();
    let dry_run = args.dry_run.then_some(true);
    if args.trash {
        let params = PurgeParams {
            older_than: age,
            dry_run,
            ..PurgeParams::default()
        };
        return context.run_and_print(&PURGE, params, |context, result| {
            removal::print(&result, "permanently removed", context)
        });
    }
    let params = CleanupParams {
        max_age: age,
        measure: args.measure,
        status: any_of(args.status),
        permanent: args.permanent.then_some(true),
        dry_run,
    };
    let verb = match args.permanent {
        true => "permanently removed",
        false => "moved to the trash",
    };
    context.run_and_print(&CLEANUP, params, |context, result| {
        removal::print(&result, verb, context)
    })
}

fn records(keep_audit: Option<Millis>, dry_run: bool, context: &mut Context) -> Outcome {
    let params = CleanupRecordsParams {
        keep_audit,
        dry_run: dry_run.then_some(true),
    };
    context.run_and_print(&CLEANUP_RECORDS, params, |context, cleaned| {
        let runs = count(cleaned.runs, "run");
        let entries = match cleaned.entries {
            1 => "1 entry".to_owned(),
            entries => format!("{entries} entries"),
        };
        let would = if dry_run { "would be " } else { "" };
        context.note(&format!(
            "{runs} and {entries} of the audit log {would}removed"
        ));
        Ok(Exit::DONE)
    })
}
