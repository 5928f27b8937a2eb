//! `tenure agent stats`: metrics of agents against their targets, and the size of the store on disk.

use tenure_apps::agent_stats::AGENT_STATS;
use tenure_apps::agent_stats::{AgentStats, AgentStatsParams, Wanted};
use tenure_core::{Millis, Phase, Text};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Style, clean};
use crate::store::CommandStore;
use crate::table::Table;
use crate::time;

/// The most agents of the table; `--json` prints all of them.
const AGENTS: usize = 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Resumed: the share of hook decisions that resume an agent. Resumed successfully:
the share of resumed and finalized agents that are completed. The size on disk
is that of the store; with --agent it is the size of the texts.

Examples:
  tenure agent stats
  tenure agent stats --agent deployer
  tenure agent stats --json | jq .resumeRate.value")]
pub(crate) struct Args {
    /// Only agents with this name
    #[arg(long, value_name = "NAME")]
    agent: Option<Text>,
    /// Count decisions, finalizations and cleanups of this long: 30d by default
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    within: Option<Millis>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Outcome {
    // The sessions of one agent have no files of their own.
    let disk = match args.agent {
        Some(_) => None,
        None => CommandStore::of(context.globals.store.as_deref())?.size_on_disk(),
    };
    let params = AgentStatsParams {
        agent_name: args.agent,
        disk_bytes: disk,
        within: args.within,
        ..AgentStatsParams::default()
    };
    context.run_and_print(&AGENT_STATS, params, |context, stats| {
        print(context, &stats, disk.is_some())?;
        Ok(Exit::DONE)
    })
}

fn print(context: &mut Context, stats: &AgentStats, on_disk: bool) -> Result<(), Failure> {
    let out = &mut context.out;
    let mut row = |name: &str, value: &str| -> Result<(), Failure> {
        out.styled(Style::Dim, &format!("{name:<16}"))?;
        Ok(out.line(value)?)
    };
    let (total, active) = (stats.total, stats.active);
    row("Agents", &format!("{total}, {active} not finalized"))?;
    let counts = &stats.by_phase;
    for (phase, count) in [
        (Phase::Initializing, counts.initializing),
        (Phase::Investigating, counts.investigating),
        (Phase::Planning, counts.planning),
        (Phase::Approval, counts.approval),
        (Phase::Executing, counts.executing),
        (Phase::Validating, counts.validating),
        (Phase::Completed, counts.completed),
        (Phase::Failed, counts.failed),
        (Phase::Abandoned, counts.abandoned),
    ] {
        if count > 0 {
            row(&format!("  {phase}"), &count.to_string())?;
        }
    }
    row("Created", &format!("{:.1} per day", stats.created_per_day))?;
    let (resumed, decisions) = (stats.resumed, stats.decisions);
    row("Resumed", &format!("{resumed} of {decisions} times"))?;
    if let Some(size) = stats.text_bytes {
        row("Stored text", &bytes(size as f64))?;
    }
    let last = stats.last_cleanup.map(|at| at.to_string());
    row("Last cleanup", last.as_deref().unwrap_or("never"))?;
    out.write("\n")?;

    let max = out.width().unwrap_or(usize::MAX);
    let mut table = Table::new(&["METRIC", "VALUE", "TARGET", ""]);
    let storage = if on_disk {
        "size on disk"
    } else {
        "stored text"
    };
    let percent: fn(f64) -> String = |value| format!("{value:.1} %");
    let metrics = [
        ("resumed", &stats.resume_rate, percent),
        ("resumed successfully", &stats.resume_success_rate, percent),
        (
            "median duration",
            &stats.median_duration_ms,
            time::in_two_units,
        ),
        (
            "95th percentile",
            &stats.p95_duration_ms,
            time::in_two_units,
        ),
        ("error rate", &stats.error_rate, percent),
        (storage, &stats.storage_bytes, bytes),
    ];
    for (name, metric, show) in metrics {
        let sign = match metric.wanted {
            Wanted::Above => ">",
            Wanted::Below => "<",
        };
        let (word, style) = match metric.met {
            Some(true) => ("ok", Style::Green),
            Some(false) => ("missed", Style::Red),
            None => ("", Style::Plain),
        };
        table.row(vec![
            (name.to_owned(), Style::Plain),
            (
                metric.value.map_or_else(|| "-".to_owned(), show),
                Style::Bold,
            ),
            (format!("{sign} {}", show(metric.target)), Style::Dim),
            (word.to_owned(), style),
        ]);
    }
    table.print(out, true, max)?;

    if stats.by_agent.is_empty() {
        return Ok(());
    }
    let mut agents: Vec<_> = stats.by_agent.iter().collect();
    agents.sort_by_key(|&(name, &count)| (std::cmp::Reverse(count), name));
    let mut table = Table::new(&["SESSIONS", "AGENT"]);
    for (name, count) in agents.iter().take(AGENTS) {
        table.row(vec![
            (count.to_string(), Style::Plain),
            (clean(name).into_owned(), Style::Bold),
        ]);
    }
    out.write("\n")?;
    table.print(out, true, max)?;
    if agents.len() > AGENTS {
        let more = format!("and {} more agents\n", agents.len() - AGENTS);
        out.styled(Style::Dim, &more)?;
    }
    Ok(())
}

fn bytes(bytes: f64) -> String {
    match bytes {
        ..1e3 => format!("{bytes:.0} B"),
        1e3..1e6 => format!("{:.1} KB", bytes / 1e3),
        _ => format!("{:.1} MB", bytes / 1e6),
    }
}
