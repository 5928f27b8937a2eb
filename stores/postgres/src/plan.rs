//! The statements of a commit. Each that changes something has its precondition, and so has what belongs to it: the
//! events of a session and its line in the feed are inserted if its head was written.
//!
//! A commit with one change is one statement, which returns how many heads or records it has written. In a
//! commit with more, a statement that has written nothing divides by that number, which ends the transaction.
//! Sessions are written in the order of their ids, and then records in that of their keys, so that commits do not
//! wait for each other in a circle. What the feed says is inserted last, while everything that was changed is locked.
//! That records are absent, such as the lease of a runner, is checked by a statement of its own, after the one that
//! writes the session: a statement that waits for a row sees other tables as they were before. One that inserts a
//! session waits for no row, and checks it, too.
//!
//! What all commits of a handle require is checked where the token of the commit is kept.

use std::sync::LazyLock;

use tenure_core::store::feed::{Change, EventRange};
use tenure_core::store::{Expect, Origin, RecordChange, SessionChange, SessionWrite};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Event, Head, SessionId, Timestamp};

use crate::request::{Frame, Mark, Request, Value};
use crate::required::Required;
use crate::row::{HEAD_COUNT, SESSION, head_values, stored};

/// The values of a session, if they are the first parameters.
static VALUES: LazyLock<String> = LazyLock::new(|| {
    let marks: Vec<String> = (1..=HEAD_COUNT + 1)
        .map(|number| format!("${number}"))
        .collect();
    marks.join(", ")
});
/// The assignment of all of them but the id.
static ASSIGNED: LazyLock<String> = LazyLock::new(|| {
    let columns = SESSION.split(", ").zip(1..).skip(1);
    let assigned: Vec<String> = columns
        .map(|(column, number)| format!("{column} = ${number}"))
        .collect();
    assigned.join(", ")
});

/// How many records a statement checks to be absent. Of each number there is a text.
const CHECKED: usize = 4;

/// The statements of a commit.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) frame: Frame,
    pub(crate) requests: Vec<Request<'a>>,
}

/// What statements of a commit have in common.
#[derive(Clone, Copy)]
struct Site<'s> {
    schema: &'s str,
    /// The token of the commit.
    token: i64,
    /// Whether the statement is the whole commit.
    is_alone: bool,
    /// The commits that are to have written sessions.
    origins: &'s [Origin],
    /// What every commit of the handle requires.
    required: Option<&'s Required>,
}

/// The statements of a commit that is not empty, which expects that sessions are as the commits of `origins` have
/// written them, and that what is required is there. `feed` is what the feed says of it.
pub(crate) fn plan<'a>(
    changes: &'a Changes,
    (origins, required): (&[Origin], Option<&Required>),
    feed: &'a [Change],
    schema: &str,
    token: i64,
) -> Plan<'a> {
    // Removing a session removes records, but what is expected of them is about the time before.
    let guards = changes.sessions.iter().any(removes);
    let mut records: Vec<&RecordChange> = changes.records.iter().collect();
    records.sort_by_key(|change| (&change.kind, &change.key));
    let is_checked = |change: &&RecordChange| !guards && is_only_absent(change);
    let (absent, records): (Vec<_>, Vec<_>) = records.into_iter().partition(is_checked);
    let inserts = |change: &SessionChange| change.expect == Expect::Absent;
    let is_in_insert = records.is_empty() && changes.sessions.iter().all(inserts);
    let is_alone = match changes.sessions.len() {
        0 => changes.records.len() == 1,
        1 => changes.records.is_empty() || is_in_insert,
        _ => false,
    } && !changes.sessions.iter().any(replaces_history);
    let site = Site {
        schema,
        token,
        is_alone,
        origins,
        required,
    };
    let mut requests = Vec::new();
    if is_alone {
        requests.extend(
            changes
                .sessions
                .iter()
                .map(|change| site.session(change, &absent, feed)),
        );
        if requests.is_empty() {
            requests.extend(
                changes
                    .records
                    .iter()
                    .map(|change| site.record(change, feed)),
            );
        }
        return Plan {
            frame: Frame::Alone,
            requests,
        };
    }
    if guards {
        requests.extend(records.iter().filter_map(|change| site.guard(change)));
    }
    let mut sessions: Vec<&SessionChange> = changes.sessions.iter().collect();
    sessions.sort_by_key(|change| &change.id);
    for change in sessions {
        requests.push(site.session(change, &[], &[]));
        if let SessionWrite::Put { events, .. } = &change.write
            && replaces_history(change)
        {
            requests.push(site.remove_events(&change.id));
            requests.push(site.add_events(&change.id, events));
        }
    }
    for change in records {
        requests.push(match guards {
            true => site.unguarded(change),
            false => site.record(change, &[]),
        });
    }
    requests.extend(absent.chunks(CHECKED).map(|changes| site.absent(changes)));
    if !feed.is_empty() {
        requests.push(site.feed(feed));
    }
    requests.push(site.mark());
    Plan {
        frame: Frame::Write,
        requests,
    }
}

