//! The traces of a session: the positions in distributed traces of the calls that have written it.

use serde::Serialize;
use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::store::Scan;
use tenure_core::value::id::SessionId;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::limits::{MAX_PAGE, page_limit};
use tenure_core::value::text::Text;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::trace::{KIND, key, prefix};

const DEFAULT_TRACES: u32 = 100;

tenure_core::operations! {
    Group::Sessions;
    /// The positions in distributed traces of the calls that have appended to a session, in the order of its
    /// events. Empty unless callers bring positions.
    TRACES = Read "traces" (TracesParams) -> TracePage, steps traces,
        r#"{"id":"s","after":3,"limit":10}"#;
}

declare_params! {
    /// Which traces to read.
    pub struct TracesParams {
        /// The id of the session.
        pub id: Text,
        /// Only of events after this sequence number.
        pub after: Option<u64>,
        /// How many calls at most: 1 to 1,000, 100 by default.
        pub limit: Option<u32>,
    }
}

/// A page of traces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TracePage {
    /// The calls.
    pub items: Vec<Trace>,
}

/// A call that has appended events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Its position, as the header `traceparent` of W3C Trace Context.
    pub traceparent: String,
    /// The sequence number of the first event that it has appended.
    pub first: u64,
    /// That of the last one.
    pub last: u64,
}

async fn traces(context: &Context, params: TracesParams) -> Result<TracePage> {
    let limit = page_limit(params.limit, DEFAULT_TRACES)?;
    let id = SessionId::parse(params.id.as_str())?;
    let scan = Scan {
        kind: KIND.to_owned(),
        after: Some(key(&id, params.after.unwrap_or(0))),
        limit: limit.min(MAX_PAGE),
    };
    let prefix = prefix(&id);
    let mut page = TracePage::default();
    for record in context.scan(&scan).await? {
        if !record.key.starts_with(&prefix) {
            break;
        }
        let trace = Trace::read(&record.body)
            .ok_or_else(|| Error::internal(format!("the trace {:?} cannot be read", record.key)))?;
        page.items.push(trace);
    }
    Ok(page)
}

impl Trace {
    fn read(body: &str) -> Option<Self> {
        let body = Json::parse(body).ok()?;
        let body = Object::parse(&body);
        Some(Self {
            traceparent: body.text("traceparent")?,
            first: body.read("first")?,
            last: body.read("last")?,
        })
    }
}
