//! A process, and what a host can tell of one. The core asks no operating system anything: who calls
//! and whether a process still runs comes in with each call, as a [`Host`].

use std::fmt;

use serde::Serialize;

use crate::value::properties::{Params, Properties};
use crate::value::text::Text;

/// A process as it is told from all others: those of other machines, and those that had its number
/// before or have it after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The name that it gave itself when it began: a UUID.
    pub session: Text,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it began, in the unit of its host. A number is given again, and then this is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<u64>,
    /// Which start of the machine it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<Text>,
    /// Among which processes of the machine its number counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_namespace: Option<Text>,
    /// The machine's name, for people.
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

/// Whether a process runs, as far as a host can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It has ended, also when another has its number now.
    Dead,
    /// It cannot be told: it is, or was, on another machine.
    Unknown,
}

/// What surrounds the core: the process that calls, and what can be told of others.
pub trait Host: Send + Sync {
    /// The process that calls; nothing in a browser.
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
