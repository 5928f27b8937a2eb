//! A store that the host provides. Each operation has a [`HostStore`] and a [`Mailbox`] of its own: the
//! store puts its request into the mailbox and waits, the engine passes the request to the host and puts
//! the reply into the mailbox. Replies are not trusted: they are read strictly, and checked where an
//! invalid one could do harm.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use serde::Serialize;
use tenure_core::error::{Cause, cut};
use tenure_core::store::feed::{Change, FeedPage, FeedQuery};
use tenure_core::store::{
    Answer, Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Problem, Scan, Store,
};
use tenure_core::stored::event::Event;
use tenure_core::stored::head::MAX_SAFE_INTEGER;
use tenure_core::stored::record::Record;
use tenure_core::value::properties::{Properties, Property, Stored, well_formed};
use tenure_core::work::execution::Timer;
use tenure_core::{Error, Head, Json, Millis, Result, SessionId};

/// The mailbox of one operation, with room for its request or the host's reply.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Slot>);

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Empty,
    /// A request that the host has not taken.
    Request { method: &'static str, params: Json },
    /// The host performs the request.
    Waiting { method: &'static str },
    /// A reply that the operation has not taken.
    Reply(String),
}

impl Mailbox {
    /// Takes the request, to pass it to the host.
    pub fn take_request(&self) -> Option<(&'static str, Json)> {
        let mut slot = self.slot();
        match std::mem::take(&mut *slot) {
            Slot::Request { method, params } => {
                *slot = Slot::Waiting { method };
                Some((method, params))
            }
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Puts the host's reply.
    pub fn put_reply(&self, reply: String) {
        *self.slot() = Slot::Reply(reply);
    }

    /// The method whose reply is awaited.
    pub fn awaited(&self) -> Option<&'static str> {
        match &*self.slot() {
            Slot::Waiting { method } => Some(method),
            _ => None,
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // A slot is one value: a panic elsewhere cannot have left half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the host and waits for its reply, which [`read_reply`] reads.
    pub async fn ask(&self, method: &'static str, params: Json) -> String {
        *self.slot() = Slot::Request { method, params };
        poll_fn(|_| self.take_reply()).await
    }

    fn take_reply(&self) -> Poll<String> {
        let mut slot = self.slot();
        match std::mem::take(&mut *slot) {
            Slot::Reply(reply) => Poll::Ready(reply),
            other => {
                *slot = other;
                Poll::Pending
            }
        }
    }
}

/// One operation's view of the host's store.
pub struct HostStore {
    mailbox: Arc<Mailbox>,
    capabilities: Capabilities,
}

impl HostStore {
    /// A store that asks through this mailbox.
    pub fn new(mailbox: Arc<Mailbox>, capabilities: Capabilities) -> Self {
        Self {
            mailbox,
            capabilities,
        }
    }

    async fn ask<T: Property>(
        &self,
        method: &'static str,
        params: Json,
        id: Option<&SessionId>,
    ) -> Result<T> {
        let reply = self.mailbox.ask(method, params).await;
        read_reply(method, &reply, id)
    }
}

/// Reads a host's reply, `{"ok": value}` or `{"error": {code?, message}}`, to a request of `method` about
/// the session `id`.
///
/// # Errors
/// `STORE_MISBEHAVED` if the reply is neither or the value is no `T`; otherwise the error of the reply.
pub fn read_reply<T: Property>(
    method: &'static str,
    reply: &str,
    id: Option<&SessionId>,
) -> Result<T> {
    let value = read_value(method, reply, id)?;
    T::read(method, value).map_err(|error| misbehaved(method, error.to_string()))
}

/// The text of the value in a host's reply.
fn read_value<'r>(method: &str, reply: &'r str, id: Option<&SessionId>) -> Result<&'r str> {
    let invalid = |error: Error| misbehaved(method, error.to_string());
    // What follows is no value if the reply has other properties.
    let only = reply
        .strip_prefix(r#"{"ok":"#)
        .and_then(|rest| rest.strip_suffix('}'));
    if let Some(Ok(value)) = only.map(|text| well_formed("ok", text)) {
        return Ok(value);
    }
    let mut reply = Properties::read("reply", reply).map_err(invalid)?;
    let failure: Option<Failure> = reply.get("error").map_err(invalid)?;
    match failure {
        Some(failure) => Err(failure.into_error(method, id)),
        None => Ok(reply.text("ok").unwrap_or("null")),
    }
}

struct Failure {
    code: Option<String>,
    message: Option<tenure_core::Text>,
}

impl Stored for Failure {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            code: properties.take("code"),
            message: properties.take("message"),
        })
    }
}

