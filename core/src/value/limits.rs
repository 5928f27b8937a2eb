//! The limits of inputs. They prevent that one careless call fills a store or blocks a process. Each is
//! configured when a store is opened, and an error names the limit.

use crate::error::{Cause, Error, Result};
#[cfg(feature = "outbox")]
use crate::value::hint::Hint;
use crate::value::json::{Json, Object};
use crate::value::models::Models;
use crate::value::properties::{Params, Properties};
use crate::value::redact::Redact;

/// The limits of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename_all = "camelCase"))]
pub struct Limits {
    /// The greatest size of an event's `data`, in bytes; 1 MiB by default.
    pub max_data_bytes: u64,
    /// The greatest size of a session's `context`, and of its `metadata`, in bytes; 1 MiB by default.
    pub max_context_bytes: u64,
    /// The greatest size of a task, in bytes; 64 KiB by default.
    pub max_task_bytes: u64,
    /// The greatest size of a result, an error or a reason, in bytes; 1 MiB by default.
    pub max_text_bytes: u64,
    /// The greatest size of a name (user, channel, mode, workspace, event type, tool), in bytes; 4 KiB
    /// by default.
    pub max_label_bytes: u64,
    /// The greatest number of nested levels in JSON; 128 by default.
    pub max_depth: u32,
    /// The greatest number of events in one `addEvents`; 1,000 by default.
    pub max_batch: u32,
    /// The greatest size of the user data in one reply, in bytes; no limit by default. The bridge sets it.
    #[cfg_attr(feature = "ts", ts(skip))]
    pub max_reply_bytes: u64,
    /// The rules of redaction. They are a separate option of a store.
    #[cfg_attr(feature = "ts", ts(skip))]
    pub redact: Redact,
    /// Whether appends, too, need the fencing token of a session that is held. It is a separate option.
    #[cfg_attr(feature = "ts", ts(skip))]
    pub fenced: bool,
    /// The available models. They are a separate option, too.
    #[cfg_attr(feature = "ts", ts(skip))]
    pub models: Models,
    /// Whether endpoints of webhooks were seen in the store. Calls find it out.
    #[cfg(feature = "outbox")]
    #[cfg_attr(feature = "ts", ts(skip))]
    pub has_routes: Hint,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_data_bytes: 1 << 20,
            max_context_bytes: 1 << 20,
            max_task_bytes: 64 << 10,
            max_text_bytes: 1 << 20,
            max_label_bytes: 4 << 10,
            max_depth: 128,
            max_batch: 1000,
            max_reply_bytes: u64::MAX,
            redact: Redact::default(),
            fenced: false,
            models: Models::default(),
            #[cfg(feature = "outbox")]
            has_routes: Hint::default(),
        }
    }
}

impl Params for Limits {
    fn take(properties: &mut Properties<'_>) -> Self {
        let default = Self::default();
        Self {
            max_data_bytes: properties.take_or("max_data_bytes", default.max_data_bytes),
            max_context_bytes: properties.take_or("max_context_bytes", default.max_context_bytes),
            max_task_bytes: properties.take_or("max_task_bytes", default.max_task_bytes),
            max_text_bytes: properties.take_or("max_text_bytes", default.max_text_bytes),
            max_label_bytes: properties.take_or("max_label_bytes", default.max_label_bytes),
            max_depth: properties.take_or("max_depth", default.max_depth),
            max_batch: properties.take_or("max_batch", default.max_batch),
            max_reply_bytes: default.max_reply_bytes,
            redact: default.redact,
            fenced: default.fenced,
            models: default.models,
            #[cfg(feature = "outbox")]
            has_routes: default.has_routes,
        }
    }
}

impl Limits {
    /// Checks a task.
    ///
    /// # Errors
    /// `TOO_LARGE`.
    pub fn task(&self, task: &(impl AsRef<str> + ?Sized)) -> Result<()> {
        check("task", task.as_ref().len() as u64, self.max_task_bytes)
    }

