//! A lease as the commands print it, and pages of leases.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::clean;
use crate::params::Params;

/// The items of one page.
const PAGE: u32 = 1000;
/// The length of an abbreviated session id.
const SHORT_ID: usize = 8;

/// The properties of a lease that are printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lease<'a> {
    #[serde(borrow)]
    pub(super) key: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) holder: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) process: Option<Process<'a>>,
    pub(super) state: &'a str,
    pub(super) mine: bool,
    pub(super) token: u64,
    pub(super) acquired_at: &'a str,
    pub(super) expires_at: Option<&'a str>,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
}

/// The process that holds a lease.
#[derive(Deserialize)]
pub(super) struct Process<'a> {
    #[serde(default)]
    pub(super) pid: Option<u32>,
    #[serde(borrow, default)]
    pub(super) hostname: Option<Cow<'a, str>>,
}

/// The data of a registration.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration<'a> {
    #[serde(borrow, default)]
    vm_id: Option<Cow<'a, str>>,
}

impl Lease<'_> {
    /// The holder: a name, or an abbreviated session id.
    pub(super) fn short_holder(&self) -> Cow<'_, str> {
        match self.process {
            Some(_) => clean(self.holder.get(..SHORT_ID).unwrap_or(&self.holder)),
            None => clean(&self.holder),
        }
    }

    /// The PID of the holder.
    pub(super) fn pid(&self) -> String {
        let pid = self.process.as_ref().and_then(|process| process.pid);
        pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string())
    }

    /// A description of the holder.
    pub(super) fn owner(&self) -> String {
        let holder = self.short_holder();
        let Some(process) = &self.process else {
            return holder.into_owned();
        };
        let pid = self.pid();
        match &process.hostname {
            Some(host) => format!("session {holder}, process {pid} on {}", clean(host)),
            None => format!("session {holder}, process {pid}"),
        }
    }

    /// Whether the lease is the registration of a session.
    pub(super) fn is_session(&self) -> bool {
        self.key.starts_with("process:")
    }

    /// The virtual machine of the lease.
    pub(super) fn vm(&self) -> Option<String> {
        if let Some(vm) = self.key.strip_prefix("vm:") {
            return Some(clean(vm).into_owned());
        }
        let data: Registration<'_> = serde_json::from_str(self.data.get()).ok()?;
        let vm = data.vm_id.filter(|_| self.is_session())?;
        Some(clean(&vm).into_owned())
    }
}

/// A page of leases.
#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    pub(super) items: Vec<Lease<'a>>,
    #[serde(rename = "nextCursor", borrow, default)]
    next_cursor: Option<Cow<'a, str>>,
}

/// Reads all pages of leases.
pub(super) fn pages(context: &mut Context, params: &Params) -> Result<Vec<Answer>, Failure> {
    let mut pages = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = params
            .clone()
            .set("limit", PAGE)
            .maybe("cursor", cursor.as_ref());
        let answer = context.perform("leaseList", &page)?;
        cursor = answer.read::<Page<'_>>()?.next_cursor.map(Cow::into_owned);
        pages.push(answer);
        if cursor.is_none() {
            return Ok(pages);
        }
    }
}
