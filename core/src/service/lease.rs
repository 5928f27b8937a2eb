//! The operations on leases. Each reads what is kept of a lease, lets the decision be made, and writes
//! what comes out if nothing else was written meanwhile.

use std::collections::VecDeque;

use crate::audit;
use crate::audit::entry::Entry;
use crate::error::{Error, Result};
use crate::lease;
use crate::lease::decision::{self, Decision, Holder, Outcome, Request};
use crate::lease::model::{Lease, MAX_KEY_BYTES, State};
use crate::lease::params::{
    LeaseAcquireParams, LeaseClearParams, LeaseCleared, LeaseGetParams, LeaseListParams,
    LeaseOutcome, LeasePage, LeaseReleaseParams, LeaseRenewParams, LeaseTransferParams, LeaseView,
};
use crate::session::replies::Done;
use crate::store::{Changes, Commit, Expect, RecordChange, Scan};
use crate::stored::record::Record;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::process::Liveness;
use crate::value::text::Text;
use crate::value::time::Millis;

use super::commit::MAX_ATTEMPTS;
use super::{Environment, MAX_PAGE, Service, page_limit};

const DEFAULT_LEASES: u32 = 50;
/// Leases that one call of `leaseList` looks at.
const MAX_SEEN: usize = 10_000;

/// What is kept of a lease, and in which version.
pub(super) struct Kept {
    /// Its key.
    pub(super) key: String,
    version: Option<u64>,
    /// The lease, where there ever was one.
    pub(super) lease: Option<Lease>,
}

impl Kept {
    /// What is kept in a record of a lease.
    fn read(record: &Record) -> Result<Self> {
        Ok(Self {
            key: record.key.clone(),
            version: Some(record.version),
            lease: Some(Lease::read(record)?),
        })
    }

    /// Decides about it.
    pub(super) fn decide(&self, env: &Environment, request: &Request) -> Decision {
        let liveness = self.lease.as_ref().map(|lease| lease.liveness(env.host));
        self.decide_after(env, request, liveness.unwrap_or(Liveness::Unknown))
    }

    /// Decides about it where it is known whether its holder runs.
    pub(super) fn decide_after(
        &self,
        env: &Environment,
        request: &Request,
        liveness: Liveness,
    ) -> Decision {
        decision::decide(&self.key, self.lease.as_ref(), request, env.now, liveness)
    }

    /// The change that keeps another lease in its place, or none, if it is still as it was read.
    pub(super) fn change(&self, lease: Option<&Lease>) -> RecordChange {
        let version = self.version.unwrap_or(0).saturating_add(1);
        RecordChange {
            kind: lease::KIND.to_owned(),
            key: self.key.clone(),
            expect: Expect::as_read(self.version),
            record: lease.map(|lease| lease.to_record(version)),
        }
    }

    /// The same once this has been written in its place.
    pub(super) fn now(&self, lease: Lease) -> Self {
        Self {
            key: self.key.clone(),
            version: Some(self.version.unwrap_or(0).saturating_add(1)),
            lease: Some(lease),
        }
    }

    /// Whether it is held, as far as is known.
    pub(super) fn is_held(&self, env: &Environment) -> bool {
        let lease = self.lease.as_ref();
        lease.is_some_and(|lease| lease.is_held(env.now, env.host))
    }
}

