//! `tenure metrics`: the metrics of a store, as text for Prometheus.

use tenure_apps::metrics::operations::METRICS;
use tenure_apps::metrics::params::MetricsParams;
use tenure_host::metrics::{Format, text};

use crate::choice;
use crate::context::Context;
use crate::exit::{Exit, Outcome};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints what other processes have recorded in the store, and what follows from
its sessions and its audit log. For a program that scrapes, serve the store
with `tenure ui` and read /metrics; for the textfile collector of the node
exporter, write into its folder.

Examples:
  tenure metrics
  tenure metrics --format openmetrics
  tenure metrics --json | jq .derived.agents
  tenure metrics > /var/lib/node_exporter/tenure.prom.new &&
    mv /var/lib/node_exporter/tenure.prom.new /var/lib/node_exporter/tenure.prom")]
pub(crate) struct Args {
    /// The format of the text
    #[arg(long, value_name = "FORMAT", default_value = "prometheus",
          value_parser = choice::choice([
              ("prometheus", Format::Prometheus),
              ("openmetrics", Format::OpenMetrics),
          ]))]
    format: Format,
    /// Print only what was recorded, and compute nothing from sessions and the audit log
    #[arg(long)]
    recorded: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Outcome {
    let is_other = args.format != Format::default();
    context.refuse_with_json("--format", is_other, "which has no format")?;
    let params = MetricsParams {
        derive: Some(!args.recorded),
        ..MetricsParams::default()
    };
    let mut metrics = context.run(&METRICS, params)?;
    metrics.store_bytes = context.store_bytes()?.or(metrics.store_bytes);
    context.print(metrics, |context, metrics| {
        context.out.write(&text(&metrics, args.format)?)?;
        Ok(Exit::DONE)
    })
}
