//! `tenure cleanup`: removes what has reached an age.

use crate::context::Context;
use crate::exit::Outcome;
use crate::filter::statuses;
use crate::params::Params;
use crate::removed::Removed;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Active and paused sessions are spared unless --status names them. `tenure purge`
empties the trash in batches, and can archive what goes.

Examples:
  tenure cleanup --max-age 30d --dry-run
  tenure cleanup --max-age 30d
  tenure cleanup --max-age 7d --status failed,abandoned --permanent
  tenure cleanup --max-age 14d --measure updated
  tenure purge --older-than 30d")]
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
    let done = match args.trash || args.permanent {
        true => "removed for good",
        false => "put into the trash",
    };
    context.tell(operation, &params, |context, answer| {
        answer.read::<Removed>()?.print(done, context)
    })
}
