//! The ids of sessions as arguments: a complete id, or the beginning of one. An exact id always wins.
//! A beginning that several sessions have is refused, and the message names them. No store finds ids by
//! their beginnings, so the sessions are listed until it is known what has it; a complete id takes one
//! read.

use std::collections::BTreeMap;
use std::str::FromStr;

use tenure_core::session::params::{GetParams, HistoryParam, ListParams};
use tenure_core::session::read::{GET, LIST};
use tenure_core::store::filter::Trash;
use tenure_core::{SessionId, Text};

use crate::arguments::MIN_PREFIX;
use crate::context::Context;
use crate::exit::Failure;

/// The most sessions that a message names.
const MAX_NAMED: usize = 10;
/// The sessions of one page.
const PAGE: u32 = 1000;

/// The id of a session, or its beginning, as it was given.
#[derive(Debug, Clone)]
pub(crate) struct SessionIdArg(Text);

impl SessionIdArg {
    pub(crate) fn of(id: Text) -> Self {
        Self(id)
    }
}

impl FromStr for SessionIdArg {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

impl Context {
    /// The id of the session that an argument names. What names no session is returned as it is, and the
    /// operation reports it.
    pub(crate) fn session_id(&mut self, given: SessionIdArg) -> Result<Text, Failure> {
        let mut ids = self.session_ids(vec![given])?;
        Ok(ids.remove(0))
    }

    /// [`session_id`](Self::session_id) of an optional argument.
    pub(crate) fn maybe_session_id(
        &mut self,
        given: Option<SessionIdArg>,
    ) -> Result<Option<Text>, Failure> {
        given.map(|given| self.session_id(given)).transpose()
    }

    /// The ids of the sessions that arguments name, in their order.
    pub(crate) fn session_ids(&mut self, given: Vec<SessionIdArg>) -> Result<Vec<Text>, Failure> {
        // Existing sessions are in an existing store.
        self.require_store()?;
        let mut ids: Vec<Text> = given.into_iter().map(|SessionIdArg(id)| id).collect();
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for id in &ids {
            let may_be_prefix =
                id.as_str().len() >= MIN_PREFIX && SessionId::parse(id.as_str()).is_ok();
            if may_be_prefix && !self.is_session(id)? {
                found.insert(id.to_string(), Vec::new());
            }
        }
        if found.is_empty() {
            return Ok(ids);
        }
        self.each_session(None, |id| {
            for (prefix, sessions) in &mut found {
                // A page may repeat the problems of an earlier one.
                if id.starts_with(prefix.as_str()) && !sessions.iter().any(|other| other == id) {
                    sessions.push(id.to_owned());
                }
            }
            found.values().any(|sessions| sessions.len() <= MAX_NAMED)
        })?;
        for id in &mut ids {
            match found.get(id.as_str()).map(Vec::as_slice) {
                None | Some([]) => {}
                Some([one]) => *id = one.as_str().into(),
                Some(several) => return Err(ambiguous(id, several)),
            }
        }
        Ok(ids)
    }

    /// Whether a session has this id.
    fn is_session(&mut self, id: &Text) -> Result<bool, Failure> {
        let params = GetParams {
            id: id.clone(),
            history: Some(HistoryParam::None),
            ..GetParams::default()
        };
        match self.run(&GET, params) {
            Ok(session) => Ok(session.is_some()),
            // The operation itself reports a session that cannot be read, or removes it.
            Err(Failure::Error(error)) if error.code() != "STORE_UNAVAILABLE" => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    /// Visits the ids of all sessions, newest first, until `visit` returns `false`, or at most those of a
    /// number of pages.
    pub(crate) fn each_session(
        &mut self,
        max_pages: Option<usize>,
        mut visit: impl FnMut(&str) -> bool,
    ) -> Result<(), Failure> {
        let mut cursor = None;
        for _ in 0..max_pages.unwrap_or(usize::MAX) {
            let params = ListParams {
                limit: Some(PAGE),
                trash: Some(Trash::Include),
                cursor,
                ..ListParams::default()
            };
            let page = self.run(&LIST, params)?;
            let readable = page.items.iter().map(|session| session.id.as_str());
            let unreadable = page.problems.iter().map(|problem| problem.id.as_str());
            let goes_on = readable.chain(unreadable).all(&mut visit);
            cursor = page.next_cursor.map(Text::from);
            if !goes_on || cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}

fn ambiguous(prefix: &Text, sessions: &[String]) -> Failure {
    let named = sessions[..sessions.len().min(MAX_NAMED)].join(", ");
    let more = if sessions.len() > MAX_NAMED {
        ", and others"
    } else {
        ""
    };
    let problem =
        format!("{prefix} is the beginning of several ids: {named}{more}; give more of it");
    Failure::usage("ID", problem)
}
