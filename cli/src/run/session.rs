//! The session of a run: it is started or resumed, and its lease is held until the run has ended.

use std::time::Instant;

use tenure_core::agent::operations::AGENT_CREATE;
use tenure_core::agent::params::AgentCreateParams;
use tenure_core::error::Cause;
use tenure_core::lease::decision;
use tenure_core::lease::operations::{LEASE_ACQUIRE, LEASE_RELEASE};
use tenure_core::lease::params::{LeaseAcquireParams, LeaseReleaseParams};
use tenure_core::lease::renewal::RenewalParams;
use tenure_core::session::operations::{INCREMENT_ITERATION, PAUSE, RESUME, START};
use tenure_core::session::params::{
    GetParams, HistoryParam, IncrementIterationParams, PauseParams, ResumeParams, StartParams,
};
use tenure_core::session::read::GET;
use tenure_core::stored::lease::Lease;
use tenure_core::work::job::{Step, StepReply};
use tenure_core::work::operation::Operation;
use tenure_core::{Error, Json, Millis, SessionHead, SessionId, Status, Text, Timestamp};
use tenure_host::{Local, elapsed_since};

use crate::context::{run_over, step_over};
use crate::exit::Failure;

/// The lease duration.
const LEASE: Millis = Millis(60_000);

/// The clock of a run: the system's, or a clock override that keeps running.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    overridden: Option<Timestamp>,
    started: Instant,
}

impl Clock {
    pub(super) fn new(overridden: Option<Timestamp>) -> Self {
        Self {
            overridden,
            started: Instant::now(),
        }
    }

    fn now(self) -> Timestamp {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let overridden = self.overridden.map(|start| start.plus(Millis(elapsed)));
        overridden.unwrap_or_else(tenure_host::now)
    }
}

/// The store of a run.
pub(super) struct RunStore {
    pub(super) local: Local,
    pub(super) clock: Clock,
}

impl RunStore {
    /// Runs an operation, as this process.
    pub(super) fn run<P, R>(
        &self,
        operation: &'static Operation<P, R>,
        params: P,
    ) -> Result<R, Failure>
    where
        P: Send + Sync + 'static,
        R: 'static,
    {
        run_over(&self.local, self.clock.now(), operation, params)
    }
}

/// The session of a run, whose lease this process holds.
pub(super) struct RunSession {
    pub(super) store: RunStore,
    pub(super) id: SessionId,
    /// The fencing token, which goes with every write that moves the session.
    pub(super) token: Option<u64>,
    /// When the lease was requested.
    acquired: Instant,
}

impl RunSession {
    /// Starts a session and acquires its lease.
    pub(super) fn start(store: RunStore, params: StartParams) -> Result<Self, Failure> {
        let session = store.run(&START, params)?;
        Self::acquire(store, session.head.id)
    }

    /// Creates an agent and acquires the lease of its session.
    pub(super) fn create_agent(
        store: RunStore,
        params: AgentCreateParams,
    ) -> Result<Self, Failure> {
        let agent = store.run(&AGENT_CREATE, params)?;
        Self::acquire(store, agent.id)
    }

    /// Resumes or recovers a session. Its lease is acquired first, so of two concurrent runs one is
    /// refused.
    pub(super) fn resume(
        store: RunStore,
        id: Text,
        add_iterations: Option<u32>,
    ) -> Result<Self, Failure> {
        let params = GetParams {
            id: id.clone(),
            history: Some(HistoryParam::None),
            ..GetParams::default()
        };
        let Some(known) = store.run(&GET, params)? else {
            return Err(Cause::SessionNotFound {
                id: id.into_string(),
            }
            .into());
        };
        let SessionHead { id, status, .. } = known.head;
        let session = Self::acquire(store, id)?;
        match session.make_active(status, add_iterations) {
            Ok(()) => Ok(session),
            Err(failure) => {
                session.release();
                Err(failure)
            }
        }
    }

    /// Makes a session of this status active.
    fn make_active(&self, status: Status, add_iterations: Option<u32>) -> Result<(), Failure> {
        match (status, add_iterations) {
            // Refused without a change, because no iterations are left.
            (Status::Timeout, None) => return self.count_iteration(None),
            // A session that ran out of iterations is resumed like a paused one, if its budget grows.
            (Status::Timeout, Some(_)) => {
                let params = PauseParams {
                    id: self.text_id(),
                    token: self.token,
                    ..PauseParams::default()
                };
                self.store.run(&PAUSE, params)?;
            }
            _ => {}
        }
        let params = ResumeParams {
            id: self.text_id(),
            add_iterations,
            token: self.token,
            ..ResumeParams::default()
        };
        self.store.run(&RESUME, params).map(drop)
    }

    /// Counts an iteration.
    pub(super) fn count_iteration(&self, data: Option<Json>) -> Result<(), Failure> {
        let params = IncrementIterationParams {
            id: self.text_id(),
            data,
            token: self.token,
            ..IncrementIterationParams::default()
        };
        self.store.run(&INCREMENT_ITERATION, params).map(drop)
    }

    /// Acquires the lease of a session, so that no other process runs it.
    fn acquire(store: RunStore, id: SessionId) -> Result<Self, Failure> {
        let acquired = Instant::now();
        let params = LeaseAcquireParams {
            key: Lease::session_key(&id).into(),
            lease_duration_ms: Some(LEASE.0),
            ..LeaseAcquireParams::default()
        };
        let reply = store.run(&LEASE_ACQUIRE, params)?;
        if reply.outcome == decision::Outcome::Held {
            let (holder, process) = reply
                .lease
                .map(|lease| (lease.holder, lease.process.unwrap_or_default()))
                .unwrap_or_default();
            return Err(Cause::SessionHeld {
                id: id.to_string(),
                holder,
                pid: process.pid,
                hostname: process.hostname.map(Text::into_string),
            }
            .into());
        }
        let token = reply.lease.map(|lease| lease.token);
        Ok(Self {
            store,
            id,
            token,
            acquired,
        })
    }

    /// The lease to renew, if there is one.
    pub(super) fn renewal(&self) -> Option<RenewalParams> {
        Some(RenewalParams {
            key: Lease::session_key(&self.id).into(),
            holder: None,
            token: self.token?,
            duration_ms: LEASE.0,
            age_ms: elapsed_since(self.acquired).0,
        })
    }

    /// Runs the operation that a job needs, as this process.
    pub(super) fn run_step(&self, step: &dyn Step) -> Result<StepReply, Error> {
        step_over(&self.store.local, self.store.clock.now(), step)
    }

    /// Releases the lease. A lease that cannot be released is free when this process has ended.
    pub(super) fn release(&self) {
        let params = LeaseReleaseParams {
            key: Lease::session_key(&self.id).into(),
            token: self.token,
            ..LeaseReleaseParams::default()
        };
        let _ = self.store.run(&LEASE_RELEASE, params);
    }

    /// The session's id, as operations take it.
    pub(super) fn text_id(&self) -> Text {
        self.id.as_str().into()
    }
}
