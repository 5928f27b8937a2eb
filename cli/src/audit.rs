//! `tenure audit`: what was decided and cleaned up, when, and about what.

use serde::Deserialize;
use serde_json::value::RawValue;
use tenure_core::Millis;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::clean;
use crate::params::Params;
use crate::time;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line for each entry, oldest first: time, kind, what it is about, all it says.
Kinds are such as agent.decision, agent.finalization, dedup.decision, dedup.run;
the part before the dot stands for all of them.

Examples:
  tenure audit --after 2026-01-08 --kind dedup
  tenure audit --subject $id
  tenure audit --purge 90d --dry-run")]
pub(crate) struct Args {
    /// Only what is of this moment or later
    #[arg(long, value_name = "TIME")]
    after: Option<String>,
    /// Only what is before this moment
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    /// Only of this kind, or of this group of kinds
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only about this session, or this key of a run
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// How many at most: 50 by default, up to 1000
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on after a page
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Remove what is of this age and older
    #[arg(long, value_name = "AGE", value_parser = time::parse_length,
        conflicts_with_all = ["after", "before", "kind", "subject", "limit", "cursor"])]
    purge: Option<Millis>,
    /// Only say how much would be removed
    #[arg(long, requires = "purge")]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Entry>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    at: String,
    kind: String,
    subject: Option<String>,
    data: Box<RawValue>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if let Some(age) = args.purge {
        return purge(age, args.dry_run, context);
    }
    let params = Params::new()
        .maybe("after", args.after)
        .maybe("before", args.before)
        .maybe("kind", args.kind)
        .maybe("subject", args.subject)
        .maybe("limit", args.limit)
        .maybe("cursor", args.cursor);
    context.tell("auditLog", &params, |context, answer| {
        let page: Page = answer.read()?;
        for entry in &page.items {
            let subject = clean(entry.subject.as_deref().unwrap_or("-"));
            let (kind, data) = (clean(&entry.kind), clean(entry.data.get()));
            let line = [&*entry.at, &*kind, &*subject, &*data].join("\t");
            context.out.line(&line)?;
        }
        if let Some(next) = &page.next_cursor {
            context.note(&format!("there may be more: --cursor {next}"));
        }
        Ok(Exit::DONE)
    })
}

fn purge(age: Millis, dry_run: bool, context: &mut Context) -> Outcome {
    #[derive(Deserialize)]
    struct Purged {
        removed: u64,
    }
    let params = Params::new().set("olderThan", age).flag("dryRun", dry_run);
    context.tell("auditPurge", &params, |context, answer| {
        let Purged { removed } = answer.read()?;
        let done = match dry_run {
            true => "would be removed",
            false => "removed",
        };
        let entries = match removed {
            1 => "1 entry".to_owned(),
            _ => format!("{removed} entries"),
        };
        context.out.line(&format!("{entries} {done}"))?;
        Ok(Exit::DONE)
    })
}
