//! The end of a command: its status, and why it was ended early.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use signal_hook::low_level::signal_name;

/// The exit code after a timeout, as of the program `timeout`.
const TIMED_OUT: u8 = 124;

/// The end of a command.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    pub(crate) cancelled: Option<Cancelled>,
    pub(crate) duration: Duration,
}

/// Why a command was ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancelled {
    Timeout(Duration),
    Signal(i32),
}

impl End {
    /// The exit code of `tenure run`.
    pub(crate) fn exit_code(&self) -> u8 {
        if let Some(Cancelled::Timeout(_)) = self.cancelled {
            return TIMED_OUT;
        }
        let code = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code,
            (None, signal) => 128 + signal.unwrap_or(0),
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// Whether the command succeeded.
    pub(crate) fn is_success(&self) -> bool {
        self.cancelled.is_none() && self.status.success()
    }

    /// A description of the end.
    pub(crate) fn description(&self) -> String {
        let status = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, signal) => format!("ended by {}", name_of(signal.unwrap_or(0))),
        };
        match self.cancelled {
            None => status,
            Some(Cancelled::Timeout(after)) => {
                format!("timed out after {} s ({status})", after.as_secs_f64())
            }
            Some(Cancelled::Signal(signal)) => {
                format!("cancelled by {} ({status})", name_of(signal))
            }
        }
    }
}

/// The name of a signal.
pub(crate) fn name_of(signal: i32) -> String {
    signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}