tenure_core::stored_properties!(Failure);

impl Failure {
    fn into_error(self, method: &str, id: Option<&SessionId>) -> Error {
        let problem = self.message.map_or_else(
            || "it did not say why".to_owned(),
            |message| cut(message.into_string()),
        );
        match (self.code.as_deref(), id) {
            (Some("STORAGE_FULL"), _) => Cause::StorageFull { problem }.into(),
            (Some("STORE_UNAVAILABLE"), _) => Cause::StoreUnavailable { problem }.into(),
            (Some("CORRUPT_SESSION"), Some(id)) => Cause::CorruptSession {
                id: id.to_string(),
                problem,
            }
            .into(),
            _ => Cause::StoreFailed {
                method: method.to_owned(),
                problem,
            }
            .into(),
        }
    }
}

/// The number of events that the host's store is asked for at a time. A page of large events ends before
/// the rest of it is passed.
const EVENTS_PER_LOAD: u32 = 100;

impl HostStore {
    async fn load_part(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        #[derive(Serialize)]
        struct Load<'a> {
            id: &'a SessionId,
            history: History,
        }
        let loaded: Option<Loaded> = self
            .ask("load", Json::of(&Load { id, history }), Some(id))
            .await?;
        if let Some(loaded) = &loaded {
            check_loaded(loaded, id, history)?;
        }
        Ok(loaded)
    }
}

impl Store for HostStore {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(async move {
            let mut part = history;
            let mut whole: Option<Loaded> = None;
            loop {
                let rest = part.split_off(EVENTS_PER_LOAD);
                let Some(mut loaded) = self.load_part(id, part).await? else {
                    return Ok(None);
                };
                let page = match &mut whole {
                    // Another writer came in between. What was read before is one part of the history.
                    Some(page) if page.head.version != loaded.head.version => return Ok(whole),
                    Some(page) => {
                        page.events.append(&mut loaded.events);
                        page
                    }
                    None => whole.insert(loaded),
                };
                let bytes: u64 = page.events.iter().map(Event::user_bytes).sum();
                match rest.filter(|rest| rest.range(page.head.event_count).is_some()) {
                    Some(rest) if bytes <= history.max_bytes() => part = rest,
                    _ => return Ok(whole),
                }
            }
        })
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        #[derive(Serialize)]
        struct CommitRequest<'a> {
            changes: &'a Changes,
            #[serde(skip_serializing_if = "Option::is_none")]
            feed: Option<Vec<Change>>,
        }
        Box::pin(async move {
            let feed = self.capabilities.feed.then(|| changes.feed());
            self.ask("commit", Json::of(&CommitRequest { changes, feed }), None)
                .await
        })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        #[derive(Serialize)]
        struct List<'a> {
            query: &'a ListQuery,
        }
        Box::pin(async move {
            let mut filter = PageFilter::of(query);
            loop {
                let request = Json::of(&List {
                    query: &filter.request,
                });
                let reply = self.ask("list", request, None).await?;
                if filter.answered(reply)? {
                    return Ok(filter.page);
                }
            }
        })
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        #[derive(Serialize)]
        struct RecordRequest<'a> {
            kind: &'a str,
            key: &'a str,
        }
        Box::pin(async move {
            let record: Option<Record> = self
                .ask("record", Json::of(&RecordRequest { kind, key }), None)
                .await?;
            match &record {
                Some(found) if found.kind != kind || found.key != key => Err(misbehaved(
                    "record",
                    format!(
                        "asked for {kind} {key:?}, got {} {:?}",
                        found.kind, found.key
                    ),
                )),
                _ => Ok(record),
            }
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        #[derive(Serialize)]
        struct ScanRequest<'a> {
            scan: &'a Scan,
        }
        Box::pin(async move {
            let records: Vec<Record> = self
                .ask("scan", Json::of(&ScanRequest { scan }), None)
                .await?;
            if records.len() > scan.limit as usize {
                return Err(misbehaved("scan", "more records than the limit"));
            }
            Ok(records)
        })
    }

    fn feed<'a>(&'a self, query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        #[derive(Serialize)]
        struct FeedRequest<'a> {
            query: &'a FeedQuery,
        }
        Box::pin(async move {
            if !self.capabilities.feed {
                return Err(Cause::NoFeed.into());
            }
            let page: FeedPage = self
                .ask("feed", Json::of(&FeedRequest { query }), None)
                .await?;
            check_feed(&page, query)?;
            Ok(page)
        })
    }
}

