//! The text of metrics, in the formats that Prometheus reads: its own, and OpenMetrics.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use tenure_apps::metrics::derived::Derived;
use tenure_apps::metrics::families::{FAMILIES, Kind, SEPARATOR};
use tenure_apps::metrics::histogram::{CALLS, Histogram};
use tenure_apps::metrics::own::{PoolUse, ProcessUse};
use tenure_apps::metrics::params::Metrics;
use tenure_core::{Error, Result};

/// A format of the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, version 0.0.4.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text of metrics.
///
/// # Errors
/// `INTERNAL`.
pub fn text(metrics: &Metrics, format: Format) -> Result<String> {
    let families = families(metrics);
    let counters = families.iter().filter(|family| family.is_counter());
    let counters: Vec<&'static str> = counters.map(|family| family.name).collect();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposition(families)));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| Error::internal("metrics have no text"))?;
    Ok(match format {
        Format::OpenMetrics => text,
        Format::Prometheus => in_prometheus_format(&text, &counters),
    })
}

/// The text of the metrics that the operation `metrics` has replied, as JSON.
///
/// # Errors
/// `INTERNAL` for what is no such reply.
pub fn text_of_reply(reply: &str, format: Format) -> Result<String> {
    let metrics: Metrics = serde_json::from_str(reply)
        .map_err(|error| Error::internal(format!("metrics cannot be read: {error}")))?;
    text(&metrics, format)
}

/// OpenMetrics names a counter without its suffix, Prometheus' own format with it.
fn in_prometheus_format(text: &str, counters: &[&str]) -> String {
    let mut lines = String::with_capacity(text.len() + 1024);
    for line in text.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        let is_about = matches!(
            (words.next(), words.next()),
            (Some("#"), Some("HELP" | "TYPE"))
        );
        match (is_about, words.next()) {
            (true, Some(name)) if counters.contains(&name) => {
                let rest = words.next().unwrap_or_default();
                let about = line.get(..6).unwrap_or_default();
                lines.extend([about, " ", name, "_total ", rest]);
            }
            _ => lines.push_str(line),
        }
        lines.push('\n');
    }
    lines
}

/// A metric with its values.
#[derive(Debug)]
struct Exposed {
    name: &'static str,
    help: &'static str,
    samples: Samples,
}