impl Service<'_> {
    /// Takes a lease, or holds it longer; says so if somebody else has it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP` for the data, `STORE_BUSY`, and those of the
    /// store.
    pub async fn lease_acquire(
        &self,
        env: &Environment,
        params: LeaseAcquireParams,
    ) -> Result<Done<LeaseOutcome>> {
        let request = Request::Acquire {
            holder: holder(env, params.holder.as_ref())?,
            length: checked(params.lease_duration_ms)?,
            data: self.checked_data(params.data)?,
            once: params.once.unwrap_or(false),
        };
        self.ask(env, &params.key, &request).await
    }

    /// Holds a lease longer.
    ///
    /// # Errors
    /// Those of [`Service::lease_acquire`].
    pub async fn lease_renew(
        &self,
        env: &Environment,
        params: LeaseRenewParams,
    ) -> Result<Done<LeaseOutcome>> {
        let request = Request::Renew {
            holder: holder(env, params.holder.as_ref())?.name,
            token: params.token,
            length: checked(params.lease_duration_ms)?,
            data: self.checked_data(params.data)?,
        };
        self.ask(env, &params.key, &request).await
    }

    /// Gives a lease back.
    ///
    /// # Errors
    /// Those of [`Service::lease_acquire`].
    pub async fn lease_release(
        &self,
        env: &Environment,
        params: LeaseReleaseParams,
    ) -> Result<Done<LeaseOutcome>> {
        let request = Request::Release {
            holder: holder(env, params.holder.as_ref())?.name,
            token: params.token,
        };
        self.ask(env, &params.key, &request).await
    }

    /// Hands a lease to somebody else.
    ///
    /// # Errors
    /// Those of [`Service::lease_acquire`].
    pub async fn lease_transfer(
        &self,
        env: &Environment,
        params: LeaseTransferParams,
    ) -> Result<Done<LeaseOutcome>> {
        let mut to = holder(env, Some(&params.to))?;
        if to.process.is_none() {
            // A process that is registered is known by its session.
            let key = Lease::process_key(&to.name);
            let registered = if key.len() <= MAX_KEY_BYTES {
                self.kept_lease(&key).await?.lease
            } else {
                None
            };
            to.process = registered
                .filter(|lease| !lease.released)
                .and_then(|lease| lease.process);
        }
        let request = Request::Transfer {
            holder: holder(env, params.holder.as_ref())?.name,
            token: params.token,
            to,
            length: checked(params.lease_duration_ms)?,
        };
        self.ask(env, &params.key, &request).await
    }

    /// A lease as it is now; nothing where there never was one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the key, and those of the store.
    pub async fn lease_get(
        &self,
        env: &Environment,
        params: LeaseGetParams,
    ) -> Result<Done<Option<LeaseView>>> {
        let kept = self.kept_lease(checked_key("key", &params.key)?).await?;
        let view = |lease| LeaseView::new(lease, env.now, env.host);
        Ok(Done::quiet(kept.lease.map(view)))
    }

    /// A page of the leases, in the order of their keys.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn lease_list(
        &self,
        env: &Environment,
        params: LeaseListParams,
    ) -> Result<Done<LeasePage>> {
        let limit = page_limit(params.limit, DEFAULT_LEASES)? as usize;
        let prefix = params.prefix.map(Text::into_string).unwrap_or_default();
        let mut walk = Walk::new(prefix, params.cursor.map(Text::into_string));
        let mut page = LeasePage::default();
        let mut seen = 0;
        while let Some(kept) = self.next_lease(&mut walk).await? {
            seen += 1;
            let key = kept.key;
            if let Some(lease) = kept.lease {
                let view = LeaseView::new(lease, env.now, env.host);
                let meant = match params.state {
                    Some(state) => view.state == state,
                    None => view.state != State::Released,
                };
                if meant {
                    page.items.push(view);
                }
            }
            if page.items.len() == limit || seen == MAX_SEEN {
                page.next_cursor = Some(key);
                break;
            }
        }
        Ok(Done::quiet(page))
    }

    /// Takes leases from whoever holds them.
    ///
    /// # Errors
    /// `STORE_BUSY`, and those of the store.
    pub async fn lease_clear(
        &self,
        env: &Environment,
        params: LeaseClearParams,
    ) -> Result<Done<LeaseCleared>> {
        let prefix = params.prefix.map(Text::into_string).unwrap_or_default();
        let mut walk = Walk::new(prefix, None);
        let mut cleared = LeaseCleared::default();
        while let Some(kept) = self.next_lease(&mut walk).await? {
            let decision = self.decided(env, kept, &Request::Clear).await?.0;
            cleared.released += u64::from(decision == Outcome::Released);
        }
        Ok(Done::quiet(cleared))
    }

    /// Who holds a session, if anybody does but the one of this name and the calling process.
    pub(super) async fn other_runner(
        &self,
        env: &Environment,
        id: &SessionId,
        name: Option<&str>,
    ) -> Result<Option<Lease>> {
        let other = |lease: &Lease| {
            let own = lease.process.is_some() && lease.process.as_ref() == env.host.process();
            !own && name != Some(lease.holder.as_str())
        };
        Ok(self.runner(env, id).await?.filter(other))
    }

    /// Who holds a session, if anybody does.
    pub(super) async fn runner(&self, env: &Environment, id: &SessionId) -> Result<Option<Lease>> {
        let kept = self.kept_lease(&Lease::session_key(id)).await?;
        let held = kept.is_held(env);
        Ok(kept.lease.filter(|_| held))
    }

    /// Asks for something until nobody else is in between.
    async fn ask(
        &self,
        env: &Environment,
        key: &Text,
        request: &Request,
    ) -> Result<Done<LeaseOutcome>> {
        let kept = self.kept_lease(checked_key("key", key)?).await?;
        let (outcome, lease) = self.decided(env, kept, request).await?;
        Ok(Done::quiet(LeaseOutcome {
            outcome,
            lease: lease.map(|lease| LeaseView::new(lease, env.now, env.host)),
        }))
    }

    /// What comes of a request, and the lease after it.
    async fn decided(
        &self,
        env: &Environment,
        mut kept: Kept,
        request: &Request,
    ) -> Result<(Outcome, Option<Lease>)> {
        for _ in 0..MAX_ATTEMPTS {
            let Decision { outcome, write } = kept.decide(env, request);
            let Some(lease) = write else {
                return Ok((outcome, kept.lease));
            };
            let mut records = vec![kept.change(Some(&lease))];
            if let (Request::Clear, Some(held)) = (request, &kept.lease) {
                let entry = Entry::of_lease(audit::entry::LEASE_CLEAR, held, env.now);
                records.push(entry.to_change());
            }
            if self.keep(records).await? {
                return Ok((outcome, Some(lease)));
            }
            kept = self.kept_lease(&kept.key).await?;
        }
        Err(busy(&kept.key))
    }

    /// What is kept of a lease.
    pub(super) async fn kept_lease(&self, key: &str) -> Result<Kept> {
        match self.store.record(lease::KIND, key).await? {
            Some(record) => Kept::read(&record),
            None => Ok(Kept {
                key: key.to_owned(),
                version: None,
                lease: None,
            }),
        }
    }

    /// Writes leases together, if they are all still as they were read.
    pub(super) async fn keep(&self, records: Vec<RecordChange>) -> Result<bool> {
        let sessions = Vec::new();
        let changes = Changes { sessions, records };
        Ok(self.store.commit(&changes).await? == Commit::Applied)
    }

    /// The next lease of a walk; nothing at its end.
    pub(super) async fn next_lease(&self, walk: &mut Walk) -> Result<Option<Kept>> {
        if let Some(exact) = walk.exact.take() {
            let kept = self.kept_lease(&exact).await?;
            if kept.lease.is_some() {
                return Ok(Some(kept));
            }
        }
        if walk.read.is_empty() && !walk.ended {
            let scan = Scan {
                kind: lease::KIND.to_owned(),
                after: walk.after.take(),
                limit: MAX_PAGE,
            };
            let records = self.store.scan(&scan).await?;
            let meant = |key: &str| key.starts_with(&walk.prefix);
            let last = records.last().filter(|last| meant(&last.key));
            walk.ended = records.len() < MAX_PAGE as usize || last.is_none();
            walk.after = last.map(|last| last.key.clone());
            walk.read = records
                .into_iter()
                .filter(|record| meant(&record.key))
                .collect::<Vec<_>>()
                .into();
        }
        walk.read
            .pop_front()
            .map(|record| Kept::read(&record))
            .transpose()
    }

    fn checked_data(&self, data: Option<Json>) -> Result<Option<Json>> {
        if let Some(data) = &data {
            self.limits.data(data)?;
        }
        Ok(data)
    }
}