impl Timer for HostStore {
    fn sleep(&self, time: Millis) -> Answer<'_, ()> {
        #[derive(Serialize)]
        struct Sleep {
            ms: Millis,
        }
        Box::pin(async move { self.ask("sleep", Json::of(&Sleep { ms: time }), None).await })
    }
}

/// The greatest number of heads that one request asks of a store that does not filter.
const MAX_REQUESTED: u32 = 500;

/// Builds a page from the heads of a store that orders but does not filter them.
struct PageFilter<'a> {
    query: &'a ListQuery,
    /// The next request to the store.
    request: ListQuery,
    has_begun: bool,
    page: Page,
    bytes: u64,
}

impl<'a> PageFilter<'a> {
    fn of(query: &'a ListQuery) -> Self {
        Self {
            query,
            request: query.clone(),
            has_begun: false,
            page: Page::default(),
            bytes: 0,
        }
    }

    /// Takes the reply to its request. Returns whether the page is complete.
    fn answered(&mut self, reply: ListReply) -> Result<bool> {
        let first = !self.has_begun;
        for head in reply.heads() {
            check_head("list", head)?;
        }
        match (reply.ordered, reply.all, reply.heads) {
            // The store does not filter.
            (Some(heads), ..) => {
                self.page.problems.extend(reply.problems);
                return self.take(heads, reply.more);
            }
            // The store does not order either.
            (_, Some(heads), _) if first => self.page = self.query.page(&heads),
            (.., Some(heads)) if first => {
                self.page = Page {
                    heads,
                    more: reply.more,
                    problems: reply.problems,
                };
                check_page(&self.page, self.query)?;
            }
            _ => {
                return Err(misbehaved(
                    "list",
                    "expected `heads`, a page, or `all` that there are, or `ordered`, and that \
                     again when asked for more",
                ));
            }
        }
        Ok(true)
    }

    /// Adds the next heads that match the filter. Returns whether the page is complete.
    fn take(&mut self, heads: Vec<Head>, more: bool) -> Result<bool> {
        let Self {
            query,
            request,
            page,
            ..
        } = self;
        if let Some(problem) = disorder(&heads, more, request) {
            return Err(misbehaved("list", problem));
        }
        self.has_begun = true;
        request.after = heads.last().map(|head| query.order.position(head));
        // The page is not complete yet, so the next request asks for more heads.
        request.limit = request
            .limit
            .max(request.limit.saturating_mul(2).min(MAX_REQUESTED));
        for head in heads {
            // A session that was changed between two replies may occur again.
            let known = page.heads.iter().any(|known| known.id == head.id);
            if known || !query.filter.matches(&head) {
                continue;
            }
            if request.offset > 0 {
                request.offset -= 1;
            } else if page.heads.len() == query.limit as usize || self.bytes > query.max_bytes {
                page.more = true;
                return Ok(true);
            } else {
                self.bytes += head.user_bytes();
                page.heads.push(head);
            }
        }
        Ok(!more)
    }
}

/// What a host's store answers to `list`: a page, or heads in their order of which the core picks, or
/// all heads that it has.
pub(crate) struct ListReply {
    all: Option<Vec<Head>>,
    ordered: Option<Vec<Head>>,
    heads: Option<Vec<Head>>,
    more: bool,
    problems: Vec<Problem>,
}