/// The values of a metric, by their labels.
#[derive(Debug)]
enum Samples {
    Counters(Vec<(Labels, f64)>),
    Gauges(Vec<(Labels, f64)>),
    Durations(&'static [u64], Vec<(Labels, Histogram)>),
}

/// The names and values of labels. The values are plain words, which no format escapes.
type Labels = Vec<(&'static str, String)>;

impl Exposed {
    fn is_counter(&self) -> bool {
        matches!(self.samples, Samples::Counters(_))
    }

    fn is_empty(&self) -> bool {
        match &self.samples {
            Samples::Counters(samples) | Samples::Gauges(samples) => samples.is_empty(),
            Samples::Durations(_, samples) => samples.is_empty(),
        }
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let metric_type = match &self.samples {
            Samples::Counters(_) => MetricType::Counter,
            Samples::Gauges(_) => MetricType::Gauge,
            Samples::Durations(..) => MetricType::Histogram,
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, metric_type)?;
        match &self.samples {
            Samples::Counters(samples) => each(&mut metric, samples, |metric, value| {
                metric.encode_counter::<NoLabelSet, f64, f64>(value, None)
            }),
            Samples::Gauges(samples) => each(&mut metric, samples, |metric, value| {
                metric.encode_gauge(value)
            }),
            Samples::Durations(bounds, samples) => each(&mut metric, samples, |metric, value| {
                let buckets = buckets(bounds, value);
                let sum = seconds(value.sum_us);
                metric.encode_histogram::<NoLabelSet>(sum, value.count(), &buckets, None)
            }),
        }
    }
}

/// Encodes each sample with its labels.
fn each<T>(
    metric: &mut MetricEncoder<'_>,
    samples: &[(Labels, T)],
    encode: impl Fn(&mut MetricEncoder<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (labels, value) in samples {
        match labels.is_empty() {
            true => encode(metric, value)?,
            false => encode(&mut metric.encode_family(labels)?, value)?,
        }
    }
    Ok(())
}

/// The number of measurements in each bucket, by its upper bound in seconds. The last one is above all bounds, which
/// the library writes as `+Inf`.
fn buckets(bounds: &[u64], histogram: &Histogram) -> Vec<(f64, u64)> {
    let bounds = bounds.iter().map(|bound| seconds(*bound)).chain([f64::MAX]);
    let counts = histogram.counts.iter().copied().chain(std::iter::repeat(0));
    bounds.zip(counts).collect()
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// What is shown, as the library collects it.
#[derive(Debug)]
struct Exposition(Vec<Exposed>);

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|family| family.encode(&mut encoder))
    }
}

/// All that is shown, in a fixed order. A metric without values is left out, but for counters whose labels have known
/// values and histograms without labels. These begin with zero: a rate is seen from the first event on.
fn families(metrics: &Metrics) -> Vec<Exposed> {
    let mut shown = vec![Exposed {
        name: "tenure_build_info",
        help: "The version of Tenure that has answered.",
        samples: Samples::Gauges(vec![(
            vec![("version", env!("CARGO_PKG_VERSION").to_owned())],
            1.0,
        )]),
    }];
    shown.push(gauge(
        "tenure_metrics_handles",
        "The handles whose counts are added up.",
        metrics.handles as f64,
    ));
    shown.push(gauge(
        "tenure_metrics_incomplete",
        "Whether there were more records than are read, or some that only a newer version can read: 1 if so.",
        f64::from(u8::from(metrics.is_incomplete)),
    ));
    shown.extend(counted(metrics));
    shown.extend(processes(&metrics.processes));
    if let Some(bytes) = metrics.store_bytes {
        shown.push(gauge(
            "tenure_store_size_bytes",
            "The size of the store on disk.",
            bytes as f64,
        ));
    }
    if let Some(derived) = &metrics.derived {
        shown.extend(derived_families(derived));
    }
    shown.retain(|family| !family.is_empty());
    shown
}

/// What handles have counted.
fn counted(metrics: &Metrics) -> impl Iterator<Item = Exposed> {
    let counts = &metrics.counts;
    FAMILIES.iter().map(move |family| {
        let labels = |values: &str| -> Labels {
            let values = values.split(SEPARATOR).map(str::to_owned);
            family.labels.iter().copied().zip(values).collect()
        };
        let samples = match family.kind {
            Kind::Counter => Samples::Counters(series(
                counts.counters.get(family.id),
                family.known_labels(),
                labels,
                |n| *n as f64,
            )),
            Kind::Durations(bounds) => Samples::Durations(
                bounds,
                series(
                    counts.histograms.get(family.id),
                    family.labels.is_empty().then(String::new),
                    labels,
                    Histogram::clone,
                ),
            ),
        };
        Exposed {
            name: family.name,
            help: family.help,
            samples,
        }
    })
}

/// The values of a family, by their labels. Those of `known` labels are there in any case.
fn series<T: Default, V>(
    found: Option<&BTreeMap<String, T>>,
    known: impl IntoIterator<Item = String>,
    labels: impl Fn(&str) -> Labels,
    value: impl Fn(&T) -> V,
) -> Vec<(Labels, V)> {
    let zero = T::default();
    let known: Vec<String> = known.into_iter().collect();
    let mut values: BTreeMap<&str, &T> = known.iter().map(|key| (&**key, &zero)).collect();
    values.extend(
        found
            .into_iter()
            .flatten()
            .map(|(key, found)| (&**key, found)),
    );
    let values = values.into_iter();
    values
        .map(|(key, found)| (labels(key), value(found)))
        .collect()
}

/// What processes use. Each is a label: there are no more of them than handles.
fn processes(processes: &[ProcessUse]) -> [Exposed; 8] {
    fn by_process<T>(
        processes: &[ProcessUse],
        value: impl Fn(&ProcessUse) -> Option<T>,
    ) -> Vec<(Labels, T)> {
        let of = |process: &ProcessUse| {
            let label = vec![("process", process.name.clone())];
            value(process).map(|value| (label, value))
        };
        processes.iter().filter_map(of).collect()
    }
    fn by_pool(processes: &[ProcessUse], value: fn(&PoolUse) -> u64) -> Vec<(Labels, f64)> {
        by_process(processes, |process| {
            process.pool.as_ref().map(|pool| value(pool) as f64)
        })
    }
    let in_state = |state: &str, counts: Vec<(Labels, f64)>| {
        let labeled = counts.into_iter().map(|(mut labels, count)| {
            labels.push(("state", state.to_owned()));
            (labels, count)
        });
        labeled.collect::<Vec<_>>()
    };
    let active = in_state("active", by_pool(processes, |pool| pool.active));
    let idle = in_state("idle", by_pool(processes, |pool| pool.idle));
    let connections = [active, idle].concat();
    let exposed = |name, help, samples| Exposed {
        name,
        help,
        samples,
    };
    [
        exposed(
            "tenure_process_cpu_seconds",
            "The CPU time of a process.",
            Samples::Counters(by_process(processes, |process| process.cpu_us.map(seconds))),
        ),
        exposed(
            "tenure_process_resident_memory_bytes",
            "The resident memory of a process.",
            Samples::Gauges(by_process(processes, |process| {
                process.resident_bytes.map(|bytes| bytes as f64)
            })),
        ),
        exposed(
            "tenure_store_pool_connections",
            "The connections of a process to the database, by state.",
            Samples::Gauges(connections),
        ),
        exposed(
            "tenure_store_pool_max_connections",
            "The greatest number of connections of a process to the database.",
            Samples::Gauges(by_pool(processes, |pool| pool.max)),
        ),
        exposed(
            "tenure_store_pool_waiting_calls",
            "The calls that wait for a connection.",
            Samples::Gauges(by_pool(processes, |pool| pool.waiting)),
        ),
        exposed(
            "tenure_store_pool_acquisitions",
            "How many times a call has got a connection.",
            Samples::Counters(by_pool(processes, |pool| pool.waits.count())),
        ),
        exposed(
            "tenure_store_pool_failures",
            "How many times a connection could not be opened, or was not free in time.",
            Samples::Counters(by_pool(processes, |pool| pool.failures)),
        ),
        exposed(
            "tenure_store_pool_wait_duration_seconds",
            "How long calls have waited for a connection.",
            Samples::Durations(
                CALLS,
                by_process(processes, |process| {
                    process.pool.as_ref().map(|pool| pool.waits.clone())
                }),
            ),
        ),
    ]
}

/// What follows from what is stored.
fn derived_families(derived: &Derived) -> Vec<Exposed> {
    let agents = &derived.agents;
    let by = |label: &'static str, values: &BTreeMap<String, u64>| {
        let values = values.iter();
        let samples = values.map(|(name, value)| (vec![(label, name.clone())], *value as f64));
        Samples::Gauges(samples.collect())
    };
    let words = |label: &'static str, values: &[(&str, u64)]| {
        let values = values.iter();
        let samples =
            values.map(|(name, value)| (vec![(label, (*name).to_owned())], *value as f64));
        Samples::Gauges(samples.collect())
    };
    let optional = |value: Option<f64>| {
        Samples::Gauges(
            value
                .map(|value| (Labels::new(), value))
                .into_iter()
                .collect(),
        )
    };
    let exposed = |name, help, samples| Exposed {
        name,
        help,
        samples,
    };
    vec![
        exposed(
            "tenure_sessions",
            "The sessions outside of the trash, by status.",
            by("status", &derived.sessions),
        ),
        exposed(
            "tenure_usage_tokens",
            "The tokens of the sessions outside of the trash.",
            words(
                "kind",
                &[
                    ("prompt", derived.prompt_tokens),
                    ("completion", derived.completion_tokens),
                ],
            ),
        ),
        gauge(
            "tenure_usage_cost",
            "The cost of the sessions outside of the trash, in the user's unit.",
            derived.cost,
        ),
        exposed(
            "tenure_agents",
            "The agents outside of the trash, by phase.",
            by("phase", &agents.phases),
        ),
        gauge(
            "tenure_agents_created_per_day",
            "The agents created per day, since the first one.",
            agents.created_per_day,
        ),
        exposed(
            "tenure_agent_decisions",
            "The decisions of the last 30 days whether to resume an agent.",
            words(
                "resume",
                &[
                    ("true", agents.resumed),
                    ("false", agents.decisions.saturating_sub(agents.resumed)),
                ],
            ),
        ),
        exposed(
            "tenure_agent_resume_ratio",
            "The share of decisions to resume.",
            optional(agents.resume_ratio),
        ),
        exposed(
            "tenure_agent_resume_success_ratio",
            "The share of completed agents among those that were resumed and have ended.",
            optional(agents.resume_success_ratio),
        ),
        exposed(
            "tenure_agent_duration_median_seconds",
            "The median of the durations of ended agents.",
            optional(agents.duration_median_seconds),
        ),
        exposed(
            "tenure_agent_duration_p95_seconds",
            "The 95th percentile of the durations of ended agents.",
            optional(agents.duration_p95_seconds),
        ),
        exposed(
            "tenure_agent_error_ratio",
            "The share of agents that have met errors or failed.",
            optional(agents.error_ratio),
        ),
        exposed(
            "tenure_agent_last_cleanup_timestamp_seconds",
            "When the last cleanup of agents ended, of the last 30 days.",
            optional(agents.last_cleanup_seconds),
        ),
    ]
}

