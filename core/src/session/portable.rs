//! A session as one JSON text: a `session.json` with additional properties of Tenure. This module prints
//! and reads it for export, import and the file store. Reading is lenient: the original properties are
//! enough, and those of other programs are kept in the user data. Printing and reading a session returns
//! the same session.

mod others;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::session::draft::{DEFAULT_MAX_ITERATIONS, check_context};
use crate::session::redaction;
use crate::session::view::{MARKS, SessionEvent, SessionHead};
use crate::stored::agent::Agent;
use crate::stored::event::Event;
use crate::stored::head::{Head, MAX_SAFE_INTEGER, Usage};
use crate::stored::slot::Slot;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::{Json, Object};
use crate::value::limits::Limits;
use crate::value::print::json_text;
use crate::value::properties::{Patch, Properties, Property, Stored};
use crate::value::text::{Text, without_bom};
use crate::value::time::Timestamp;
use crate::value::tokens::Tokens;

pub use others::NAME as OTHER_PROPERTIES;

/// The properties of a session in the text, and Tenure's own one.
pub const PROPERTIES: [&str; 32] = [
    "id",
    "version",
    "userId",
    "channelId",
    "mode",
    "task",
    "workspace",
    "status",
    "createdAt",
    "updatedAt",
    "iterations",
    "maxIterations",
    "context",
    "result",
    "resultData",
    "error",
    "metadata",
    "history",
    "eventCount",
    "finalizedAt",
    "parentId",
    "deletedAt",
    "tenure",
    "agentName",
    "purpose",
    "phase",
    "resumeReady",
    "errorCount",
    "lastError",
    "summary",
    "approval",
    SLOT,
];

/// How many of [`PROPERTIES`] every session may have; the rest are an agent's and the slot. In a text
/// that is no agent's, or whose slot is none, they are another program's.
const COMMON: usize = 23;
const SLOT: &str = "slot";

/// The properties of an event in the text.
const EVENT_PROPERTIES: [&str; 4] = ["sequence", "timestamp", "type", "data"];

/// A session read from text.
#[derive(Debug, Clone, PartialEq)]
pub struct Portable {
    /// The head.
    pub head: Head,
    /// The whole history, numbered from 1; nothing when only the head was asked for.
    pub events: Vec<Event>,
    /// What a store keeps with the session, as it was printed. It is no part of the session.
    pub records: Option<Json>,
}

/// Prints a session, with what a store keeps along with it. The properties of other programs are printed
/// where they were read.
///
/// # Errors
/// `INTERNAL`, for a defect.
pub fn print(head: Head, events: Vec<Event>, records: Option<&Json>) -> Result<String> {
    let Frame {
        opening: mut text,
        closing,
    } = Frame::of(head, records)?;
    for (place, event) in events.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&print_event(event)?);
    }
    text.push_str(&closing);
    Ok(text)
}

/// The text of a session without its events, which are separated by commas.
#[derive(Debug)]
pub struct Frame {
    /// The text before the first event.
    pub opening: String,
    /// The text after the last event.
    pub closing: String,
}

impl Frame {
    /// The text of the session with this head, and with what a store keeps along with it.
    ///
    /// # Errors
    /// `INTERNAL`, for a defect.
    pub fn of(mut head: Head, records: Option<&Json>) -> Result<Self> {
        let others = take_others(&mut head);
        let own = Own::of(&head, records);
        let mut opening = printed(&SessionHead::from(head))?;
        opening.pop();
        opening.push_str(",\"history\":[");
        let mut closing = String::from("]");
        if own.says_something() {
            closing.push_str(",\"tenure\":");
            closing.push_str(&printed(&own)?);
        }
        // None of these is a property of the session.
        match others
            .as_ref()
            .and_then(|others| others.as_str().strip_prefix('{'))
        {
            Some(others) => {
                closing.push(',');
                closing.push_str(others);
            }
            None => closing.push('}'),
        }
        Ok(Self { opening, closing })
    }
}

