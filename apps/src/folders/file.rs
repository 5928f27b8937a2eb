//! The files of other programs that can be imported: their layouts, recognized by the path, and their
//! items, which are sessions, leases and entries of the audit log. Each layout has a reader of its own;
//! the operations write the items.

use serde::Serialize;

use super::text::{Item, commit_of};
use super::{agent, dedup, registry};
use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::session::portable::{self};
use tenure_core::stored::lease::MAX_KEY_BYTES;
use tenure_core::value::limits::Limits;
use tenure_core::value::text::{Text, without_bom};
use tenure_core::value::time::Timestamp;

declare_params! {
    /// A file to import.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct ImportFileParams {
        /// The path of the file, with `/` or `\` as separator.
        pub path: Text,
        /// The content of the file.
        pub text: Text,
        /// When the file was last written.
        pub modified_at: Option<Timestamp>,
        /// Report what would be written, and write nothing; `false` by default.
        pub dry_run: Option<bool>,
        /// The fencing token of the leases of the sessions in their place, if those are held.
        pub token: Option<u64>,
    }
}

/// The result of importing a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct FileImport {
    /// The kind of the file's items; absent for an unknown layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<Holds>,
    /// The number of items that were written, or would be written.
    pub written: u64,
    /// The number of items that the store has already.
    pub unchanged: u64,
    /// The number of items that are newer in the store, which stay.
    pub newer: u64,
    /// The items that could not be read or written.
    pub problems: Vec<FileProblem>,
}

/// The kind of a file's items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Holds {
    /// A session.
    #[default]
    Sessions,
    /// Leases.
    Leases,
    /// Entries of the audit log.
    Audit,
}

/// An item of a file that could not be read or written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct FileProblem {
    /// The code of the error.
    pub code: String,
    /// The message of the error.
    pub message: String,
}

tenure_core::read_replies! {
    FileImport { holds, written, unchanged, newer, problems }
    FileProblem { code, message }
}
tenure_core::word_properties! {
    Holds: "sessions" => Sessions, "leases" => Leases, "audit" => Audit;
}

impl From<&Error> for FileProblem {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
        }
    }
}

/// The layout of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `<id>/session.json`: a session, as bots store it.
    Session,
    /// `session/<id>/state.json`: the state of an agent.
    AgentState,
    /// `jarvis_vm_registry.json`: the owners of virtual machines.
    Registry,
    /// `jarvis_session_<pid>.json` or `jarvis_global_session.json`: a process that may own a virtual
    /// machine.
    MachineSession,
    /// `active_sessions/<key>.json`: a registered run.
    ActiveSession,
    /// `recent_pr_<commit>.lock`: a commit that a pull request has locked for pushes.
    PullRequestLock,
    /// `audit/session_audit_<date>.json`: the decisions of a day.
    AuditLog,
}

impl Layout {
    /// The layout of the file at a path, if it is known.
    pub fn of(path: &str) -> Option<Self> {
        let mut parts = path.rsplit(['/', '\\']);
        let name = parts.next()?;
        let folder = parts.next();
        let outer = parts.next();
        let json = name.ends_with(".json");
        match name {
            "session.json" => Some(Self::Session),
            "state.json" if outer == Some("session") => Some(Self::AgentState),
            "jarvis_vm_registry.json" => Some(Self::Registry),
            _ if registry::is_process_file(name) => Some(Self::MachineSession),
            _ if commit_of(name).is_some() => Some(Self::PullRequestLock),
            _ if json && folder == Some("active_sessions") => Some(Self::ActiveSession),
            _ if json && folder == Some("audit") && name.starts_with("session_audit_") => {
                Some(Self::AuditLog)
            }
            _ => None,
        }
    }

    /// The kind of such a file's items.
    pub fn holds(self) -> Holds {
        match self {
            Self::Session | Self::AgentState => Holds::Sessions,
            Self::Registry | Self::MachineSession | Self::ActiveSession | Self::PullRequestLock => {
                Holds::Leases
            }
            Self::AuditLog => Holds::Audit,
        }
    }
}

/// Whether a file has a known layout, or a folder may contain such files. Folders that are known to
/// contain many other files are excluded.
pub fn is_wanted(path: &str) -> bool {
    match path.strip_suffix(['/', '\\']) {
        None => Layout::of(path).is_some(),
        Some(folder) => {
            let name = folder.rsplit(['/', '\\']).next();
            !matches!(name, Some(".tenure" | ".git" | "node_modules"))
        }
    }
}

/// A file to import.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its layout.
    pub layout: Layout,
    /// Its name, without its folder.
    pub name: &'a str,
    /// Its content.
    pub text: &'a str,
    /// When it was last written.
    pub modified_at: Option<Timestamp>,
}

impl<'a> File<'a> {
    /// The file at a path, if its layout is known.
    pub fn of(path: &'a str, text: &'a str, modified_at: Option<Timestamp>) -> Option<Self> {
        Some(Self {
            layout: Layout::of(path)?,
            name: path.rsplit(['/', '\\']).next()?,
            text: without_bom(text),
            modified_at,
        })
    }

    /// Its items. An item that cannot be read does not affect the others.
    pub fn items(&self, limits: &Limits) -> Vec<Result<Item>> {
        let session = |text: &str| {
            let session = portable::read(text)?.checked(limits)?;
            Ok(Item::Session(Box::new(session)))
        };
        let items = match self.layout {
            Layout::Session => Ok(vec![session(self.text)]),
            Layout::AgentState => {
                agent::session(self.text).map(|json| vec![session(json.as_str())])
            }
            Layout::Registry => registry::leases(self.text),
            Layout::MachineSession => registry::lease(self.text).map(|lease| vec![Ok(lease)]),
            Layout::ActiveSession => {
                let lease = dedup::active_session(self.name, self.text, self.modified_at);
                lease.map(|lease| vec![Ok(lease)])
            }
            Layout::PullRequestLock => {
                let lease = dedup::lock(self.name, self.text, self.modified_at);
                lease.map(|lease| vec![Ok(lease)])
            }
            Layout::AuditLog => dedup::entries(self.text),
        };
        let mut items = items.unwrap_or_else(|error| vec![Err(error)]);
        for item in &mut items {
            if let Err(error) = item.as_ref().map_or(Ok(()), |item| check(item, limits)) {
                *item = Err(error);
            }
        }
        items
    }
}

/// Checks an item against the limits. A session was checked when it was read.
fn check(item: &Item, limits: &Limits) -> Result<()> {
    match item {
        Item::Session(_) => Ok(()),
        Item::Entry(entry) => limits.data(&entry.data),
        Item::Lease(lease) => {
            limits.data(&lease.data)?;
            let length = lease.key.len();
            if (1..=MAX_KEY_BYTES).contains(&length) {
                Ok(())
            } else {
                let problem = format!("expected 1 to {MAX_KEY_BYTES} bytes, got {length}");
                Err(Error::invalid("key", problem))
            }
        }
    }
}
