//! `tenure stats --distribution` and `--by`: percentiles of durations, costs and tokens, and a histogram of
//! iterations.

use tenure_core::session::distribution::{Distribution, IterationCount, Percentiles};
use tenure_core::session::params::DistributionParams;
use tenure_core::session::read::DISTRIBUTION;
use tenure_core::store::tally::GroupBy;

use crate::choice::choice;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::filter::FilterArgs;
use crate::output::{Style, clean};
use crate::table::{Cell, Table};
use crate::time;

#[derive(Debug, clap::Args)]
pub(crate) struct DistributionArgs {
    /// Print percentiles of durations, costs and tokens, and a histogram of iterations
    #[arg(long)]
    distribution: bool,
    /// Print the percentiles of each mode, model or user, too
    #[arg(long, value_name = "GROUP", value_parser = choice([("mode", GroupBy::Mode), ("model", GroupBy::Model), ("user", GroupBy::User)]))]
    by: Option<GroupBy>,
    /// The groups to print, those with the most sessions: 0 to 1,000, 10 by default
    #[arg(long, value_name = "NUMBER", requires = "by")]
    groups: Option<u32>,
}

impl DistributionArgs {
    /// Whether a distribution is asked for.
    pub(crate) fn is_given(&self) -> bool {
        self.distribution || self.by.is_some()
    }
}

pub(crate) fn run(args: DistributionArgs, filter: FilterArgs, context: &mut Context) -> Outcome {
    let params = DistributionParams {
        by: args.by,
        groups: args.groups,
        ..filter.distribution_params(context)?
    };
    let group = args.by.map(|by| match by {
        GroupBy::Mode => "MODE",
        GroupBy::Model => "MODEL",
        GroupBy::User => "USER",
    });
    context.run_and_print(&DISTRIBUTION, params, |context, distribution| {
        print(context, &distribution, group)?;
        Ok(Exit::DONE)
    })
}

fn print(
    context: &mut Context,
    distribution: &Distribution,
    group: Option<&'static str>,
) -> Result<(), Failure> {
    let max = context.out.width().unwrap_or(usize::MAX);
    let mut titles = vec!["SESSIONS"];
    for measure in ["DURATION P50", "COST P50", "TOKENS P50"] {
        titles.extend([measure, "P95"]);
    }
    titles.extend(group);
    let mut table = Table::new(&titles);
    let mut row = |sessions: u64, measures: [Option<Percentiles>; 3], name: &str| {
        let [durations, costs, tokens] = measures;
        let mut cells = vec![plain(sessions.to_string())];
        cells.extend(shown(durations, time::in_two_units));
        cells.extend(shown(costs, |cost| format!("{cost:.4}")));
        cells.extend(shown(tokens, |tokens| tokens.to_string()));
        if group.is_some() {
            cells.push((clean(name).into_owned(), Style::Bold));
        }
        table.row(cells);
    };
    let of_all = [
        distribution.duration_ms,
        distribution.cost,
        distribution.tokens,
    ];
    row(distribution.total, of_all, "(all)");
    for of in &distribution.groups {
        let measures = [of.duration_ms, of.cost, of.tokens];
        row(
            of.sessions,
            measures,
            of.name.as_deref().unwrap_or("(none)"),
        );
    }
    table.print(&mut context.out, true, max)?;
    if distribution.groups_omitted > 0 {
        let more = format!("and {} more\n", distribution.groups_omitted);
        context.out.styled(Style::Dim, &more)?;
    }
    context.out.write("\n")?;
    let mut table = Table::new(&["ITERATIONS", "SESSIONS"]);
    for IterationCount { from, to, sessions } in &distribution.iterations {
        let part = match to {
            Some(to) if to == from => from.to_string(),
            Some(to) => format!("{from} to {to}"),
            None => format!("{from} or more"),
        };
        table.row(vec![plain(part), plain(sessions.to_string())]);
    }
    Ok(table.print(&mut context.out, true, max)?)
}

fn plain(text: String) -> Cell {
    (text, Style::Plain)
}

/// The cells of the percentiles of a measure.
fn shown(of: Option<Percentiles>, show: impl Fn(f64) -> String) -> [Cell; 2] {
    let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), &show);
    let (median, p95) = (of.map(|of| of.median), of.map(|of| of.p95));
    [plain(cell(median)), (cell(p95), Style::Dim)]
}