    /// Checks a result, an error or a reason; `what` names it.
    ///
    /// # Errors
    /// `TOO_LARGE`.
    pub fn text(&self, what: &str, text: Option<&(impl AsRef<str> + ?Sized)>) -> Result<()> {
        let length = text.map_or(0, |text| text.as_ref().len());
        check(what, length as u64, self.max_text_bytes)
    }

    /// Checks a name; `what` is the parameter.
    ///
    /// # Errors
    /// `TOO_LARGE`.
    pub fn label(&self, what: &str, label: Option<&(impl AsRef<str> + ?Sized)>) -> Result<()> {
        let length = label.map_or(0, |label| label.as_ref().len());
        check(what, length as u64, self.max_label_bytes)
    }

    /// Checks an event's data, which has to be an object.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn data(&self, data: &Json) -> Result<()> {
        data.check_object("data", self.max_data_bytes, self.max_depth)
    }

    /// Checks the JSON of a result.
    ///
    /// # Errors
    /// `TOO_LARGE` or `TOO_DEEP`.
    pub fn result_data(&self, data: &Json) -> Result<()> {
        let mut event = Object::default();
        event.set("resultData", data);
        self.data(&event.to_json())
    }

    /// Checks the data of a recorded event. It may be larger than the limit by the quotes and escapes
    /// that Tenure adds to a result, an error or a reason.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn kept_data(&self, data: &Json) -> Result<()> {
        const ESCAPED: u64 = "\\u0000".len() as u64;
        const NAMES: u64 = 1024;
        let text = self.max_text_bytes.saturating_mul(ESCAPED);
        let most = self
            .max_data_bytes
            .saturating_add(text)
            .saturating_add(NAMES);
        data.check_object("data", most, self.max_depth)
    }

    /// Checks that one reply can hold this much user data; `what` names it.
    ///
    /// # Errors
    /// `TOO_LARGE`.
    pub fn reply(&self, what: &str, bytes: u64) -> Result<()> {
        let limit = self.max_reply_bytes;
        // The text grows by doubling, beside its former content.
        let fits = bytes <= MAX_PAGE_BYTES || bytes > limit || has_room(bytes.saturating_mul(3));
        check(what, bytes, if fits { limit } else { MAX_PAGE_BYTES })
    }

    /// Checks a context or metadata, which has to be an object; `what` says which.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn object(&self, what: &str, object: &Json) -> Result<()> {
        object.check_object(what, self.max_context_bytes, self.max_depth)
    }
}

crate::nested_properties!(Limits);

fn check(what: &str, actual: u64, limit: u64) -> Result<()> {
    if actual > limit {
        return Err(Cause::TooLarge {
            what: what.to_owned(),
            actual,
            limit,
        }
        .into());
    }
    Ok(())
}

/// Whether this much memory can be allocated. In WebAssembly a failed allocation is the end of the module.
pub fn has_room(bytes: u64) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}

/// The greatest number of items in a page.
pub const MAX_PAGE: u32 = 1000;
/// A page of sessions or events ends early when its user data exceeds this many bytes.
pub const MAX_PAGE_BYTES: u64 = 8 << 20;

/// The limit of a page: the given one, or the default.
///
/// # Errors
/// `INVALID_ARGUMENT` for 0 and for more than 1,000.
pub fn page_limit(given: Option<u32>, default: u32) -> Result<u32> {
    limit_of(given, default, MAX_PAGE)
}

/// A limit from 1 to `most`: the given one, or the default.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn limit_of(given: Option<u32>, default: u32, most: u32) -> Result<u32> {
    let limit = given.unwrap_or(default);
    if (1..=most).contains(&limit) {
        Ok(limit)
    } else {
        Err(Error::invalid(
            "limit",
            format!("expected 1 to {most}, got {limit}"),
        ))
    }
}
