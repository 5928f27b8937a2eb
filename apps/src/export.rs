//! Exporting a session of any size: the text that `export` returns, in parts of a bounded size. The
//! history is append-only, so the parts contain the session as it was at the first one, whatever is
//! appended meanwhile. An import may replace the history, too. If the session has changed, the history is
//! therefore read again at the end, and the export fails if it is not the one that was printed.

use std::borrow::Cow;

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::error::{Cause, Error, Result};
use tenure_core::session::portable::{Frame, print_event};
use tenure_core::store::filter::Trash;
use tenure_core::store::{History, Loaded};
use tenure_core::stored::slot::SlotPhase;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::id::SessionId;
use tenure_core::value::json::Json;
use tenure_core::value::limits::MAX_PAGE_BYTES;
use tenure_core::value::properties::Params;
use tenure_core::value::text::Text;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::{Head, Status, Timestamp};

/// A part ends after the event with which its events exceed this many bytes of text.
const PART_BYTES: u64 = MAX_PAGE_BYTES;

/// The number of events that are read at once: first, and at most. In between, the size of the former ones
/// decides. The next ones may be far larger, so these numbers bound the memory.
const FIRST_EVENTS: u32 = 8;
const MOST_EVENTS: u32 = 100;

declare_params! {
    /// The part of a session's text to export.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct ExportPartParams {
        /// The id of the session.
        pub id: Text,
        /// Whether the session may be in the trash; `include` by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub trash: Option<Trash>,
        /// The `next` of the previous part; the first part by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub after: Option<Text>,
    }
}

/// A part of a session's text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ExportPart {
    /// The text, which may be empty. The text of the session is that of all parts.
    pub text: String,
    /// The version of the exported session.
    pub version: u64,
    /// What an archive lists of the session: its user, mode, status, slot, model, times and number of events; with the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, type = "JsonObject"))]
    pub about: Option<Json>,
    /// The `after` of the next part; absent on the last part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

tenure_core::read_replies! {
    ExportPart { text, version, about, next }
}

tenure_core::operations! {
    Group::Sessions;
    /// A part of the text that `export` returns, which may be of any size.
    EXPORT_PART = Read "exportPart" (ExportPartParams) -> ExportPart, steps part,
        r#"{"id":"s","trash":"include","after":"{\"version\":1,\"head\":\"h\",\"closing\":\"]}\",\"count\":1,\"printed\":0,\"digest\":\"\",\"checked\":0,\"checkedDigest\":\"\"}"}"#;
}

declare_params! {
    /// An export between two parts.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct ExportProgress {
        /// The version of the session.
        pub version: u64,
        /// Identifies the session's head.
        pub head: Text,
        /// The text after the last event.
        pub closing: Text,
        /// The number of events.
        pub count: u64,
        /// The last event that was printed; 0 before the first.
        pub printed: u64,
        /// Identifies the printed events.
        pub digest: Text,
        /// The last event that was read again, once all were printed and the session has changed.
        pub checked: Option<u64>,
        /// Identifies the events that were read again.
        pub checked_digest: Text,
    }
}

async fn part(context: &Context, params: ExportPartParams) -> Result<ExportPart> {
    let id = SessionId::parse(params.id.as_str())?;
    let trash = params.trash.unwrap_or(Trash::Include);
    let found = |loaded: Option<Loaded>| match loaded {
        Some(loaded) if trash.admits(&loaded.head) => Ok(loaded),
        _ => Err(Error::from(Cause::SessionNotFound { id: id.to_string() })),
    };
    let mut text = String::new();
    let mut about = None;
    let mut progress = match &params.after {
        Some(after) => {
            ExportProgress::read("after", after.as_str()).map_err(|_| Cause::InvalidCursor)?
        }
        None => {
            let head = found(context.load(&id, History::None).await?)?.head;
            let (version, count) = (head.version, head.event_count);
            about = Some(Json::of(&About::of(&head)));
            let frame = Frame::of(head, None)?;
            let digest = digest_of(&frame);
            text = frame.opening;
            ExportProgress {
                version,
                head: digest,
                closing: frame.closing.into(),
                count,
                ..ExportProgress::default()
            }
        }
    };
    // Something else than an append has changed the session.
    let changed = |current: u64| Cause::VersionConflict {
        id: id.to_string(),
        expected: progress.version,
        current,
    };
    let (mut last, mut digest) = match progress.checked {
        None => (progress.printed, progress.digest.clone()),
        Some(last) => (last, progress.checked_digest.clone()),
    };
    let (mut bytes, mut events_read, mut limit) = (0, 0, FIRST_EVENTS);
    let mut head = None;
    while last < progress.count && bytes <= PART_BYTES {
        let left = u32::try_from(progress.count - last).unwrap_or(u32::MAX);
        let history = History::After {
            sequence: last,
            limit: limit.min(left),
        };
        let loaded = found(context.load(&id, history).await?)?;
        let first = loaded.events.first();
        if first.is_none_or(|event| event.sequence != last + 1) {
            return Err(changed(loaded.head.version).into());
        }
        for event in loaded.events {
            if bytes > PART_BYTES {
                break;
            }
            let sequence = event.sequence;
            let event = print_event(event)?;
            if progress.checked.is_none() {
                if last > 0 {
                    text.push(',');
                }
                text.push_str(&event);
            }
            last = sequence;
            digest = Fingerprint::of(digest.as_str(), &event).text().into();
            bytes += event.len() as u64;
            events_read += 1;
        }
        let more = PART_BYTES.saturating_sub(bytes) / (bytes / events_read).max(1);
        limit = u32::try_from(more)
            .unwrap_or(u32::MAX)
            .clamp(1, MOST_EVENTS);
        head = Some(loaded.head);
    }
    let mut is_complete = last >= progress.count;
    if progress.checked.is_some() {
        if is_complete && digest != progress.digest {
            let current = head.map_or(progress.version, |head| head.version);
            return Err(changed(current).into());
        }
        (progress.checked, progress.checked_digest) = (Some(last), digest);
    } else {
        if let Some(head) = head.filter(|_| is_complete)
            && digest_of(&Frame::of(head, None)?) != progress.head
        {
            is_complete = false;
            progress.checked = Some(0);
        }
        (progress.printed, progress.digest) = (last, digest);
    }
    if is_complete {
        text.push_str(progress.closing.as_str());
    }
    Ok(ExportPart {
        text,
        version: progress.version,
        about,
        next: (!is_complete).then(|| Json::of(&progress).as_str().to_owned()),
    })
}

/// What an archive lists of a session, besides what it archives: nothing of the user data.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'h> {
    user_id: Option<&'h str>,
    mode: &'h str,
    status: Status,
    task_id: Option<&'h str>,
    phase: Option<SlotPhase>,
    model: Option<Cow<'h, str>>,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
    events: u64,
}

impl<'h> About<'h> {
    fn of(head: &'h Head) -> Self {
        let slot = head.slot.as_deref();
        Self {
            user_id: head.user_id.as_deref(),
            mode: &head.mode,
            status: head.status,
            task_id: slot.map(|slot| slot.task_id.as_str()),
            phase: slot.map(|slot| slot.phase),
            model: head.model(),
            created_at: head.created_at,
            updated_at: head.updated_at,
            deleted_at: head.deleted_at,
            events: head.event_count,
        }
    }
}

/// Identifies a session's head.
fn digest_of(frame: &Frame) -> Text {
    Fingerprint::of(&frame.opening, &frame.closing)
        .text()
        .into()
}
