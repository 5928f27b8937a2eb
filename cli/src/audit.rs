//! `tenure audit`: reads the audit log, and removes old entries from it.

use tenure_apps::retention::records::AUDIT_PURGE;
use tenure_core::audit::operations::AUDIT_LOG;
use tenure_core::audit::params::{AuditLogParams, AuditPurgeParams};
use tenure_core::store::filter::Direction;
use tenure_core::{Millis, Text, Timestamp};

use crate::choice;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::clean;
use crate::session_id::SessionIdArg;
use crate::time;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints a line for each entry, oldest first or with --reverse newest first: time,
kind, subject, data. Examples of kinds are agent.decision, agent.finalization,
dedup.decision and dedup.run; the part before the dot selects all kinds of the
group.

Examples:
  tenure audit --after 2026-01-08 --kind dedup
  tenure audit --subject $id
  tenure audit --reverse --limit 20
  tenure audit --purge 90d --dry-run")]
pub(crate) struct Args {
    /// Only entries at this time or later
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    after: Option<Timestamp>,
    /// Only entries before this time
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    before: Option<Timestamp>,
    /// Only entries of this kind, or group of kinds
    #[arg(long, value_name = "KIND")]
    kind: Option<Text>,
    /// Only entries about this session id or run key
    #[arg(long, value_name = "ID")]
    subject: Option<SessionIdArg>,
    /// Print the newest entries first
    #[arg(long)]
    reverse: bool,
    /// The most entries to print: 50 by default, up to 1000
    #[arg(long, value_name = "N", value_parser = choice::limit)]
    limit: Option<u32>,
    /// Continue after a page
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Text>,
    /// Remove entries of at least this age
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration,
        conflicts_with_all = ["after", "before", "kind", "subject", "reverse", "limit", "cursor"])]
    purge: Option<Millis>,
    /// With --purge: count the entries without removing them
    // `requires` alone has no effect beside an option that conflicts with `--purge`.
    #[arg(long, requires = "purge",
        conflicts_with_all = ["after", "before", "kind", "subject", "reverse", "limit", "cursor"])]
    dry_run: bool,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if let Some(age) = args.purge {
        return purge(age, args.dry_run, context);
    }
    let subject = context.maybe_session_id(args.subject)?;
    let params = AuditLogParams {
        after: args.after,
        before: args.before,
        kind: args.kind,
        subject,
        order: args.reverse.then_some(Direction::Desc),
        limit: args.limit,
        cursor: args.cursor,
    };
    context.run_and_print(&AUDIT_LOG, params, |context, page| {
        for entry in &page.items {
            let subject = clean(entry.subject.as_deref().unwrap_or("-"));
            let (kind, data) = (clean(&entry.kind), clean(entry.data.as_str()));
            let line = [&*entry.at.to_string(), &*kind, &*subject, &*data].join("\t");
            context.out.line(&line)?;
        }
        if let Some(next) = &page.next_cursor {
            context.note(&format!("more entries may exist: --cursor {next}"));
        }
        Ok(Exit::DONE)
    })
}

fn purge(age: Millis, dry_run: bool, context: &mut Context) -> Outcome {
    context.only_read(dry_run);
    let params = AuditPurgeParams {
        older_than: age,
        dry_run: dry_run.then_some(true),
    };
    context.run_and_print(&AUDIT_PURGE, params, |context, purged| {
        let verb = match dry_run {
            true => "would be removed",
            false => "removed",
        };
        let entries = match purged.removed {
            1 => "1 entry".to_owned(),
            removed => format!("{removed} entries"),
        };
        context.out.line(&format!("{entries} {verb}"))?;
        Ok(Exit::DONE)
    })
}
