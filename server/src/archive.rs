//! Reading an archive over HTTP: `GET /v1/archive` has a page of archived sessions, and `GET /v1/archive/{id}` one of them. A server has
//! an archive if it was started with one. A session is read into memory, since its digest is known at its end, so that few are there at a
//! time.

use std::sync::Arc;

use hyper::body::Bytes;
use tenure_archive::{Archive, DEFAULT_PAGE};
use tenure_bridge::answer;
use tenure_core::value::limits::page_limit;
use tenure_core::{Error, Result, Timestamp};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::failure;
use crate::query::parameters;
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::state::{ARCHIVED_SESSIONS, State};

/// The name in the log and in errors.
pub(crate) const NAME: &str = "archive";

/// The id of the session that a path below the root of the API asks the archive for; empty for a page of sessions, and `None` if it asks
/// for something else.
pub(crate) fn id_of(path: &str) -> Option<&str> {
    match path.strip_prefix(NAME)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// Responds with a page of archived sessions, or with the session of an id.
pub(crate) async fn read(state: &State, id: &str, query: &str) -> Response {
    let answered = match id {
        "" => list(state, query).await,
        id => session(state, id, query).await,
    };
    answered.unwrap_or_else(|error| failure::error(state, NAME, &error))
}

async fn list(state: &State, query: &str) -> Result<Response> {
    let archive = archive_of(state)?;
    let (mut id, mut after, mut limit, mut cursor) = (None, None, None, None);
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "id" => id = Some(value),
            "after" => after = Some(Timestamp::parse(&value)?),
            "limit" => limit = Some(number(&name, &value)?),
            "cursor" => cursor = Some(value),
            _ => return Err(unknown(&name)),
        }
    }
    let limit = page_limit(limit, DEFAULT_PAGE)? as usize;
    let _permit = state.archive_lists.acquire().await;
    let page = archive.list(id.as_deref(), after, limit, cursor.as_deref());
    let page = page.await.map_err(Error::from)?;
    Ok(reply::json(200, answer::ok(&page)))
}

async fn session(state: &State, id: &str, query: &str) -> Result<Response> {
    let archive = archive_of(state)?;
    let mut version = None;
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "version" => version = Some(number(&name, &value)?),
            _ => return Err(unknown(&name)),
        }
    }
    let room = match room(state).await {
        Ok(room) => room,
        Err(refusal) => return Ok(failure::refused(&refusal)),
    };
    let got = archive.get(id, version).await;
    let (_, text) = got.map_err(Error::from)?;
    let session = InMemory {
        answer: answer_with(text),
        _room: room,
    };
    Ok(reply::json(200, Bytes::from_owner(session)))
}

/// Waits for room for a session in memory, as long as for an operation.
async fn room(state: &State) -> Result<OwnedSemaphorePermit, Refusal> {
    let room = Arc::clone(&state.archived_sessions).acquire_owned();
    match timeout(state.limits.request_time, room).await {
        Ok(Ok(room)) => Ok(room),
        // Nobody closes the semaphore.
        Ok(Err(_)) | Err(_) => Err(Refusal::Busy {
            what: "archived sessions in memory",
            limit: ARCHIVED_SESSIONS,
        }),
    }
}

/// A response with a session. It counts among those in memory until the connection has taken the last byte or is closed.
struct InMemory {
    answer: String,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for InMemory {
    fn as_ref(&self) -> &[u8] {
        self.answer.as_bytes()
    }
}

/// An answer with a text that is JSON, to the byte as it was exported. A session may be large: there is no second copy of it.
fn answer_with(mut text: String) -> String {
    const BEFORE: &str = r#"{"ok":"#;
    text.reserve_exact(BEFORE.len() + 1);
    text.insert_str(0, BEFORE);
    text.push('}');
    text
}

fn archive_of(state: &State) -> Result<&Archive> {
    let problem = "this server has no archive: start it with one";
    let missing = || Error::invalid(NAME, problem);
    state.archive.as_ref().ok_or_else(missing)
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N> {
    let number = value.parse();
    number.map_err(|_| Error::invalid(name, "expected a whole number"))
}

fn unknown(name: &str) -> Error {
    Error::invalid(name, "is not known")
}
