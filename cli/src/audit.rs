//! `tenure audit`: reads the audit log, and removes old entries from it.

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
Prints a line for each entry, oldest first: time, kind, subject, data. Examples
of kinds are agent.decision, agent.finalization, dedup.decision and dedup.run;
the part before the dot selects all kinds of the group.

Examples:
  tenure audit --after 2026-01-08 --kind dedup
  tenure audit --subject $id
  tenure audit --purge 90d --dry-run")]
pub(crate) struct Args {
    /// Only entries at this time or later
    #[arg(long, value_name = "TIME")]
    after: Option<String>,
    /// Only entries before this time
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    /// Only entries of this kind, or group of kinds
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only entries about this session id or run key
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// The most entries to print: 50 by default, up to 1000
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Continue after a page
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Remove entries of at least this age
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration,
        conflicts_with_all = ["after", "before", "kind", "subject", "limit", "cursor"])]
    purge: Option<Millis>,
    /// With --purge: count the entries without removing them
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
    context.perform_and_print("auditLog", &params, |context, answer| {
        let page: Page = answer.read()?;
        for entry in &page.items {
            let subject = clean(entry.subject.as_deref().unwrap_or("-"));
            let (kind, data) = (clean(&entry.kind), clean(entry.data.get()));
            let line = [&*entry.at, &*kind, &*subject, &*data].join("\t");
            context.out.line(&line)?;
        }
        if let Some(next) = &page.next_cursor {
            context.note(&format!("more entries may exist: --cursor {next}"));
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
    context.perform_and_print("auditPurge", &params, |context, answer| {
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
