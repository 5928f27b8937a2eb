//! Files that other programs have left behind: which of them are known by their path, and what one
//! of them says, as sessions, leases and entries of the audit log. A file for each layout says how
//! it is read; what becomes of what was read is decided in `service/layout.rs`.

use serde::Serialize;

use super::text::{Item, commit_of};
use super::{agent, dedup, registry};
use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::lease::model::MAX_KEY_BYTES;
use tenure_core::session::portable::{self};
use tenure_core::value::limits::Limits;
use tenure_core::value::text::Text;
use tenure_core::value::time::Timestamp;

declare_params! {
    /// A file or a folder.
    pub struct ImportWantedParams {
        /// Where it is, with `/` or `\` between folders; the path of a folder ends with one.
        pub path: Text,
    }

    /// A file.
    pub struct ImportFileParams {
        /// Where it is, with `/` or `\` between folders.
        pub path: Text,
        /// What it says.
        pub text: Text,
        /// When it was last written.
        pub modified_at: Option<Timestamp>,
        /// Only say what would be written.
        pub dry_run: Option<bool>,
    }
}

/// What has become of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct FileImport {
    /// What the file holds; absent for one that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<Holds>,
    /// How many of these were written.
    pub written: u64,
    /// How many were there already.
    pub unchanged: u64,
    /// How many are newer where they were to be written, and were left alone.
    pub newer: u64,
    /// What could not be read or written.
    pub problems: Vec<FileProblem>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Holds {
    /// A session.
    Sessions,
    /// Leases.
    Leases,
    /// Entries of the audit log.
    Audit,
}

/// Something in a file that could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct FileProblem {
    /// The code of the error.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

impl From<&Error> for FileProblem {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
        }
    }
}

/// How a file is written, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `<id>/session.json`: a whole session, as bots keep it.
    Session,
    /// `session/<id>/state.json`: the state of an agent.
    AgentState,
    /// `jarvis_vm_registry.json`: who has which virtual machine.
    Registry,
    /// `active_sessions/<key>.json`: a run that others are not to repeat.
    ActiveSession,
    /// `recent_pr_<commit>.lock`: a pull request whose pushes are not to run.
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
            _ if commit_of(name).is_some() => Some(Self::PullRequestLock),
            _ if json && folder == Some("active_sessions") => Some(Self::ActiveSession),
            _ if json && folder == Some("audit") && name.starts_with("session_audit_") => {
                Some(Self::AuditLog)
            }
            _ => None,
        }
    }

    /// What such a file holds.
    pub fn holds(self) -> Holds {
        match self {
            Self::Session | Self::AgentState => Holds::Sessions,
            Self::Registry | Self::ActiveSession | Self::PullRequestLock => Holds::Leases,
            Self::AuditLog => Holds::Audit,
        }
    }
}

/// Whether a file is known, or a folder may hold such files: all may but those that keep other
/// things, and many of them.
pub fn is_wanted(path: &str) -> bool {
    match path.strip_suffix(['/', '\\']) {
        None => Layout::of(path).is_some(),
        Some(folder) => {
            let name = folder.rsplit(['/', '\\']).next();
            !matches!(name, Some(".tenure" | ".git" | "node_modules"))
        }
    }
}

/// A file that was read.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// How it is written.
    pub layout: Layout,
    /// Its name, without its folder.
    pub name: &'a str,
    /// What it says.
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
            text,
            modified_at,
        })
    }

    /// What it holds. A part that cannot be read hides no others.
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

/// Checks what a session was checked for when it was read.
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
