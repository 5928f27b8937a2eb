//! A tool call that was started and not finished, as a record of its session keeps it and as callers see
//! it.

use serde::Serialize;

use crate::error::Result;
use crate::value::json::Json;
use crate::value::properties::{Properties, Stored};
use crate::value::time::Timestamp;

/// A tool call that was started and not finished: it runs, or a crash has cut it off.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct UnfinishedToolCall {
    /// The id of the call.
    pub call_id: String,
    /// The name of the tool.
    pub tool: String,
    /// The arguments.
    #[cfg_attr(feature = "ts", ts(type = "unknown"))]
    pub args: Json,
    /// When it was started.
    pub started_at: Timestamp,
}

impl Stored for UnfinishedToolCall {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            call_id: properties.take("call_id"),
            tool: properties.take("tool"),
            args: properties.take("args"),
            started_at: properties.take("started_at"),
        })
    }
}