/// Prints an event as a part of the text of its session.
///
/// # Errors
/// `INTERNAL`, for a defect.
pub fn print_event(mut event: Event) -> Result<String> {
    let others = take_others_of_event(&mut event);
    let text = printed(&SessionEvent::from(event))?;
    let Some(others) = others else {
        return Ok(text);
    };
    let own = Json::parse(&text)?;
    let mut whole = Object::parse(&own);
    whole.merge(Object::parse(&others));
    Ok(whole.to_json().as_str().to_owned())
}

fn printed<T: Serialize>(value: &T) -> Result<String> {
    json_text(value).map_err(|error| Error::internal(format!("printing a session: {error}")))
}

/// Takes the properties of another program out of the metadata, if they are read as such again from the
/// text of a session.
fn take_others(head: &mut Head) -> Option<Json> {
    let (rest, others) = others::taken(head.metadata.as_ref()?)?;
    let names = Object::parse(&others);
    let is_among = |names_of: &[&str]| names_of.iter().any(|name| names.get(name).is_some());
    let (common, special) = PROPERTIES.split_at(COMMON);
    // Whether a property that only some sessions have is one depends on the others.
    if is_among(common)
        || is_among(&MARKS)
        || (is_among(special) && !is_read_as_others(head, &others))
    {
        return None;
    }
    head.metadata = Some(rest).filter(|rest| *rest != Json::empty_object());
    Some(others)
}

/// Whether these properties, in the text of this session, are another program's.
fn is_read_as_others(head: &Head, others: &Json) -> bool {
    let printed = Json::of(&SessionHead::from(head.clone()));
    let mut session = Object::parse(&printed);
    let names = Object::parse(others);
    let repeats = |name: &&str| session.get(name).is_some() && names.get(name).is_some();
    if PROPERTIES.iter().any(repeats) {
        return false;
    }
    session.merge(names);
    let read = read_head(session.to_json().as_str());
    read.is_ok_and(|read| read.head.agent == head.agent && read.head.slot == head.slot)
}

/// As [`take_others`], for the data of an event.
fn take_others_of_event(event: &mut Event) -> Option<Json> {
    let (rest, others) = others::taken(&event.data)?;
    let names = Object::parse(&others);
    if EVENT_PROPERTIES
        .iter()
        .any(|name| names.get(name).is_some())
    {
        return None;
    }
    event.data = rest;
    Some(others)
}

/// What a session's other properties say of these.
struct Derived {
    paused_at: Option<Timestamp>,
    finalized_at: Option<Timestamp>,
    usage: Usage,
}

impl Derived {
    fn of(head: &Head) -> Self {
        let paused = head.status == Status::Paused;
        let finished = head.status.is_finished();
        Self {
            paused_at: paused
                .then(|| Object::parse(&head.context).read("pausedAt"))
                .flatten(),
            finalized_at: finished.then_some(head.updated_at),
            usage: head
                .metadata
                .as_ref()
                .map(Usage::of_metadata)
                .unwrap_or_default(),
        }
    }
}

/// What the other properties cannot say, under one name that no other program uses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Own<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_at: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finalized_at: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<&'a Json>,
}

impl<'a> Own<'a> {
    fn of(head: &Head, records: Option<&'a Json>) -> Self {
        let derived = Derived::of(head);
        Self {
            paused_at: (head.paused_at != derived.paused_at).then_some(head.paused_at),
            finalized_at: (head.finalized_at.is_none() && derived.finalized_at.is_some())
                .then_some(None),
            usage: (head.usage != derived.usage).then_some(head.usage),
            records,
        }
    }

    fn says_something(&self) -> bool {
        self.paused_at.is_some()
            || self.finalized_at.is_some()
            || self.usage.is_some()
            || self.records.is_some()
    }
}

/// [`Own`] as it is read.
struct OwnText {
    paused_at: Patch<Timestamp>,
    finalized_at: Patch<Timestamp>,
    usage: Option<Usage>,
    records: Option<Json>,
}

impl Stored for OwnText {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            paused_at: properties.take("paused_at"),
            finalized_at: properties.take("finalized_at"),
            usage: properties.take("usage"),
            records: properties.take("records"),
        })
    }
}

crate::stored_properties!(OwnText);

/// An event in the text. Events are numbered by their place.
struct EventText {
    timestamp: Timestamp,
    kind: Text,
    data: Json,
}