fn removes(change: &SessionChange) -> bool {
    matches!(change.write, SessionWrite::Delete)
}

/// Whether a change writes nothing, and expects that there is no such record.
fn is_only_absent(change: &RecordChange) -> bool {
    change.record.is_none() && change.expect == Expect::Absent
}

fn replaces_history(change: &SessionChange) -> bool {
    matches!(
        change.write,
        SessionWrite::Put {
            replace_history: true,
            ..
        }
    )
}

impl Site<'_> {
    /// Writes or removes a session, with its line of the feed if it is the whole commit. One that is inserted is, if
    /// these records are absent.
    fn session<'a>(
        &self,
        change: &'a SessionChange,
        absent: &[&'a RecordChange],
        feed: &'a [Change],
    ) -> Request<'a> {
        let mut request = Request::default();
        match &change.write {
            SessionWrite::Put { head, events, .. } => {
                self.put(&mut request, change.expect, head, absent);
                if !replaces_history(change) && !events.is_empty() {
                    request.push(format_args!(", added AS ("));
                    let id = request.bind(change.id.as_str());
                    self.insert_events(&mut request, id, events, "written, ");
                    request.push(format_args!(")"));
                }
            }
            SessionWrite::Delete => self.delete(&mut request, change.expect, &change.id),
        }
        self.end(&mut request, change.expect, feed);
        request
    }

    /// Begins with the part `written`: the head.
    fn put<'a>(
        &self,
        request: &mut Request<'a>,
        expect: Expect,
        head: &'a Head,
        absent: &[&'a RecordChange],
    ) {
        let schema = self.schema;
        // The first parameters of the statement, which the constant texts name.
        for value in head_values(head) {
            request.bind(value);
        }
        request.bind(self.token);
        let (values, assigned) = (&*VALUES, &*ASSIGNED);
        let rows = match absent {
            [] => format!("VALUES ({values})"),
            absent => format!("SELECT {values} WHERE {}", self.are_absent(request, absent)),
        };
        let insert = || format!("INSERT INTO {schema}.sessions AS s ({}) {rows}", SESSION);
        let written = match expect {
            Expect::Absent => format!("{} ON CONFLICT (id) DO NOTHING", insert()),
            Expect::Any => format!("{} ON CONFLICT (id) DO UPDATE SET {}", insert(), assigned),
            Expect::Present => {
                format!("UPDATE {schema}.sessions AS s SET {assigned} WHERE s.id = $1")
            }
            Expect::Version { version } => {
                let version = request.bind(stored(version));
                let origin = self.is_of_origin(request, &head.id);
                format!(
                    "UPDATE {schema}.sessions AS s SET {assigned} WHERE s.id = $1 \
                     AND s.version = {version}{origin}"
                )
            }
        };
        request.push(format_args!("WITH written AS ({written} RETURNING s.id)"));
    }

    /// The condition that a session is as its origin has written it, if there is one.
    fn is_of_origin(&self, request: &mut Request<'_>, id: &SessionId) -> String {
        match self.origins.iter().find(|origin| origin.id == *id) {
            Some(origin) => format!(" AND s.written_by = {}", request.bind(origin.commit)),
            None => String::new(),
        }
    }

    /// Begins with the part `written`: the session that is removed, and what belongs to it.
    fn delete<'a>(&self, request: &mut Request<'a>, expect: Expect, session: &'a SessionId) {
        let schema = self.schema;
        let id = request.bind(session.as_str());
        let delete = format!("DELETE FROM {schema}.sessions AS s WHERE s.id = {id}");
        // Only what is expected to be there decides what else is removed.
        let (first, others) = match expect {
            Expect::Version { version } => {
                let version = request.bind(stored(version));
                let origin = self.is_of_origin(request, session);
                let first = format!(
                    "written AS ({delete} AND s.version = {version}{origin} RETURNING s.id)"
                );
                (first, "IN (SELECT id FROM written)".to_owned())
            }
            Expect::Present => (
                format!("written AS ({delete} RETURNING s.id)"),
                "IN (SELECT id FROM written)".to_owned(),
            ),
            Expect::Any => (
                format!("removed AS ({delete}), written AS (SELECT {id} AS id)"),
                format!("= {id}"),
            ),
            Expect::Absent => (
                format!(
                    "written AS (SELECT {id} AS id WHERE NOT EXISTS \
                     (SELECT 1 FROM {schema}.sessions AS s WHERE s.id = {id}))"
                ),
                "IN (SELECT id FROM written)".to_owned(),
            ),
        };
        request.push(format_args!(
            "WITH {first}, events_removed AS (DELETE FROM {schema}.events WHERE session_id {others}), \
             records_removed AS (DELETE FROM {schema}.records WHERE owner {others})"
        ));
    }

    /// Writes or removes a record, with its line of the feed if it is the whole commit.
    fn record<'a>(&self, change: &'a RecordChange, feed: &'a [Change]) -> Request<'a> {
        let mut request = Request::default();
        let written = self.write_record(&mut request, change, change.expect);
        request.push(format_args!("WITH {written}"));
        self.end(&mut request, change.expect, feed);
        request
    }

    /// Checks that records are absent.
    fn absent<'a>(&self, changes: &[&'a RecordChange]) -> Request<'a> {
        let mut request = Request::default();
        let are_absent = self.are_absent(&mut request, changes);
        request.push(format_args!(
            "SELECT 1 / (CASE WHEN {are_absent} THEN 1 ELSE 0 END)"
        ));
        request
    }

    /// The condition that records are absent.
    fn are_absent<'a>(&self, request: &mut Request<'a>, changes: &[&'a RecordChange]) -> String {
        let conditions: Vec<String> = changes
            .iter()
            .map(|change| {
                let kind = request.bind(change.kind.as_str());
                let key = request.bind(change.key.as_str());
                format!(
                    "NOT EXISTS (SELECT 1 FROM {}.records AS r WHERE r.kind = {kind} AND r.key = {key})",
                    self.schema
                )
            })
            .collect();
        conditions.join(" AND ")
    }

    /// Writes or removes a record whose precondition was checked before.
    fn unguarded<'a>(&self, change: &'a RecordChange) -> Request<'a> {
        let mut request = Request::default();
        // What appears meanwhile is a conflict: only one of two insertions succeeds.
        let (expect, checked) = match change.expect {
            Expect::Absent if change.record.is_some() => (Expect::Absent, Expect::Absent),
            _ => (Expect::Any, Expect::Any),
        };
        let written = self.write_record(&mut request, change, expect);
        request.push(format_args!("WITH {written}"));
        self.end(&mut request, checked, &[]);
        request
    }

    /// The part `written`.
    fn write_record<'a>(
        &self,
        request: &mut Request<'a>,
        change: &'a RecordChange,
        expect: Expect,
    ) -> String {
        let schema = self.schema;
        let kind = request.bind(change.kind.as_str());
        let key = request.bind(change.key.as_str());
        let found = format!("r.kind = {kind} AND r.key = {key}");
        let Some(record) = &change.record else {
            let delete = format!("DELETE FROM {schema}.records AS r WHERE {found}");
            return match expect {
                Expect::Version { version } => {
                    let version = request.bind(stored(version));
                    format!("written AS ({delete} AND r.version = {version} RETURNING r.key)")
                }
                Expect::Present => format!("written AS ({delete} RETURNING r.key)"),
                Expect::Any => format!("removed AS ({delete}), written AS (SELECT {key} AS key)"),
                Expect::Absent => format!(
                    "written AS (SELECT {key} AS key WHERE NOT EXISTS \
                     (SELECT 1 FROM {schema}.records AS r WHERE {found}))"
                ),
            };
        };
        let [version, expires_at, owner, body] =
            record_values(record).map(|value| request.bind(value));
        let insert = format!(
            "INSERT INTO {schema}.records AS r \
             (kind, key, version, expires_at, owner, body) \
             VALUES ({kind}, {key}, {version}, {expires_at}, {owner}, {body})"
        );
        let assigned = format!(
            "version = {version}, expires_at = {expires_at}, owner = {owner}, body = {body}"
        );
        let written = match expect {
            Expect::Absent => format!("{insert} ON CONFLICT (kind, key) DO NOTHING"),
            Expect::Any => format!("{insert} ON CONFLICT (kind, key) DO UPDATE SET {assigned}"),
            Expect::Present => format!("UPDATE {schema}.records AS r SET {assigned} WHERE {found}"),
            Expect::Version { version } => {
                let version = request.bind(stored(version));
                format!(
                    "UPDATE {schema}.records AS r SET {assigned} WHERE {found} \
                     AND r.version = {version}"
                )
            }
        };
        format!("written AS ({written} RETURNING r.key)")
    }

    /// Checks what is expected of a record, and locks it; `None` if nothing is.
    fn guard<'a>(&self, change: &'a RecordChange) -> Option<Request<'a>> {
        let mut request = Request::default();
        let kind = request.bind(change.kind.as_str());
        let key = request.bind(change.key.as_str());
        let found = format!(
            "SELECT r.version FROM {}.records AS r WHERE r.kind = {kind} AND r.key = {key}",
            self.schema
        );
        match change.expect {
            Expect::Any => return None,
            Expect::Absent => {
                request.push(format_args!(
                    "SELECT 1 / (CASE WHEN EXISTS ({found}) THEN 0 ELSE 1 END)"
                ));
            }
            Expect::Present => request.push(format_args!(
                "WITH found AS ({found} FOR UPDATE) SELECT 1 / count(*) FROM found"
            )),
            Expect::Version { version } => {
                let version = request.bind(stored(version));
                request.push(format_args!(
                    "WITH found AS ({found} AND r.version = {version} FOR UPDATE) \
                     SELECT 1 / count(*) FROM found"
                ));
            }
        }
        Some(request)
    }

    /// The end of a statement: what follows from `written`, and how much that is.
    fn end<'a>(&self, request: &mut Request<'a>, expect: Expect, feed: &'a [Change]) {
        if self.is_alone {
            if let Some(change) = feed.first() {
                request.push(format_args!(", fed AS ("));
                let values = change_values(change).map(|value| request.bind(value));
                let [kind, key, first, last, ends] = values;
                request.push(format_args!(
                    "INSERT INTO {}.changes (kind, key, first_event, last_event, ends_history) \
                     SELECT {kind}, {key}, {first}, {last}, {ends} FROM written)",
                    self.schema
                ));
            }
            let token = self.token(request);
            request.push(format_args!(
                ", marked AS (INSERT INTO {}.commits (token) SELECT {token} FROM written)",
                self.schema
            ));
        }
        request.push(match (self.is_alone, expect) {
            (true, _) => format_args!(" SELECT count(*) FROM written"),
            // It may have written nothing.
            (false, Expect::Any) => format_args!(" SELECT 1"),
            (false, _) => format_args!(" SELECT 1 / count(*) FROM written"),
        });
    }

    fn remove_events<'a>(&self, id: &'a SessionId) -> Request<'a> {
        let mut request = Request::default();
        let id = request.bind(id.as_str());
        request.push(format_args!(
            "DELETE FROM {}.events WHERE session_id = {id}",
            self.schema
        ));
        request
    }

    fn add_events<'a>(&self, id: &'a SessionId, events: &'a [Event]) -> Request<'a> {
        let mut request = Request::default();
        let id = request.bind(id.as_str());
        self.insert_events(&mut request, id, events, "");
        request
    }

    fn insert_events<'a>(
        &self,
        request: &mut Request<'a>,
        id: Mark,
        events: &'a [Event],
        from: &str,
    ) {
        if let [event] = events {
            let sequence = request.bind(stored(event.sequence));
            let time = request.bind(event.timestamp.as_millis());
            let kind = request.bind(event.kind.as_str());
            let data = request.bind(event.data.as_str());
            let from = from.trim_end_matches([',', ' ']);
            let from = match from.is_empty() {
                true => String::new(),
                false => format!(" FROM {from}"),
            };
            request.push(format_args!(
                "INSERT INTO {}.events (session_id, sequence, timestamp, type, data) \
                 SELECT {id}, {sequence}, {time}, {kind}, {data}{from}",
                self.schema
            ));
            return;
        }
        let integers = |value: fn(&Event) -> i64| {
            Value::Integers(events.iter().map(|event| Some(value(event))).collect())
        };
        let sequences = request.bind(integers(|event| stored(event.sequence)));
        let times = request.bind(integers(|event| event.timestamp.as_millis()));
        let kinds = events.iter().map(|event| Some(event.kind.as_str()));
        let kinds = request.bind(Value::Texts(kinds.collect()));
        let data = events.iter().map(|event| Some(event.data.as_str()));
        let data = request.bind(Value::Texts(data.collect()));
        request.push(format_args!(
            "INSERT INTO {}.events (session_id, sequence, timestamp, type, data) \
             SELECT {id}, e.sequence, e.timestamp, e.type, e.data FROM {from}\
             unnest({sequences}, {times}, {kinds}, {data}) AS e (sequence, timestamp, type, data)",
            self.schema
        ));
    }

    /// Adds to the feed, in its order.
    fn feed<'a>(&self, feed: &'a [Change]) -> Request<'a> {
        let mut request = Request::default();
        let events = |end: fn(EventRange) -> u64| {
            let ends = feed.iter().map(|change| change.events.map(end).map(stored));
            Value::Integers(ends.collect())
        };
        let kinds = feed.iter().map(|change| Some(change.kind.as_str()));
        let kinds = request.bind(Value::Texts(kinds.collect()));
        let keys = feed.iter().map(|change| Some(change.key.as_str()));
        let keys = request.bind(Value::Texts(keys.collect()));
        let first = request.bind(events(|events| events.first));
        let last = request.bind(events(|events| events.last));
        let ends = feed.iter().map(|change| change.ends_history).collect();
        let ends = request.bind(Value::Booleans(ends));
        request.push(format_args!(
            "INSERT INTO {}.changes (kind, key, first_event, last_event, ends_history) \
             SELECT c.kind, c.key, c.first_event, c.last_event, c.ends_history \
             FROM unnest({kinds}, {keys}, {first}, {last}, {ends}) WITH ORDINALITY \
             AS c (kind, key, first_event, last_event, ends_history, number) ORDER BY c.number",
            self.schema
        ));
        request
    }

    /// Keeps the token of the commit.
    fn mark<'a>(&self) -> Request<'a> {
        let mut request = Request::default();
        let token = self.token(&mut request);
        request.push(format_args!(
            "INSERT INTO {}.commits (token) VALUES ({token})",
            self.schema
        ));
        request
    }

    /// The token of the commit, if what is required is there.
    fn token(&self, request: &mut Request<'_>) -> String {
        let token = request.bind(self.token);
        match self.required {
            None => token.to_string(),
            Some(required) => {
                let is_met = required.condition(request, self.schema);
                format!("{token} / (CASE WHEN {is_met} THEN 1 ELSE 0 END)")
            }
        }
    }
}

fn record_values(record: &Record) -> [Value<'_>; 4] {
    [
        stored(record.version).into(),
        record.expires_at.map(Timestamp::as_millis).into(),
        record.owner.as_ref().map(SessionId::as_str).into(),
        record.body.as_str().into(),
    ]
}

fn change_values(change: &Change) -> [Value<'_>; 5] {
    [
        change.kind.as_str().into(),
        change.key.as_str().into(),
        change.events.map(|events| stored(events.first)).into(),
        change.events.map(|events| stored(events.last)).into(),
        change.ends_history.into(),
    ]
}
