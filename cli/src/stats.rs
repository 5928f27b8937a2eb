//! `tenure stats`: the number of sessions by status and mode, and their usage.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::filter::FilterArgs;
use crate::output::{Style, clean};
use crate::table::Table;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenure stats
  tenure stats --mode developer --created-after 2026-01-01
  tenure stats --json | jq .successRate")]
pub(crate) struct Args {
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats<'a> {
    total: u64,
    #[serde(borrow)]
    by_status: BTreeMap<&'a str, u64>,
    #[serde(borrow)]
    by_mode: BTreeMap<Cow<'a, str>, u64>,
    average_iterations: f64,
    success_rate: f64,
    finished_success_rate: f64,
    usage: Usage,
    #[serde(borrow)]
    usage_by_mode: BTreeMap<Cow<'a, str>, Usage>,
}

#[derive(Deserialize)]
struct Usage {
    tokens: Tokens,
    cost: f64,
}

#[derive(Deserialize)]
struct Tokens {
    prompt: u64,
    completion: u64,
    total: u64,
}

/// The most modes of the table; `--json` prints all of them.
const MODES: usize = 20;

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    context.perform_and_print("stats", &args.filter.params(), |context, answer| {
        print(context, &answer.read()?)?;
        Ok(Exit::DONE)
    })
}

fn print(context: &mut Context, stats: &Stats<'_>) -> Result<(), Failure> {
    let out = &mut context.out;
    let mut row = |name: &str, value: String, style: Style| -> Result<(), Failure> {
        out.styled(Style::Dim, &format!("{name:<22}"))?;
        out.styled(style, &value)?;
        Ok(out.write("\n")?)
    };
    row("Sessions", stats.total.to_string(), Style::Bold)?;
    for status in tenure_core::Status::ALL {
        let name = status.as_str();
        let count = stats.by_status.get(name).copied().unwrap_or(0);
        if count > 0 {
            row(
                &format!("  {name}"),
                count.to_string(),
                Style::of_status(name),
            )?;
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
    let Tokens {
        prompt,
        completion,
        total,
    } = stats.usage.tokens;
    let tokens = format!("{total} ({prompt} prompt, {completion} completion)");
    row("Tokens", tokens, plain)?;
    row("Cost", cost(stats.usage.cost), plain)?;
    if stats.by_mode.is_empty() {
        return Ok(());
    }
    let mut modes: Vec<_> = stats.by_mode.iter().collect();
    modes.sort_by_key(|&(mode, &count)| (std::cmp::Reverse(count), mode));
    let mut table = Table::new(&["SESSIONS", "TOKENS", "COST", "MODE"]);
    for (mode, count) in modes.iter().take(MODES) {
        let usage = stats.usage_by_mode.get(*mode);
        let tokens = usage.map_or(0, |usage| usage.tokens.total);
        table.row(vec![
            (count.to_string(), plain),
            (tokens.to_string(), plain),
            (cost(usage.map_or(0.0, |usage| usage.cost)), plain),
            (clean(mode).into_owned(), Style::Bold),
        ]);
    }
    context.out.write("\n")?;
    let max = context.out.width().unwrap_or(usize::MAX);
    table.print(&mut context.out, true, max)?;
    if modes.len() > MODES {
        let more = format!("and {} more modes\n", modes.len() - MODES);
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
