//! Metrics for JavaScript: what a handle has counted, and the text of the metrics of a store. A store in JavaScript and a
//! mirror have no executor, so their operations are not counted.

use serde::Serialize;
use tenure_apps::metrics::own::Own;
use tenure_apps::metrics::params::MetricsRecorded;
use tenure_bridge::{Answer, answer};
use tenure_core::{Error, Json, Result};
use tenure_host::Executor;
use tenure_host::metrics::{Format, ProcessMeter, text_of_reply};

/// The parameters of `metrics`.
#[derive(Serialize)]
struct OwnParams {
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    own: Own,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<Own>,
}

/// What a handle has counted, for `metrics`.
pub(crate) fn own(executor: Option<&Executor>) -> Answer {
    answer::ok(&match executor {
        Some(executor) => OwnParams {
            instance: executor.meter().instance(),
            own: executor.own(),
            recorded: executor.meter().in_record(),
        },
        None => OwnParams {
            instance: None,
            own: Own {
                process: ProcessMeter.read(),
                ..Own::default()
            },
            recorded: None,
        },
    })
}

/// What there is to record, as the parameters of `metricsRecord`, for the last time if the handle is being closed.
pub(crate) fn to_record(executor: Option<&Executor>, ended: bool) -> Result<Answer> {
    let params = executor.and_then(|executor| executor.meter().to_record(&executor.own(), ended));
    Ok(match params {
        Some(params) => answer::ok(&Json::parse(&params)?),
        None => answer::ok(&()),
    })
}

/// Takes the reply of `metricsRecord`.
pub(crate) fn recorded(executor: Option<&Executor>, reply: &str) -> Result<Answer> {
    let reply: MetricsRecorded = serde_json::from_str(reply)
        .map_err(|error| Error::internal(format!("a reply cannot be read: {error}")))?;
    if let Some(executor) = executor {
        executor.meter().recorded(&reply);
    }
    Ok(answer::ok(&()))
}

/// Counts what JavaScript has measured.
pub(crate) fn report(executor: Option<&Executor>, report: &str) -> Result<Answer> {
    if let Some(executor) = executor {
        executor.meter().report(report)?;
    }
    Ok(answer::ok(&()))
}

/// The text of the reply of `metrics`.
pub(crate) fn text(reply: &str, format: &str) -> Result<Answer> {
    let format = match format {
        "prometheus" => Format::Prometheus,
        "openmetrics" => Format::OpenMetrics,
        _ => {
            let problem = "expected \"prometheus\" or \"openmetrics\"";
            return Err(Error::invalid("format", problem));
        }
    };
    Ok(answer::ok(&text_of_reply(reply, format)?))
}