impl EventText {
    fn event(self, sequence: u64) -> Event {
        Event {
            sequence,
            timestamp: self.timestamp,
            kind: self.kind.into_string(),
            data: self.data,
        }
    }
}

impl Stored for EventText {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        properties.text("sequence");
        let event = Self {
            timestamp: properties.get("timestamp")?,
            kind: properties.get("type")?,
            data: properties
                .text("data")
                .map_or_else(Json::default, Json::of_part),
        };
        let of_other_programs = properties.others(&EVENT_PROPERTIES);
        if of_other_programs.is_empty() {
            return Ok(event);
        }
        let mut others = Object::default();
        for (name, value) in of_other_programs {
            others.set(&name, &Json::of_part(value));
        }
        Ok(Self {
            data: others::added(&event.data, others),
            ..event
        })
    }
}

crate::stored_properties!(EventText);

/// An event that was read but not kept.
struct Checked;

impl Property for Checked {
    fn read(name: &str, text: &str) -> Result<Self> {
        Self::read_next(name, &mut Tokens::of(text))
    }

    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        <EventText as Property>::read_next(name, tokens).map(|_| Self)
    }
}

/// Reads a session from the text that [`print`] returns, or from a `session.json` of that shape. Its
/// size is not checked.
///
/// # Errors
/// `INVALID_ARGUMENT` if the text is no session, and `INVALID_ID`.
pub fn read(text: &str) -> Result<Portable> {
    let mut properties = properties(text)?;
    let history: Vec<EventText> = history(&mut properties)?;
    let mut portable = portable(&mut properties, history.len() as u64)?;
    portable.events = history
        .into_iter()
        .zip(1..)
        .map(|(event, sequence)| event.event(sequence))
        .collect();
    Ok(portable)
}

/// Reads a session with the same checks as [`read`], but returns its head only.
///
/// # Errors
/// Those of [`read`].
pub fn read_head(text: &str) -> Result<Portable> {
    let mut properties = properties(text)?;
    let history: Vec<Checked> = history(&mut properties)?;
    portable(&mut properties, history.len() as u64)
}

fn properties(text: &str) -> Result<Properties<'_>> {
    let text = without_bom(text);
    if !text.trim_start().starts_with('{') {
        return Err(Error::invalid("text", "expected the JSON of a session"));
    }
    Properties::read("text", text)
}

fn history<E: Property>(properties: &mut Properties<'_>) -> Result<Vec<E>> {
    match properties.text("history") {
        Some(text) => Vec::read("history", text),
        None => Ok(Vec::new()),
    }
}

fn portable(properties: &mut Properties<'_>, event_count: u64) -> Result<Portable> {
    let (common, _) = PROPERTIES.split_at(COMMON);
    let mut others = properties.others(common);
    let text = |text: Option<Text>| text.map(Text::into_string);
    let id = SessionId::parse(properties.get::<Text>("id")?.as_str())?;
    let created_at = properties.take("created_at");
    let mut head = Head {
        id,
        version: match properties.take("version") {
            None => 1,
            Some(version) if version < MAX_SAFE_INTEGER => version,
            // Nobody counted that far. It leaves room for the changes to come.
            Some(_) => MAX_SAFE_INTEGER / 2,
        },
        user_id: text(properties.take("user_id")),
        channel_id: text(properties.take("channel_id")),
        mode: properties.take::<Text>("mode").into_string(),
        task: properties.take::<Text>("task").into_string(),
        workspace: text(properties.take("workspace")),
        status: properties.take("status"),
        created_at,
        updated_at: properties.take_or("updated_at", created_at),
        iterations: properties.take_or_default("iterations"),
        max_iterations: properties.take_or("max_iterations", DEFAULT_MAX_ITERATIONS),
        usage: Usage::default(),
        context: object("context", properties.take_or("context", Json::default()))?,
        result: text(properties.take("result")),
        result_data: properties.take("result_data"),
        error: text(properties.take("error")),
        metadata: properties
            .take::<Option<Json>>("metadata")
            .map(|metadata| object("metadata", metadata))
            .transpose()?,
        event_count,
        paused_at: None,
        finalized_at: None,
        parent_id: properties.take("parent_id"),
        agent: agent(properties).map(Box::new),
        slot: if_valid::<Json>(properties, SLOT)
            .and_then(|slot| Slot::read(&slot))
            .map(Box::new),
        deleted_at: properties.take("deleted_at"),
    };
    others.retain(|(name, text)| !is_taken(&head, name, text));
    if head.slot.is_some() && others.iter().any(|(name, _)| *name == MARKS[0]) {
        // A session as `get` shows it.
        others.retain(|(name, _)| !MARKS.contains(&&**name));
    }
    if !others.is_empty() {
        let mut object = Object::default();
        for (name, text) in others {
            object.set(&name, &Json::parse(text)?);
        }
        let metadata = head.metadata.unwrap_or_default();
        head.metadata = Some(others::added(&metadata, object));
    }
    let derived = Derived::of(&head);
    let finalized_at: Option<Timestamp> = properties.take("finalized_at");
    head.usage = derived.usage;
    head.paused_at = derived.paused_at;
    head.finalized_at = finalized_at.or(derived.finalized_at);
    let mut records = None;
    if let Some(own) = properties.take::<Option<OwnText>>("tenure") {
        records = own.records;
        head.usage = own.usage.unwrap_or(head.usage);
        own.paused_at.apply(&mut head.paused_at);
        own.finalized_at.apply(&mut head.finalized_at);
    }
    properties.sound()?;
    Ok(Portable {
        head,
        events: Vec::new(),
        records,
    })
}

