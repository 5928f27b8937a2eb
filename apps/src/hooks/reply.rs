//! The reply of a hook, whatever its form.

use serde::Serialize;
use tenure_core::value::json::Json;

/// The reply of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct HookReply {
    /// The exit code of the hook: 1 if the input is no JSON object, otherwise 0.
    pub exit_code: u8,
    /// The JSON object that the hook prints.
    #[cfg_attr(feature = "ts", ts(type = "JsonObject"))]
    pub output: Json,
}
