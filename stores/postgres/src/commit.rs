//! Commits: sending the statements of one, and finding out what has become of it.

use tenure_core::error::Cause;
use tenure_core::store::feed::Change;
use tenure_core::store::{Origin, RecordChange, SessionChange};
use tenure_core::{Changes, Commit, Error, Result};
use tokio::time::Instant;
use tokio_postgres::Row;

use crate::backoff::Backoff;
use crate::database::Database;
use crate::failure::Failure;
use crate::plan::{Plan, plan};
use crate::request::{Batch, Frame, Replies, Request, Value};
use crate::required::Required;
use crate::row;

const METHOD: &str = "commit";

/// What has become of a commit that was refused.
enum Found {
    /// It, or the same commit sent before, was applied.
    Applied,
    /// A precondition is not met.
    Conflict(Commit),
    /// Every precondition is met now: what was in the way is gone.
    Met,
}

impl Database {
    /// Applies changes, if in addition the sessions of `origins` are still as these commits have written them. `feed` is
    /// what the feed says of the changes.
    pub(crate) async fn commit(
        &self,
        changes: &Changes,
        origins: &[Origin],
        feed: &[Change],
    ) -> Result<Commit> {
        let token = token()?;
        let committed = self.commit_as(token, changes, origins, feed).await;
        self.heads.note_commit(changes, token, &committed);
        committed
    }

    /// Commits with this token. Sends the same commit again, with the same token, when the connection is lost.
    async fn commit_as(
        &self,
        token: i64,
        changes: &Changes,
        origins: &[Origin],
        feed: &[Change],
    ) -> Result<Commit> {
        let deadline = self.deadline();
        let required = self.requirements.get();
        let required = required.as_ref();
        let Plan { frame, requests } =
            plan(changes, (origins, required), feed, &self.schema, token);
        let mut backoff = Backoff::default();
        // Why an attempt may have been applied, although it was not acknowledged.
        let mut uncertain: Option<String> = None;
        loop {
            let mut batch = Batch::new(METHOD, frame, &requests);
            if !feed.is_empty() {
                batch.after = self.notification();
            }
            let sent = self.send(&batch, deadline).await;
            let failure = match sent {
                Ok(replies) if is_applied(frame, &replies) => return Ok(Commit::Applied),
                Ok(_) => Failure::Unmet,
                Err(failure) => failure,
            };
            let failure = match failure {
                Failure::Repeated => return Ok(Commit::Applied),
                Failure::Lost(problem) => {
                    uncertain = Some(problem.clone());
                    Failure::Lost(problem)
                }
                Failure::Unmet => {
                    let known = uncertain.is_some().then_some(token);
                    match self.find_out((changes, required), known, deadline).await {
                        Ok(Found::Applied) => return Ok(Commit::Applied),
                        Ok(Found::Conflict(conflict)) => return Ok(conflict),
                        Ok(Found::Met) => match origins.first() {
                            // Another commit has written it since, perhaps with the same version.
                            Some(Origin { id, .. }) => {
                                return Ok(Commit::SessionConflict {
                                    id: id.clone(),
                                    current: None,
                                });
                            }
                            None => Failure::Contention("others wrote meanwhile".to_owned()),
                        },
                        Err(failure) => failure,
                    }
                }
                failure => failure,
            };
            if !failure.may_pass() || !backoff.pause(deadline).await {
                return Err(match uncertain {
                    Some(problem) => unknown(&self.shown, &problem),
                    None => self.error(failure, METHOD),
                });
            }
        }
    }

    /// Whether a commit with this token was applied, or else which precondition is not met: what is required, then those of the
    /// sessions, and then those of the records in their order.
    async fn find_out(
        &self,
        (changes, required): (&Changes, Option<&Required>),
        token: Option<i64>,
        deadline: Instant,
    ) -> Result<Found, Failure> {
        let schema = &self.schema;
        let mut sessions = Request::default();
        let ids = changes
            .sessions
            .iter()
            .map(|change| Some(change.id.as_str()));
        let ids = sessions.bind(Value::Texts(ids.collect()));
        sessions.push(format_args!(
            "SELECT s.id, s.version FROM {schema}.sessions AS s WHERE s.id = ANY({ids})"
        ));
        let mut records = Request::default();
        let kinds = changes
            .records
            .iter()
            .map(|change| Some(change.kind.as_str()));
        let kinds = records.bind(Value::Texts(kinds.collect()));
        let keys = changes
            .records
            .iter()
            .map(|change| Some(change.key.as_str()));
        let keys = records.bind(Value::Texts(keys.collect()));
        records.push(format_args!(
            "SELECT r.kind, r.key, r.version FROM {schema}.records AS r \
             JOIN unnest({kinds}, {keys}) AS w (kind, key) ON r.kind = w.kind AND r.key = w.key"
        ));
        let mut requests = vec![sessions, records];
        requests.extend(required.map(|required| required.read(schema)));
        if let Some(token) = token {
            let mut marks = Request::default();
            let token = marks.bind(token);
            marks.push(format_args!(
                "SELECT 1 FROM {schema}.commits WHERE token = {token}"
            ));
            // Last: if this commit has changed the versions, its token is there by now.
            requests.push(marks);
        }
        let mut replies = self
            .repeat(&Batch::new(METHOD, Frame::Alone, &requests), deadline)
            .await?
            .into_iter();
        let sessions = replies.next().unwrap_or_default();
        let records = replies.next().unwrap_or_default();
        let of_required = required.and_then(|_| replies.next()).unwrap_or_default();
        if replies.next().is_some_and(|rows| !rows.is_empty()) {
            return Ok(Found::Applied);
        }
        if let Some(conflict) = required.and_then(|required| required.conflict(&of_required)) {
            return Ok(Found::Conflict(conflict));
        }
        let version = |row: &Row, column| row::get::<i64>(row, column).ok().map(row::restored);
        for SessionChange { id, expect, .. } in &changes.sessions {
            let mut rows = sessions.iter();
            let found = rows.find(|row| row::any_text(row, 0) == id.as_str());
            let current = found.and_then(|row| version(row, 1));
            if !expect.allows(current) {
                let id = id.clone();
                return Ok(Found::Conflict(Commit::SessionConflict { id, current }));
            }
        }
        for RecordChange {
            kind, key, expect, ..
        } in &changes.records
        {
            let mut rows = records.iter();
            let found =
                rows.find(|row| row::any_text(row, 0) == *kind && row::any_text(row, 1) == *key);
            let current = found.and_then(|row| version(row, 2));
            if !expect.allows(current) {
                return Ok(Found::Conflict(Commit::RecordConflict {
                    record_kind: kind.clone(),
                    key: key.clone(),
                    current,
                }));
            }
        }
        Ok(Found::Met)
    }
}

/// Whether a commit has written what it was to write. In a transaction a statement would have failed.
fn is_applied(frame: Frame, replies: &Replies) -> bool {
    let written = |row: &Row| row::get::<i64>(row, 0).is_ok_and(|count| count > 0);
    frame != Frame::Alone
        || replies
            .first()
            .and_then(|rows| rows.first())
            .is_some_and(written)
}

/// A token that no other commit has.
fn token() -> Result<i64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal(format!("no random bits: {error}")))?;
    Ok(i64::from_ne_bytes(bytes))
}

fn unknown(database: &str, problem: &str) -> Error {
    Cause::OutcomeUnknown {
        problem: format!("{database}: {problem}"),
    }
    .into()
}
