//! `tenure stats`: the number of sessions by status, mode and model, and their usage; or their distribution.

use tenure_core::Status;
use tenure_core::session::params::StatsParams;
use tenure_core::session::read::STATS;
use tenure_core::session::stats::{ByName, Stats, TokenCounts, UsageTotals};

use crate::context::Context;
use crate::distribution::{self, DistributionArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::filter::FilterArgs;
use crate::output::{Style, clean};
use crate::table::Table;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure stats
  tenure stats --mode developer --created-after 2026-01-01
  tenure stats --by model
  tenure stats --json | jq .successRate")]
pub(crate) struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// The users whose usage --json prints, those with the most sessions: 0 to 1,000, 10 by default
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["distribution", "by"])]
    users: Option<u32>,
    #[command(flatten)]
    distribution: DistributionArgs,
}

/// The most rows of a table; `--json` prints all modes and models.
const ROWS: usize = 20;

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    if args.distribution.is_given() {
        return distribution::run(args.distribution, args.filter, context);
    }
    context.require_json("--users", args.users.is_some())?;
    let params = StatsParams {
        users: args.users,
        ..args.filter.stats_params(context)?
    };
    context.run_and_print(&STATS, params, |context, stats| {
        print(context, &stats)?;
        Ok(Exit::DONE)
    })
}

fn print(context: &mut Context, stats: &Stats) -> Result<(), Failure> {
    let out = &mut context.out;
    let mut row = |name: &str, value: String, style: Style| -> Result<(), Failure> {
        out.styled(Style::Dim, &format!("{name:<22}"))?;
        out.styled(style, &value)?;
        Ok(out.write("\n")?)
    };
    row("Sessions", stats.total.to_string(), Style::Bold)?;
    let counts = &stats.by_status;
    for (status, count) in [
        (Status::Active, counts.active),
        (Status::Paused, counts.paused),
        (Status::Completed, counts.completed),
        (Status::Failed, counts.failed),
        (Status::Timeout, counts.timeout),
        (Status::Abandoned, counts.abandoned),
    ] {
        if count > 0 {
            let style = Style::of_status(status);
            row(&format!("  {status}"), count.to_string(), style)?;
        }
    }
    let plain = Style::Plain;
    row("Completed of all", percent(stats.success_rate), plain)?;
    row(
        "Completed of finished",
        percent(stats.finished_success_rate),
        plain,
    )?;
    let average = format!("{:.1} per session", stats.average_iterations);
    row("Iterations", average, plain)?;
    let TokenCounts {
        prompt,
        completion,
        total,
    } = stats.usage.tokens;
    let tokens = format!("{total} ({prompt} prompt, {completion} completion)");
    row("Tokens", tokens, plain)?;
    row("Cost", cost(stats.usage.cost), plain)?;
    print_table(context, "MODE", &stats.by_mode, &stats.usage_by_mode)?;
    print_table(context, "MODEL", &stats.by_model, &stats.usage_by_model)
}

/// Prints the number of sessions of each name, and their usage.
fn print_table(
    context: &mut Context,
    title: &'static str,
    counts: &ByName<u64>,
    usage: &ByName<UsageTotals>,
) -> Result<(), Failure> {
    if counts.is_empty() {
        return Ok(());
    }
    let plain = Style::Plain;
    let mut names: Vec<_> = counts.iter().collect();
    names.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    let mut table = Table::new(&["SESSIONS", "TOKENS", "COST", title]);
    for (name, count) in names.iter().take(ROWS) {
        let usage = usage.get(name);
        let tokens = usage.as_ref().map_or(0, |usage| usage.tokens.total);
        table.row(vec![
            (count.to_string(), plain),
            (tokens.to_string(), plain),
            (cost(usage.map_or(0.0, |usage| usage.cost)), plain),
            (clean(name).into_owned(), Style::Bold),
        ]);
    }
    context.out.write("\n")?;
    let max = context.out.width().unwrap_or(usize::MAX);
    table.print(&mut context.out, true, max)?;
    if names.len() > ROWS {
        let more = format!("and {} more\n", names.len() - ROWS);
        context.out.styled(Style::Dim, &more)?;
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{share:.1} %")
}

/// A cost with four decimals, because a session may cost less than a cent.
fn cost(cost: f64) -> String {
    format!("{cost:.4}")
}
