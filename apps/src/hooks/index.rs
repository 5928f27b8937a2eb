//! The records by which the agents of a conversation are found, however many agents there are: those
//! that run, and what the host calls them and their delegations. Each record is removed with its agent.
//! The link in the agent's metadata decides whether a record still applies.

use tenure_core::error::Result;
use tenure_core::store::{Record, Scan};
use tenure_core::stored::head::Head;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::id::SessionId;
use tenure_core::value::limits::MAX_PAGE;
use tenure_core::work::context::Context;
use tenure_core::work::transaction::{Attempt, Transaction};

use super::payload::Payload;

/// The kind of the records of agents that run. They are few: a store may have to read all records of a
/// kind to list some of them.
pub const RUNNING: &str = "hook.running";
/// The kind of the records of what hosts call their agents and delegations.
pub const NAME: &str = "hook.name";
/// The number of agents of one conversation that are looked through.
const MAX_RUNNING: usize = 10_000;

/// The agents of one conversation.
#[derive(Debug, Clone)]
pub(super) struct AgentIndex {
    /// The beginning of the keys. What a host calls things may be too long for a key.
    conversation: String,
}

impl AgentIndex {
    /// The agents of the conversation of a payload. Payloads that name none share one.
    pub(super) fn of(payload: &Payload) -> Self {
        let session = payload.text("session_id").unwrap_or_default();
        Self {
            conversation: Fingerprint::of("conversation", session).text(),
        }
    }

    /// The session of the agent of an earlier delegation that the host calls the same.
    pub(super) fn delegated(
        &self,
        tx: &mut Transaction<'_>,
        delegation: Option<&str>,
    ) -> Attempt<Option<Head>> {
        let Some(delegation) = delegation else {
            return Ok(None);
        };
        let key = self.delegation_key(delegation);
        match session(tx.record(NAME, &key)?) {
            Some(id) => tx.head_named_by(NAME, &key, &id),
            None => Ok(None),
        }
    }

    /// Records that an agent runs from its delegation on, and what the host calls the delegation.
    pub(super) fn delegate(
        &self,
        tx: &mut Transaction<'_>,
        id: &SessionId,
        delegation: Option<&str>,
    ) -> Attempt<()> {
        if let Some(delegation) = delegation {
            let key = self.delegation_key(delegation);
            put(tx, NAME, key, id, id.to_string())?;
        }
        self.run(tx, id)
    }

    /// Records that an agent runs.
    fn run(&self, tx: &mut Transaction<'_>, id: &SessionId) -> Attempt<()> {
        let at = tx.now().as_millis().to_string();
        put(tx, RUNNING, self.running_key(id.as_str()), id, at)
    }

    /// Records that the host has reported the start of an agent, and what it calls the agent.
    pub(super) fn start(
        &self,
        tx: &mut Transaction<'_>,
        id: &SessionId,
        agent: Option<&str>,
    ) -> Attempt<()> {
        let running = self.running_key(id.as_str());
        if tx.record(RUNNING, &running)?.is_none() {
            self.run(tx, id)?;
        }
        let Some(agent) = agent else { return Ok(()) };
        put(tx, NAME, self.agent_key(agent), id, id.to_string())?;
        self.report_starts(tx, id)
    }

    /// Records that the host reports the starts of agents, as long as a session of the conversation is
    /// there.
    pub(super) fn report_starts(&self, tx: &mut Transaction<'_>, id: &SessionId) -> Attempt<()> {
        match tx.record(NAME, &self.starts_key())? {
            Some(_) => Ok(()),
            None => put(tx, NAME, self.starts_key(), id, String::new()),
        }
    }

    /// Records that an agent has stopped, and what the host calls it.
    pub(super) fn stop(
        &self,
        tx: &mut Transaction<'_>,
        id: &SessionId,
        agent: Option<&str>,
    ) -> Attempt<()> {
        let key = self.running_key(id.as_str());
        if tx.record(RUNNING, &key)?.is_some() {
            tx.remove_record(RUNNING, &key)?;
        }
        match agent {
            Some(agent) => put(tx, NAME, self.agent_key(agent), id, id.to_string()),
            None => Ok(()),
        }
    }

