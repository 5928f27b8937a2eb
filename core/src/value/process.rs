//! The identity and the liveness of processes. The core makes no calls to the operating system: the
//! calling process and the liveness of others come in with each call, as a [`Host`].

use std::fmt;

use serde::Serialize;

use crate::value::properties::{Params, Properties};
use crate::value::text::Text;

/// The identity of a process. It differs from that of every other process, also on other machines and
/// of earlier or later processes with the same PID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The id of its session: a UUID that it generates when it starts.
    pub session: Text,
    /// Its PID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it started, in the unit of its host. It distinguishes processes with the same PID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<u64>,
    /// The boot ID of its machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<Text>,
    /// The namespace of its PID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_namespace: Option<Text>,
    /// The host name of its machine, for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Text>,
}

impl Params for Process {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            session: properties.take("session"),
            pid: properties.take("pid"),
            start_time: properties.take("start_time"),
            boot_id: properties.take("boot_id"),
            pid_namespace: properties.take("pid_namespace"),
            hostname: properties.take("hostname"),
        }
    }
}

crate::nested_properties!(Process);

/// Whether a process runs, as far as a host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It has ended, also if another process has its PID now.
    Dead,
    /// Unknown: it ran on another machine, or the host cannot see it.
    Unknown,
}

/// The host of a call: the calling process, and the liveness of others.
pub trait Host: Send + Sync {
    /// The calling process; `None` in a browser.
    fn process(&self) -> Option<&Process>;

    /// Whether a process runs.
    fn liveness(&self, process: &Process) -> Liveness;
}

impl fmt::Debug for dyn Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.process()).finish()
    }
}

/// A host that knows of no process: browsers, and WebAssembly everywhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn process(&self) -> Option<&Process> {
        None
    }

    fn liveness(&self, _: &Process) -> Liveness {
        Liveness::Unknown
    }
}
