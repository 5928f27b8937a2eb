//! `tenure dedup list` and `tenure dedup clear`: what is kept of runs and of commits.

use serde::Deserialize;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{clean, count};
use crate::params::Params;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line for each: key, run, since, until, state.

Examples:
  tenure dedup list
  tenure dedup list --all --prefix my-workflow-")]
pub(crate) struct List {
    /// Those that keep nobody away any more, too
    #[arg(long)]
    all: bool,
    /// Only those whose keys begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// How many at most: 50 by default, up to 1000
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on after a page, with --json
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

pub(super) fn list(args: List, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        items: Vec<Kept>,
        next_cursor: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kept {
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
    context.tell("dedupList", &params, |context, answer| {
        let page: Page = answer.read()?;
        for kept in &page.items {
            let end = kept.expires_at.as_deref().unwrap_or("-");
            let (key, holder) = (clean(&kept.key), clean(&kept.holder));
            let line = [&key, &holder, &*kept.acquired_at, end, &kept.state].join("\t");
            context.out.line(&line)?;
        }
        if page.next_cursor.is_some() {
            context.note("there are more: --limit shows up to 1000, --json where to go on");
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
    /// Only those that keep nobody away any more
    #[arg(long)]
    ended: bool,
    /// Only those whose keys begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Those of runs that are under way, too
    #[arg(long)]
    force: bool,
}

pub(super) fn clear(args: Clear, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    struct Cleared {
        removed: u64,
    }
    if !args.ended && !args.force {
        let problem = "expected, as runs that are under way may be repeated then; or else --ended";
        return Err(Failure::usage("--force", problem));
    }
    let params = Params::new()
        .flag("ended", args.ended)
        .maybe("prefix", args.prefix);
    context.tell("dedupClear", &params, |context, answer| {
        let Cleared { removed } = answer.read()?;
        let forgotten = format!("{} forgotten", count(removed, "key"));
        context.out.line(&forgotten)?;
        Ok(Exit::DONE)
    })
}
