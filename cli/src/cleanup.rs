//! `tenure cleanup`: removes what has reached an age.

use serde::Deserialize;

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::filter::statuses;
use crate::output::{clean, count};
use crate::params::Params;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Active and paused sessions are spared unless --status names them.

Examples:
  tenure cleanup --max-age 30d --dry-run
  tenure cleanup --max-age 30d
  tenure cleanup --max-age 7d --status failed,abandoned --permanent
  tenure cleanup --max-age 14d --measure updated
  tenure cleanup --trash --max-age 30d")]
pub(crate) struct Args {
    /// Sessions of this age and older go: 30d, 12h, 90m
    #[arg(long, value_name = "AGE")]
    max_age: String,
    /// Whether age counts from the start (created, the default) or from the
    /// last change (updated)
    #[arg(long, value_name = "TIME", value_parser = ["created", "updated"], hide_possible_values = true)]
    measure: Option<String>,
    /// Only of this status, or one of these
    #[arg(long, value_name = "STATUS,...", value_delimiter = ',', value_parser = statuses(), hide_possible_values = true)]
    status: Vec<String>,
    /// Remove them for good instead of putting them into the trash
    #[arg(long)]
    permanent: bool,
    /// Remove for good what has been in the trash for this time
    #[arg(long, conflicts_with_all = ["measure", "status", "permanent"])]
    trash: bool,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

#[derive(Deserialize)]
struct Removed<'a> {
    removed: u64,
    #[serde(borrow)]
    ids: Vec<&'a str>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
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
    let done = match (args.dry_run, args.trash || args.permanent) {
        (true, true) => "would be removed for good",
        (true, false) => "would be put into the trash",
        (false, true) => "removed for good",
        (false, false) => "put into the trash",
    };
    context.tell(operation, &params, |context, answer| {
        let Removed { removed, ids } = answer.read()?;
        for id in &ids {
            context.out.line(&clean(id))?;
        }
        let left_out = removed - ids.len() as u64;
        let more = match left_out {
            0 => String::new(),
            more => format!(" ({more} of them are not named)"),
        };
        context.note(&format!("{} {done}{more}", count(removed, "session")));
        Ok(Exit::DONE)
    })
}
