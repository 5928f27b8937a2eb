//! `tenure dedup list` and `tenure dedup clear`: the records of runs and commit locks.

use serde::Deserialize;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{clean, count};
use crate::params::Params;

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
    prefix: Option<String>,
    /// The most records to print: 50 by default, up to 1000
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Continue after a page, with --json
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

pub(super) fn list(args: List, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        items: Vec<Record>,
        next_cursor: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Record {
        key: String,
        holder: String,
        state: String,
        acquired_at: String,
        expires_at: Option<String>,
    }
    let params = Params::new()
        .flag("ended", args.all)
        .maybe("prefix", args.prefix)
        .maybe("limit", args.limit)
        .maybe("cursor", args.cursor);
    context.perform_and_print("dedupList", &params, |context, answer| {
        let page: Page = answer.read()?;
        for record in &page.items {
            let end = record.expires_at.as_deref().unwrap_or("-");
            let (key, holder) = (clean(&record.key), clean(&record.holder));
            let line = [&key, &holder, &*record.acquired_at, end, &record.state].join("\t");
            context.out.line(&line)?;
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
    prefix: Option<String>,
    /// Records of running runs, too
    #[arg(long)]
    force: bool,
}

pub(super) fn clear(args: Clear, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    struct Cleared {
        removed: u64,
    }
    if !args.ended && !args.force {
        let problem = "required, because it allows duplicates of running runs; or use --ended";
        return Err(Failure::usage("--force", problem));
    }
    let params = Params::new()
        .flag("ended", args.ended)
        .maybe("prefix", args.prefix);
    context.perform_and_print("dedupClear", &params, |context, answer| {
        let Cleared { removed } = answer.read()?;
        let cleared = format!("{} cleared", count(removed, "key"));
        context.out.line(&cleared)?;
        Ok(Exit::DONE)
    })
}
