//! The steps of an agent: phases, errors, approvals and the end of its work. A session that is not an
//! agent's becomes one with any of these steps, except by merging metadata.

use crate::audit::entry::Entry;
use crate::error::{Cause, Error, Result};
use crate::session::params::IfExhausted;
use crate::stored::agent::{Agent, StoredError};
use crate::stored::approval::{ApprovalState, StoredApproval};
use crate::stored::event::kind;
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::json::{Json, Object};
use crate::value::redact::REDACTED;
use crate::value::text::Text;

use super::{Draft, PAUSE_REASON, edited};

/// The remedy in a final phase.
const FINAL: &str = "it is final and leads to no other; create a new agent, or fork this one";
/// The remedy without a pending approval.
const NOT_WAITING: &str = "it does not wait for approval; ask for it with requestApproval first";

impl Draft<'_> {
    /// Ends the agent's work. With the same outcome again it only adds a missing summary.
    ///
    /// # Errors
    /// `INVALID_PHASE` if it has ended with another outcome, `INVALID_ARGUMENT` for a phase that is not
    /// final, `TOO_LARGE`.
    pub fn finalize(&mut self, outcome: Phase, summary: Option<&Text>) -> Result<()> {
        self.limits.text("summary", summary)?;
        let Some(status) = outcome.final_status() else {
            let problem = format!("expected completed, failed or abandoned, got {outcome}");
            return Err(Error::invalid("outcome", problem));
        };
        self.agent();
        if self.head.status == status {
            self.sum_up(summary);
            return Ok(());
        }
        if self.head.status.is_finished() {
            return Err(self.out_of_phase(FINAL));
        }
        match outcome {
            Phase::Completed => self.complete(summary, None, None),
            Phase::Failed => self.fail(summary, None),
            _ => self.abandon(summary, None),
        }
    }

    /// Requests approval: the session is paused, and takes neither a resumption nor another phase until
    /// a person has decided.
    ///
    /// # Errors
    /// `INVALID_PHASE` in a final phase, and those of the limits.
    pub fn request_approval(
        &mut self,
        reason: Option<&Text>,
        metadata: Option<&Json>,
    ) -> Result<()> {
        self.touched = true;
        if let Some(metadata) = metadata {
            self.merge_agent_metadata(metadata)?;
        }
        self.set_phase(Phase::Approval)?;
        self.agent().approval = Some(StoredApproval::requested(self.now));
        if self.head.status != Status::Paused {
            return self.pause(reason, None);
        }
        self.limits.text("reason", reason)?;
        if let Some(reason) = reason {
            let reason = self.redacted(reason);
            self.head.context = edited(&self.head.context, |context| {
                context.set(PAUSE_REASON, &reason);
            });
        }
        Ok(())
    }

    /// Approves the agent's request. A paused session is resumed, unless it has no iterations left; the
    /// phase stays until the agent enters another. Approving it again changes nothing.
    ///
    /// # Errors
    /// `INVALID_PHASE` outside of the phase `approval`, `APPROVAL_DECIDED`, and those of the limits.
    pub fn approve(&mut self, by: Option<&Text>, reason: Option<&Text>) -> Result<()> {
        let decided = self.decide(ApprovalState::Approved, by, reason)?;
        if decided && self.head.status == Status::Paused && self.head.has_budget() {
            self.resume(None, IfExhausted::Refuse, None)?;
        }
        Ok(())
    }

    /// Denies the agent's request, which ends its work. Denying it again changes nothing.
    ///
    /// # Errors
    /// `INVALID_PHASE` outside of the phase `approval`, `APPROVAL_DECIDED`, and those of the limits.
    pub fn deny(&mut self, by: Option<&Text>, reason: Option<&Text>) -> Result<()> {
        match self.decide(ApprovalState::Denied, by, reason)? {
            true => self.finalize(Phase::Abandoned, reason),
            false => Ok(()),
        }
    }

    /// Withdraws a request that nobody has decided, if `wanted`: the call of this operation goes on
    /// without a decision.
    pub(crate) fn override_approval(&mut self, wanted: Option<bool>, operation: &str) {
        if wanted != Some(true) || !self.head.awaits_approval() {
            return;
        }
        self.agent().approval = None;
        let mut data = Object::default();
        data.set("override", operation);
        self.append(kind::APPROVAL, data.to_json());
        self.entries
            .push(Entry::approval_override(&self.head, operation, self.now));
    }

    /// Refuses what has to wait for an approval.
    pub(crate) fn check_approved(&self) -> Result<()> {
        match self.head.agent.as_ref().and_then(|of| of.approval.as_ref()) {
            Some(approval) if approval.is_pending() => Err(approval.refusal(&self.head.id)),
            _ => Ok(()),
        }
    }

    /// Changes the phase of an agent, and records the change.
    pub(super) fn enter(&mut self, phase: Phase) {
        let agent = self.agent();
        let from = agent.phase;
        agent.enter(phase);
        if from != phase {
            let mut data = Object::default();
            data.set("from", &from);
            data.set("to", &phase);
            self.append(kind::PHASE, data.to_json());
        }
    }

    /// Changes the phase of an agent to a final one.
    pub(super) fn end(&mut self, phase: Phase) {
        self.enter(phase);
        self.entries
            .push(Entry::finalization(&self.head, phase, self.now));
    }

    /// Sets the summary of an agent's work, unless it has one.
    pub(super) fn sum_up(&mut self, summary: Option<&Text>) {
        let redacted = summary.map(|summary| self.redacted(summary));
        if let (Some(agent), Some(summary)) = (&mut self.head.agent, redacted) {
            agent.summary.get_or_insert(summary);
        }
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) -> Result<()> {
        if self.head.status.is_finished() {
            return Err(self.out_of_phase(FINAL));
        }
        let agent = self.agent();
        if phase != Phase::Approval {
            self.check_approved()?;
        } else if agent.phase != Phase::Approval {
            // What was decided before is not about this one.
            agent.approval = None;
        }
        self.enter(phase);
        Ok(())
    }

    pub(crate) fn meet(&mut self, error: &Text) -> Result<()> {
        self.check_live()?;
        self.limits.text("error", Some(error))?;
        let timestamp = self.now;
        self.agent();
        let message = self.redacted(error);
        let agent = self.agent();
        agent.error_count = agent.error_count.saturating_add(1);
        agent.last_error = Some(StoredError { message, timestamp });
        let mut data = Object::default();
        data.set("message", error);
        self.append(kind::AGENT_ERROR, data.to_json());
        Ok(())
    }

    pub(crate) fn merge_agent_metadata(&mut self, patch: &Json) -> Result<()> {
        self.limits.object("metadata", patch)?;
        self.merge_metadata(&self.limits.redact.json(patch))
    }

    pub(crate) fn set_resume_ready(&mut self, ready: bool) -> Result<()> {
        let agent = self.agent();
        if ready && !agent.phase.is_resumable() {
            let problem = format!(
                "an agent in phase {} is not resumed; expected investigating, planning or approval",
                agent.phase
            );
            return Err(Error::invalid("resumeReady", problem));
        }
        agent.resume_ready = ready;
        Ok(())
    }

    /// Records a decision on the agent's request; `false` if the same person has decided so before.
    fn decide(
        &mut self,
        state: ApprovalState,
        given: Option<&Text>,
        reason: Option<&Text>,
    ) -> Result<bool> {
        let by = given.map(|by| self.redacted(by));
        let agent = self.head.agent.as_ref();
        let approval = match agent.and_then(|agent| agent.approval.clone()) {
            Some(approval) if approval.is_pending() => approval,
            Some(approval) if approval.state == ApprovalState::Withdrawn => {
                return Err(self.out_of_phase(FINAL));
            }
            Some(decided) => {
                if decided.state == state && is_same_person(decided.by.as_deref(), by.as_deref()) {
                    return Ok(false);
                }
                return Err(decided.refusal(&self.head.id));
            }
            None if agent.is_some_and(|agent| agent.phase == Phase::Approval) => {
                StoredApproval::requested(self.now)
            }
            None => return Err(self.out_of_phase(NOT_WAITING)),
        };
        self.limits.label("by", given)?;
        self.limits.text("reason", reason)?;
        let decided_at = Some(self.now);
        self.agent().approval = Some(StoredApproval {
            state,
            by: by.clone(),
            decided_at,
            ..approval
        });
        let approved = state == ApprovalState::Approved;
        let entry = Entry::approval(&self.head, approved, by.as_deref(), self.now);
        self.entries.push(entry);
        let mut data = Object::default();
        data.set("approved", &approved);
        if let Some(reason) = reason {
            data.set("reason", reason);
        }
        if let Some(by) = &by {
            data.set("by", by);
        }
        self.append(kind::APPROVAL, data.to_json());
        Ok(true)
    }

    /// The agent of the session; a session without one becomes an agent's.
    pub(crate) fn agent(&mut self) -> &mut Agent {
        let status = self.head.status;
        if self.head.agent.is_none() {
            self.head.task = self.limits.redact.text(&self.head.task).into_owned();
        }
        self.head.agent.get_or_insert_with(|| {
            let mut agent = Agent::default();
            agent.agree_with(status);
            Box::new(agent)
        })
    }

    /// Sets the summary, if one is given.
    pub(crate) fn set_summary(&mut self, summary: Option<&Text>) -> Result<()> {
        self.limits.text("summary", summary)?;
        if let Some(summary) = summary {
            self.agent();
            let summary = self.redacted(summary);
            self.agent().summary = Some(summary);
        }
        Ok(())
    }

    fn out_of_phase(&self, problem: &str) -> Error {
        Cause::InvalidPhase {
            id: self.head.id.to_string(),
            phase: self.head.agent.as_ref().map(|agent| agent.phase.as_str()),
            problem: problem.to_owned(),
        }
        .into()
    }
}

/// Whether two decisions are of one person. A redacted name may be anyone's.
fn is_same_person(decided: Option<&str>, by: Option<&str>) -> bool {
    decided == by && !by.is_some_and(|by| by.contains(REDACTED))
}