fn gauge(name: &'static str, help: &'static str, value: f64) -> Exposed {
    Exposed {
        name,
        help,
        samples: Samples::Gauges(vec![(Labels::new(), value)]),
    }
}

/// An answer with metrics.
#[derive(Deserialize)]
struct Replied {
    ok: Metrics,
}

/// The metrics in an answer of the bridge; `None` for one that is an error.
pub fn metrics_of(answer: &str) -> Option<Metrics> {
    let replied: Replied = serde_json::from_str(answer).ok()?;
    Some(replied.ok)
}

#[cfg(test)]
mod tests {
    use tenure_apps::metrics::counts::Counts;
    use tenure_apps::metrics::families::{OPERATIONS, SLOT_LOOKUP_DURATION};

    use super::*;

    fn sample() -> Metrics {
        let mut counts = Counts::default();
        counts.count(&OPERATIONS, &["start", "ok"], 3);
        let mut durations = Histogram::default();
        [400, 600, 6_000_000]
            .into_iter()
            .for_each(|us| durations.add(CALLS, us));
        counts.durations(&SLOT_LOOKUP_DURATION, &[], &durations);
        Metrics {
            counts,
            handles: 2,
            processes: vec![ProcessUse {
                name: "bot-1:7".to_owned(),
                cpu_us: Some(1_500_000),
                ..ProcessUse::default()
            }],
            derived: Some(Derived::default()),
            ..Metrics::default()
        }
    }