/// What makes it an agent's session: a name and a phase that is one of ours.
fn agent(properties: &mut Properties<'_>) -> Option<Agent> {
    if_valid::<Text>(properties, "agent_name")?;
    let mut agent = Agent::default();
    agent.enter(if_valid(properties, "phase")?);
    agent.resume_ready = if_valid(properties, "resume_ready").unwrap_or(agent.resume_ready);
    agent.error_count = if_valid(properties, "error_count").unwrap_or_default();
    agent.last_error = if_valid(properties, "last_error");
    agent.summary = if_valid(properties, "summary").map(Text::into_string);
    agent.approval = if_valid(properties, "approval");
    Some(agent)
}

/// Whether the head has the value of a property that only some sessions have. Otherwise the property is
/// another program's.
fn is_taken(head: &Head, name: &str, text: &str) -> bool {
    let is = |own: &str| Text::read(name, text).is_ok_and(|text| text.as_str() == own);
    let Some(agent) = &head.agent else {
        return name == SLOT && head.slot.is_some();
    };
    match name {
        SLOT => head.slot.is_some(),
        "agentName" => is(&head.mode),
        "purpose" => is(&head.task),
        "phase" => true,
        "resumeReady" => text == "null" || bool::read(name, text).is_ok(),
        "errorCount" => text == "null" || u32::read(name, text).is_ok(),
        "lastError" => text == "null" || agent.last_error.is_some(),
        "summary" => text == "null" || agent.summary.is_some(),
        "approval" => text == "null" || agent.approval.is_some(),
        _ => false,
    }
}

/// A property that may be anything, since it may be another program's.
fn if_valid<T: Property>(properties: &mut Properties<'_>, name: &'static str) -> Option<T> {
    T::read(name, properties.text(name)?).ok()
}

fn object(what: &str, json: Json) -> Result<Json> {
    json.require_object(what)?;
    Ok(json)
}