impl Stored for ListReply {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            all: properties.take("all"),
            ordered: properties.take("ordered"),
            heads: properties.take("heads"),
            more: properties.take_or_default("more"),
            problems: properties.take_or_default("problems"),
        })
    }
}

tenure_core::stored_properties!(ListReply);

impl ListReply {
    /// The heads of the reply, in whichever form it is.
    pub(crate) fn heads(&self) -> &[Head] {
        let heads = self.ordered.as_ref().or(self.all.as_ref());
        heads.or(self.heads.as_ref()).map_or(&[], Vec::as_slice)
    }
}

fn check_loaded(loaded: &Loaded, id: &SessionId, history: History) -> Result<()> {
    if loaded.head.id != *id {
        let problem = format!("asked for session {id}, got {}", loaded.head.id);
        return Err(misbehaved("load", problem));
    }
    check_head("load", &loaded.head)?;
    let range = history.range(loaded.head.event_count);
    let (first, count) = range.map_or((1, 0), |(first, last)| (first, last - first + 1));
    let mut numbered = loaded.events.iter().zip(first..);
    if loaded.events.len() as u64 == count
        && numbered.all(|(event, sequence)| event.sequence == sequence)
    {
        Ok(())
    } else {
        Err(misbehaved(
            "load",
            format!("asked for {count} events from {first} on, got others"),
        ))
    }
}

/// Checks what would not be found out later: that counts leave room for the changes to come, and
/// that what is edited as an object is one.
fn check_head(method: &str, head: &Head) -> Result<()> {
    let problem = if head.version >= MAX_SAFE_INTEGER {
        "a version that is too large"
    } else if head.event_count >= MAX_SAFE_INTEGER {
        "an event count that is too large"
    } else if !head.context.is_object() {
        "a context that is no object"
    } else if head.metadata.as_ref().is_some_and(|json| !json.is_object()) {
        "metadata that are no object"
    } else {
        return Ok(());
    };
    Err(misbehaved(
        method,
        format!("session {}: {problem}", head.id),
    ))
}

fn check_page(page: &Page, query: &ListQuery) -> Result<()> {
    let problem = if page.heads.len() > query.limit as usize {
        Some("more sessions than the limit")
    } else if page.heads.iter().any(|head| !query.filter.matches(head)) {
        Some("a session that the filter does not mean")
    } else {
        disorder(&page.heads, page.more, query)
    };
    problem.map_or(Ok(()), |problem| Err(misbehaved("list", problem)))
}

/// Whether there are changes after a position.
fn is_behind(page: &FeedPage, after: u64) -> bool {
    page.continues(after) && after < page.newest
}

fn check_feed(page: &FeedPage, query: &FeedQuery) -> Result<()> {
    let mut last = query.after.unwrap_or(page.newest);
    let problem = if page.newest >= MAX_SAFE_INTEGER || page.kept_after > page.newest {
        "a feed that ends before it begins, or has no more positions"
    } else if page.changes.len() > query.limit as usize {
        "more changes than the limit"
    } else if page.changes.is_empty() && query.after.is_some_and(|after| is_behind(page, after)) {
        "no changes after a position before the newest one"
    } else if !page.changes.iter().all(|change| {
        let follows = change.position > last && change.position <= page.newest;
        last = change.position;
        follows
    }) {
        "changes that are not in the order of their positions, after the one that was asked for"
    } else {
        return Ok(());
    };
    Err(misbehaved("feed", problem))
}

/// What is wrong with the order of heads, or with their place in the list.
fn disorder(heads: &[Head], more: bool, query: &ListQuery) -> Option<&'static str> {
    let order = query.order;
    let too_early = |head, after| order.compare_to(head, after).is_le();
    if !heads.is_sorted_by(|a, b| order.compare(a, b).is_lt()) {
        Some("sessions out of order")
    } else if let (Some(head), Some(after)) = (heads.first(), &query.after)
        && too_early(head, after)
    {
        Some("sessions that come before the page")
    } else if heads.is_empty() && more {
        Some("an empty page that says there is more")
    } else {
        None
    }
}

fn misbehaved(method: &str, problem: impl Into<String>) -> Error {
    Cause::StoreMisbehaved {
        method: method.to_owned(),
        problem: cut(problem.into()),
    }
    .into()
}
