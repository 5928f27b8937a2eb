//! The description of a command that is run.

use std::env;
use std::ffi::OsString;

use tenure_core::value::redact::Redact;

/// The command in the metadata of its session, with secrets redacted.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct CommandDescription {
    command: Vec<String>,
    cwd: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

impl CommandDescription {
    pub(crate) fn new(command: &[OsString]) -> Self {
        let command: Vec<String> = command
            .iter()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let cwd = env::current_dir().unwrap_or_default();
        Self {
            command: Redact::default().arguments(&command),
            cwd: cwd.to_string_lossy().into_owned(),
            pid: None,
        }
    }

    pub(crate) fn with_pid(mut self, pid: u32) -> Self {
        self.pid = Some(pid);
        self
    }
}
