//! Reading an archive over HTTP: `GET /v1/archive` has a page of archived sessions, and `GET /v1/archive/{id}` one of them. A server has
//! an archive if it was started with one.

use tenure_archive::{Archive, DEFAULT_PAGE};
use tenure_bridge::answer;
use tenure_core::value::limits::page_limit;
use tenure_core::{Error, Result, Timestamp};
use tenure_host::archive_error;

use crate::failure;
use crate::query::parameters;
use crate::reply::{self, Response};
use crate::state::State;

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
    match answered {
        Ok(text) => reply::json(200, text),
        Err(error) => failure::error(state, NAME, &error),
    }
}

async fn list(state: &State, query: &str) -> Result<String> {
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
    let _permit = state.archive_readers.acquire().await;
    let page = archive.list(id.as_deref(), after, limit, cursor.as_deref());
    Ok(answer::ok(&page.await.map_err(archive_error)?))
}

async fn session(state: &State, id: &str, query: &str) -> Result<String> {
    let archive = archive_of(state)?;
    let mut version = None;
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "version" => version = Some(number(&name, &value)?),
            _ => return Err(unknown(&name)),
        }
    }
    let _permit = state.archive_readers.acquire().await;
    let got = archive.get(id, version).await;
    let (_, text) = got.map_err(archive_error)?;
    // It is JSON, to the byte as it was exported.
    Ok(format!(r#"{{"ok":{text}}}"#))
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