    /// The lines about one metric.
    fn about<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
        text.lines().filter(|line| line.contains(name)).collect()
    }

    #[test]
    fn a_counter_has_its_suffix_in_prometheus_format_everywhere() {
        let text = text(&sample(), Format::Prometheus).unwrap();
        assert_eq!(
            about(&text, "tenure_operations"),
            [
                "# HELP tenure_operations_total Operations by name and outcome: ok, asked, or the class of the error.",
                "# TYPE tenure_operations_total counter",
                r#"tenure_operations_total{operation="start",outcome="ok"} 3.0"#,
            ]
        );
        assert!(!text.contains("# EOF") && text.ends_with('\n'));
    }

    #[test]
    fn openmetrics_ends_with_its_mark() {
        let text = text(&sample(), Format::OpenMetrics).unwrap();
        assert!(
            text.contains("# TYPE tenure_operations counter\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn a_histogram_is_cumulative_and_in_seconds() {
        let text = text(&sample(), Format::Prometheus).unwrap();
        let lines = about(&text, "tenure_slot_lookup_duration_seconds");
        for line in [
            r#"tenure_slot_lookup_duration_seconds_bucket{le="0.0005"} 1"#,
            r#"tenure_slot_lookup_duration_seconds_bucket{le="0.001"} 2"#,
            r#"tenure_slot_lookup_duration_seconds_bucket{le="5.0"} 2"#,
            r#"tenure_slot_lookup_duration_seconds_bucket{le="+Inf"} 3"#,
            "tenure_slot_lookup_duration_seconds_count 3",
            "tenure_slot_lookup_duration_seconds_sum 6.001",
        ] {
            assert!(lines.contains(&line), "{line} in {lines:#?}");
        }
    }

    #[test]
    fn counters_whose_labels_are_known_begin_with_zero_and_others_are_left_out() {
        let text = text(&Metrics::default(), Format::Prometheus).unwrap();
        assert!(
            text.contains("\ntenure_slot_lock_contentions_total 0.0\n"),
            "{text}"
        );
        for outcome in ["created", "failed"] {
            let line = format!("\ntenure_slot_starts_total{{outcome=\"{outcome}\"}} 0.0\n");
            assert!(text.contains(&line), "{text}");
        }
        assert!(
            text.contains(
                "\ntenure_job_runs_total{job_name=\"retention\",outcome=\"failed\"} 0.0\n"
            )
        );
        assert_eq!(about(&text, "tenure_operations"), [""; 0]);
        assert_eq!(about(&text, "tenure_agent"), [""; 0]);
    }
}
