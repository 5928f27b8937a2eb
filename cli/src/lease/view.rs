//! The parts of a lease that the commands print, and pages of leases.

use std::borrow::Cow;

use tenure_core::Text;
use tenure_core::lease::operations::LEASE_LIST;
use tenure_core::lease::params::{LeaseListParams, LeaseView};
use tenure_core::value::json::Object;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::clean;

/// The items of one page.
const PAGE: u32 = 1000;
/// The length of an abbreviated session id.
const SHORT_ID: usize = 8;

/// The holder: a name, or an abbreviated session id.
pub(super) fn short_holder(lease: &LeaseView) -> Cow<'_, str> {
    match lease.process {
        Some(_) => clean(lease.holder.get(..SHORT_ID).unwrap_or(&lease.holder)),
        None => clean(&lease.holder),
    }
}

/// The PID of the holder.
pub(super) fn pid(lease: &LeaseView) -> String {
    let pid = lease.process.as_ref().and_then(|process| process.pid);
    pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string())
}

/// A description of the holder.
pub(super) fn owner(lease: &LeaseView) -> String {
    let holder = short_holder(lease);
    let Some(process) = &lease.process else {
        return holder.into_owned();
    };
    let pid = pid(lease);
    match &process.hostname {
        Some(host) => format!(
            "session {holder}, process {pid} on {}",
            clean(host.as_str())
        ),
        None => format!("session {holder}, process {pid}"),
    }
}

/// Whether the lease is the registration of a session.
pub(super) fn is_session(lease: &LeaseView) -> bool {
    lease.key.starts_with("process:")
}

/// The virtual machine of the lease.
pub(super) fn vm(lease: &LeaseView) -> Option<String> {
    if let Some(vm) = lease.key.strip_prefix("vm:") {
        return Some(clean(vm).into_owned());
    }
    let vm = Object::parse(&lease.data).text("vmId");
    let vm = vm.filter(|_| is_session(lease))?;
    Some(clean(&vm).into_owned())
}

/// Reads all leases, page by page.
pub(super) fn all(
    context: &mut Context,
    mut params: LeaseListParams,
) -> Result<Vec<LeaseView>, Failure> {
    let mut leases = Vec::new();
    params.limit = Some(PAGE);
    loop {
        let page = context.run(&LEASE_LIST, params.clone())?;
        leases.extend(page.items);
        params.cursor = page.next_cursor.map(Text::from);
        if params.cursor.is_none() {
            return Ok(leases);
        }
    }
}