impl Portable {
    /// Checks an imported session against the limits, redacts its secrets, and corrects values that the
    /// text may have but a session of Tenure never has.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` and `TOO_DEEP`.
    pub fn checked(mut self, limits: &Limits) -> Result<Self> {
        let head = &mut self.head;
        limits.task(&head.task)?;
        limits.label("mode", Some(&head.mode))?;
        limits.label("userId", head.user_id.as_deref())?;
        limits.label("channelId", head.channel_id.as_deref())?;
        limits.label("workspace", head.workspace.as_deref())?;
        limits.text("result", head.result.as_deref())?;
        if let Some(data) = &head.result_data {
            limits.result_data(data)?;
        }
        limits.text("error", head.error.as_deref())?;
        check_context(&head.context, limits)?;
        if let Some(metadata) = &head.metadata {
            limits.object("metadata", metadata)?;
        }
        for event in &mut self.events {
            if event.data.as_str() == "null" {
                event.data = Json::empty_object();
            }
            limits.label("type", Some(&event.kind))?;
            limits.kept_data(&event.data)?;
        }
        // Leaves room for future versions.
        head.version = head.version.min(MAX_SAFE_INTEGER / 2);
        head.max_iterations = head.max_iterations.max(1);
        head.usage = head.usage.kept();
        if head.status != Status::Paused {
            head.paused_at = None;
        }
        if head.status.is_finished() && head.finalized_at.is_none() {
            head.finalized_at = Some(head.updated_at);
        }
        if let Some(agent) = &mut head.agent {
            limits.text("summary", agent.summary.as_deref())?;
            let said = agent.last_error.as_ref();
            limits.text("lastError", said.map(|error| error.message.as_str()))?;
            let approval = agent.approval.as_ref();
            limits.label("by", approval.and_then(|approval| approval.by.as_deref()))?;
            agent.agree_with(head.status);
        }
        if let Some(slot) = &head.slot {
            slot.check(limits)?;
        }
        redaction::session(&limits.redact, head, &mut self.events);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(properties: &str) -> String {
        format!(
            r#"{{"id":"a","mode":"m","task":"t","status":"active","createdAt":"2026-01-02T03:04:05Z"{properties}}}"#
        )
    }

    #[test]
    fn no_version_is_read_that_cannot_be_counted_up() {
        for (said, read_as) in [
            ("", 1),
            (r#","version":9007199254740990"#, MAX_SAFE_INTEGER - 1),
            (r#","version":9007199254740991"#, MAX_SAFE_INTEGER / 2),
            (r#","version":18446744073709551615"#, MAX_SAFE_INTEGER / 2),
        ] {
            assert_eq!(read(&text(said)).unwrap().head.version, read_as, "{said}");
        }
        for said in [r#","version":-1"#, r#","version":1.5"#, r#","version":"1""#] {
            assert!(read(&text(said)).is_err(), "{said}");
        }
    }

    #[test]
    fn every_property_that_is_printed_is_a_property() {
        let rich = text(
            r#","userId":"u","channelId":"c","workspace":"w","result":"r","resultData":[1],"error":"e","metadata":{},"parentId":"p","deletedAt":1,"finalizedAt":1,"tenure":{"records":[]},"agentName":"m","purpose":"t","phase":"planning","resumeReady":false,"errorCount":1,"lastError":{"message":"m","timestamp":1},"summary":"s","approval":{"state":"approved","requestedAt":1,"by":"b","decidedAt":2},"slot":{"taskId":"t","phase":"plan","model":"m"}"#,
        );
        let Portable { head, events, .. } = read(&rich).unwrap();
        let records = Json::parse("[]").unwrap();
        let printed = print(head, events, Some(&records)).unwrap();
        let printed = Json::parse(&printed).unwrap();
        let names: std::collections::BTreeSet<String> = Object::parse(&printed)
            .by_key()
            .map(|(key, _)| String::from_utf8(key.to_vec()).unwrap())
            .collect();
        let properties = PROPERTIES.map(str::to_owned).into();
        assert_eq!(names, properties);
        assert_eq!(
            read(printed.as_str()).unwrap().head.metadata,
            Some(Json::empty_object())
        );
    }

    /// Reads a text, and checks that printing the session loses nothing. Returns the metadata, and the
    /// printed text.
    fn kept(text: &str) -> (String, String) {
        let session = read(text).unwrap();
        assert_eq!(read_head(text).unwrap().head, session.head, "{text}");
        let printed = print(session.head.clone(), session.events.clone(), None).unwrap();
        let again = read(&printed).unwrap();
        assert_eq!(again.head, session.head, "{printed}");
        assert_eq!(again.events, session.events, "{printed}");
        let metadata = session.head.metadata.unwrap_or_default();
        (metadata.as_str().to_owned(), printed)
    }

    #[test]
    fn the_properties_of_other_programs_are_kept_and_printed_in_their_place() {
        let others = r#""guildId":"g","big":1e400,"Status":"x","task2":null,"tags":["a"]"#;
        for (metadata, kept_there) in [
            ("", String::new()),
            (r#","metadata":{}"#, String::new()),
            (r#","metadata":{"model":"m"}"#, r#","model":"m""#.to_owned()),
        ] {
            let (there, printed) = kept(&text(&format!(",{others}{metadata}")));
            assert_eq!(
                there,
                format!(r#"{{"otherProperties":{{{others}}}{kept_there}}}"#)
            );
            assert!(printed.ends_with(&format!(",{others}}}")), "{printed}");
            assert!(!printed.contains(OTHER_PROPERTIES), "{printed}");
        }
    }

    #[test]
    fn the_properties_that_other_programs_give_an_event_are_kept_in_its_data() {
        let history = r#","history":[{"timestamp":1,"type":"a","tags":["x"],"data":{"n":1}},{"timestamp":1,"type":"b","by":null},{"timestamp":1,"type":"c","data":{}}]"#;
        let (_, printed) = kept(&text(history));
        let events = read(&text(history)).unwrap().events;
        let data: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
        let expected = [
            r#"{"otherProperties":{"tags":["x"]},"n":1}"#,
            r#"{"otherProperties":{"by":null}}"#,
            "{}",
        ];
        assert_eq!(data, expected);
        assert!(
            printed.contains(r#""data":{"n":1},"tags":["x"]}"#),
            "{printed}"
        );
        assert!(printed.contains(r#""data":{},"by":null}"#), "{printed}");
    }

    #[test]
    fn an_object_that_only_looks_like_other_properties_stays_where_it_is() {
        for said in [
            r#","metadata":{"otherProperties":{"id":"b"}}"#,
            r#","metadata":{"otherProperties":{}}"#,
            r#","metadata":{"otherProperties":7},"mine":1"#,
            r#","metadata":{"otherProperties":{"agentName":"b","phase":"planning"}}"#,
            r#","metadata":{"otherProperties":{"slot":{"taskId":"t","phase":"plan","model":"m"}}}"#,
            r#","metadata":{"a":1,"otherProperties":{"b":1}}"#,
            r#","metadata":{"otherProperties":{"a":1,"a":2},"b":1}"#,
            r#","history":[{"timestamp":1,"type":"a","data":{"otherProperties":{"type":"b"}}}]"#,
            r#","history":[{"timestamp":1,"type":"a","data":"text","by":"b"}]"#,
            r#","agentName":"m","phase":"planning","lastError":7,"purpose":"other","mine":1"#,
        ] {
            kept(&text(said));
        }
        let (there, _) = kept(&text(r#","metadata":{"otherProperties":7},"mine":1"#));
        assert_eq!(
            there,
            r#"{"otherProperties":{"mine":1,"otherProperties":7}}"#
        );
    }

    #[test]
    fn what_other_programs_call_a_phase_or_a_slot_is_theirs() {
        for said in [
            r#""phase":"beta","summary":{"a":1},"errorCount":"many""#,
            r#""phase":"planning","lastError":7"#,
            r#""agentName":"bot","purpose":null,"phase":3"#,
            r#""slot":7"#,
            r#""slot":{"taskId":"t","phase":"beta","model":"m"}"#,
            r#""slot":{"taskId":"t","phase":"plan"}"#,
        ] {
            let text = text(&format!(",{said}"));
            let head = read(&text).unwrap().head;
            assert_eq!((head.agent, head.slot), (None, None), "{said}");
            let (there, printed) = kept(&text);
            assert_eq!(there, format!(r#"{{"otherProperties":{{{said}}}}}"#));
            assert!(printed.ends_with(&format!(",{said}}}")), "{printed}");
        }
    }

    #[test]
    fn only_an_object_is_a_session() {
        for text in ["", "null", "[]", r#"["a",1]"#, "\"a\"", "7"] {
            assert_eq!(read(text).unwrap_err().code(), "INVALID_ARGUMENT", "{text}");
            assert_eq!(read_head(text).unwrap_err().code(), "INVALID_ARGUMENT");
        }
    }
}