    /// The agents that run, with the times of their delegations in milliseconds since 1970, in their order.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn running(&self, context: &Context) -> Result<Vec<(i64, SessionId)>> {
        let prefix = self.running_key("");
        let mut running = Vec::new();
        let mut after = prefix.clone();
        loop {
            let scan = Scan {
                kind: RUNNING.to_owned(),
                after: Some(after.clone()),
                limit: MAX_PAGE,
            };
            let records = context.scan(&scan).await?;
            let is_last = records.len() < MAX_PAGE as usize;
            for record in records {
                let Some(id) = record.key.strip_prefix(&prefix) else {
                    running.sort();
                    return Ok(running);
                };
                if let (Ok(id), Ok(at)) = (SessionId::parse(id), record.body.parse::<i64>()) {
                    running.push((at, id));
                }
                after = record.key;
            }
            if is_last || running.len() >= MAX_RUNNING {
                running.sort();
                return Ok(running);
            }
        }
    }

    /// The session of an agent, no older than the record that says whether the agent runs.
    pub(super) fn head(&self, tx: &mut Transaction<'_>, id: &SessionId) -> Attempt<Option<Head>> {
        let key = self.running_key(id.as_str());
        tx.record(RUNNING, &key)?;
        tx.head_named_by(RUNNING, &key, id)
    }

    /// The agent that the host has called by this name.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn agent(&self, context: &Context, agent: &str) -> Result<Option<SessionId>> {
        let record = context.record(NAME, &self.agent_key(agent)).await?;
        Ok(session(record))
    }

    /// As [`agent`](Self::agent), in a transaction.
    pub(super) fn agent_in(
        &self,
        tx: &mut Transaction<'_>,
        agent: &str,
    ) -> Attempt<Option<SessionId>> {
        Ok(session(tx.record(NAME, &self.agent_key(agent))?))
    }

    /// Whether the host reports the starts of agents of the conversation.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn reports_starts(&self, context: &Context) -> Result<bool> {
        Ok(context.record(NAME, &self.starts_key()).await?.is_some())
    }

    /// As [`reports_starts`](Self::reports_starts), in a transaction.
    pub(super) fn reports_starts_in(&self, tx: &mut Transaction<'_>) -> Attempt<bool> {
        let key = self.starts_key();
        let reports = tx.record(NAME, &key)?.is_some();
        tx.confirm_record(NAME, &key)?;
        Ok(reports)
    }

    fn running_key(&self, id: &str) -> String {
        format!("{}/{id}", self.conversation)
    }

    fn agent_key(&self, agent: &str) -> String {
        let agent = Fingerprint::of("agent", agent).text();
        format!("{}/agent/{agent}", self.conversation)
    }

    fn delegation_key(&self, delegation: &str) -> String {
        let delegation = Fingerprint::of("delegation", delegation).text();
        format!("{}/delegation/{delegation}", self.conversation)
    }

    fn starts_key(&self) -> String {
        format!("{}/starts", self.conversation)
    }
}

/// The session that a record names.
fn session(record: Option<Record>) -> Option<SessionId> {
    SessionId::parse(&record?.body).ok()
}

/// Writes a record of an agent, unless it is there.
fn put(
    tx: &mut Transaction<'_>,
    kind: &str,
    key: String,
    id: &SessionId,
    body: String,
) -> Attempt<()> {
    let stored = tx.record(kind, &key)?;
    if stored.is_some_and(|stored| stored.body == body && stored.owner.as_ref() == Some(id)) {
        return Ok(());
    }
    tx.put_record(Record {
        kind: kind.to_owned(),
        key,
        version: 1,
        expires_at: None,
        owner: Some(id.clone()),
        body,
    })
}
