//! `tenure dedup list` and `tenure dedup clear`: the records of runs and commit locks.

use tenure_apps::dedup::operations::{DEDUP_CLEAR, DEDUP_LIST};
use tenure_apps::dedup::params::{DedupClearParams, DedupListParams};
use tenure_core::Text;

use crate::choice;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{clean, count, name_of};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints a line for each record: key, run, acquired, expires, state.

Examples:
  tenure dedup list
  tenure dedup list --all --prefix my-workflow-")]
pub(crate) struct List {
    /// Expired records, too
    #[arg(long)]
    all: bool,
    /// Only keys with this prefix
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<Text>,
    /// The most records to print: 50 by default, up to 1000
    #[arg(long, value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
    /// Continue after a page, with --json
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Text>,
}

pub(super) fn list(args: List, context: &mut Context) -> Outcome {
    let params = DedupListParams {
        prefix: args.prefix,
        ended: args.all.then_some(true),
        limit: args.limit,
        cursor: args.cursor,
    };
    context.run_and_print(&DEDUP_LIST, params, |context, page| {
        for record in &page.items {
            let end = record.expires_at.map(|end| end.to_string());
            let line = [
                &*clean(&record.key),
                &*clean(&record.holder),
                &record.acquired_at.to_string(),
                end.as_deref().unwrap_or("-"),
                &name_of(record.state),
            ];
            context.out.line(&line.join("\t"))?;
        }
        if page.next_cursor.is_some() {
            context.note("more records exist: use --limit, or --json for a cursor");
        }
        Ok(Exit::DONE)
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure dedup clear --ended
  tenure dedup clear --prefix my-workflow- --force")]
pub(crate) struct Clear {
    /// Only expired records
    #[arg(long)]
    ended: bool,
    /// Only keys with this prefix
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<Text>,
    /// Records of running runs, too
    #[arg(long, conflicts_with = "ended")]
    force: bool,
}

pub(super) fn clear(args: Clear, context: &mut Context) -> Outcome {
    if !args.ended && !args.force {
        let problem = "required, because it allows duplicates of running runs; or use --ended";
        return Err(Failure::usage("--force", problem));
    }
    let params = DedupClearParams {
        prefix: args.prefix,
        ended: args.ended.then_some(true),
    };
    context.run_and_print(&DEDUP_CLEAR, params, |context, cleared| {
        let keys = count(cleared.removed, "key");
        context.out.line(&format!("{keys} cleared"))?;
        Ok(Exit::DONE)
    })
}