/// A walk over the leases whose keys begin in one way, in the order of their keys.
pub(super) struct Walk {
    prefix: String,
    /// The key that is the beginning itself: a scan begins after it.
    exact: Option<String>,
    after: Option<String>,
    read: VecDeque<Record>,
    ended: bool,
}

impl Walk {
    /// A walk that begins after a key, or with the first.
    pub(super) fn new(prefix: String, after: Option<String>) -> Self {
        let after = after.filter(|after| *after >= prefix);
        let exact = (after.is_none() && !prefix.is_empty()).then(|| prefix.clone());
        Self {
            after: after.or_else(|| exact.clone()),
            exact,
            prefix,
            read: VecDeque::new(),
            ended: false,
        }
    }
}

/// Who is meant by a name: the calling process by none, and by that of its session.
pub(super) fn holder(env: &Environment, given: Option<&Text>) -> Result<Holder> {
    match (given, env.host.process()) {
        (None, Some(process)) => Ok(Holder::of(process)),
        (Some(name), Some(process)) if *name == process.session => Ok(Holder::of(process)),
        (Some(name), _) => Ok(Holder {
            name: checked_key("holder", name)?.to_owned(),
            process: None,
        }),
        (None, None) => Err(Error::invalid(
            "holder",
            "expected a name: there is no process here that could be the holder",
        )),
    }
}

/// A key or a holder's name; `what` says which.
pub(super) fn checked_key<'t>(what: &str, text: &'t Text) -> Result<&'t str> {
    let length = text.as_str().len();
    if (1..=MAX_KEY_BYTES).contains(&length) {
        Ok(text.as_str())
    } else {
        let problem = format!("expected 1 to {MAX_KEY_BYTES} bytes, got {length}");
        Err(Error::invalid(what, problem))
    }
}

/// A length for which something can be held.
pub(super) fn checked(length: Option<Millis>) -> Result<Option<Millis>> {
    if length == Some(Millis(0)) {
        let problem = "expected a length of time above 0";
        return Err(Error::invalid("leaseDurationMs", problem));
    }
    Ok(length)
}

pub(super) fn busy(key: &str) -> Error {
    Error::StoreBusy {
        what: format!("lease {key:?}"),
        attempts: MAX_ATTEMPTS,
    }
}
