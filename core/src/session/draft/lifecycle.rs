//! The steps of a session's lifecycle: pausing, resuming and ending it. Each step is checked against the
//! [lifecycle](crate::stored::status) in one place and recorded by an event. Counting iterations is not
//! among them, but the last iteration times the session out here.

use crate::error::{Cause, Error, Result};
use crate::session::params::{IfExhausted, IfFinished};
use crate::stored::event::kind;
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::json::{Json, Object};
use crate::value::text::Text;
use crate::work::webhook::WebhookEvent;

use super::{Draft, PAUSE_REASON, PAUSED_AT, edited, object_of, unpause};

impl Draft<'_> {
    /// Pauses the session. `data` is the data of the event; by default the reason.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, and those of the limits.
    pub fn pause(&mut self, reason: Option<&Text>, data: Option<Json>) -> Result<()> {
        self.limits.text("reason", reason)?;
        if let Some(data) = &data {
            self.limits.data(data)?;
        }
        self.go(Status::Paused)?;
        self.head.paused_at = Some(self.now);
        let redacted = reason.map(|reason| self.redacted(reason));
        self.head.context = edited(&self.head.context, |context| {
            context.remove(PAUSE_REASON);
            context.set(PAUSED_AT, &self.now);
            if let Some(reason) = &redacted {
                context.set(PAUSE_REASON, reason);
            }
        });
        self.append(
            kind::PAUSE,
            data.unwrap_or_else(|| object_of("reason", reason)),
        );
        self.notify(WebhookEvent::Pause);
        Ok(())
    }

    /// Resumes a session that is paused or out of iterations, or recovers an active one whose runner has
    /// ended. Properties of `data` come before ours in the event.
    ///
    /// # Errors
    /// `APPROVAL_PENDING`, `INVALID_TRANSITION`; `BUDGET_EXHAUSTED` when no iterations would be left.
    pub fn resume(
        &mut self,
        add_iterations: Option<u32>,
        if_exhausted: IfExhausted,
        data: Option<Json>,
    ) -> Result<()> {
        self.check_approved()?;
        let recovered = self.head.status == Status::Active;
        let timed_out = self.head.status == Status::Timeout;
        let paused_at = self.head.paused_at;
        if !recovered {
            self.go(Status::Active)?;
            self.head.context = edited(&self.head.context, unpause);
        }
        let added = add_iterations.unwrap_or(0);
        self.head.max_iterations = self.head.max_iterations.saturating_add(added);
        if !self.head.has_budget() && (timed_out || if_exhausted == IfExhausted::Refuse) {
            return Err(self.exhausted());
        }
        let paused_duration = paused_at.map_or(0, |at| self.now.since(at));
        let data = data.unwrap_or_default();
        let mut data = Object::parse(&data);
        data.set("pausedDuration", &paused_duration);
        if recovered {
            data.set("recovered", &true);
        }
        if added > 0 {
            data.set("addIterations", &added);
        }
        self.append(kind::RESUME, data.to_json());
        self.notify(WebhookEvent::Resume);
        if !self.head.has_budget() {
            self.time_out(None)?;
        }
        Ok(())
    }

    /// Whether ending the session again leaves it unchanged.
    pub fn keeps_finished(&self, wanted: Option<IfFinished>) -> bool {
        wanted == Some(IfFinished::Keep) && self.head.status.is_finished()
    }

    /// Ends the session with a result, as text and as JSON. `data` is the data of the event; by default
    /// both.
    ///
    /// # Errors
    /// `APPROVAL_PENDING`, `INVALID_TRANSITION`, `TOO_LARGE` and `TOO_DEEP`.
    pub fn complete(
        &mut self,
        result: Option<&Text>,
        result_data: Option<&Json>,
        data: Option<Json>,
    ) -> Result<()> {
        self.check_approved()?;
        self.limits.text("result", result)?;
        let result_data = result_data.filter(|data| data.as_str() != "null");
        if let Some(data) = result_data {
            self.limits.result_data(data)?;
        }
        self.go(Status::Completed)?;
        self.head.result = result.map(|result| self.redacted(result));
        self.head.result_data = result_data.map(|data| self.limits.redact.json(data));
        let both = || {
            let result = object_of("result", result);
            match result_data {
                Some(data) => edited(&result, |both| both.set("resultData", data)),
                None => result,
            }
        };
        self.append(kind::COMPLETE, data.unwrap_or_else(both));
        self.sum_up(result);
        self.notify(WebhookEvent::Complete);
        Ok(())
    }

    /// Ends the session with an error.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, `TOO_LARGE`.
    pub fn fail(&mut self, error: Option<&Text>, data: Option<Json>) -> Result<()> {
        self.limits.text("error", error)?;
        self.go(Status::Failed)?;
        self.head.error = error.map(|error| self.redacted(error));
        self.append(
            kind::ERROR,
            data.unwrap_or_else(|| object_of("error", error)),
        );
        self.sum_up(error);
        self.notify(WebhookEvent::Error);
        Ok(())
    }

    /// As [`fail`](Self::fail), with the stack of the error, which the event keeps. Receivers of webhooks
    /// do not get it.
    ///
    /// # Errors
    /// Those of [`fail`](Self::fail).
    pub fn fail_with_stack(&mut self, error: Option<&Text>, stack: Option<&Text>) -> Result<()> {
        self.limits.text("stack", stack)?;
        self.fail(error, None)?;
        if let (Some(stack), Some(event)) = (stack, self.events.last_mut()) {
            let stack = self.limits.redact.text(stack.as_str());
            event.data = edited(&event.data, |data| data.set("stack", stack.as_ref()));
        }
        Ok(())
    }

    /// Abandons the session.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, `TOO_LARGE`.
    pub fn abandon(&mut self, reason: Option<&Text>, data: Option<Json>) -> Result<()> {
        self.limits.text("reason", reason)?;
        self.go(Status::Abandoned)?;
        self.append(
            kind::ABANDONED,
            data.unwrap_or_else(|| object_of("reason", reason)),
        );
        self.sum_up(reason);
        self.notify(WebhookEvent::Abandoned);
        Ok(())
    }

    /// Abandons the session with a generated reason. A reason that exceeds the limits is left out.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`.
    pub fn force_abandon(&mut self, reason: &Text) -> Result<()> {
        let abandoned = self.abandon(Some(reason), None);
        abandoned.or_else(|_| self.abandon(None, None))
    }

    pub(super) fn time_out(&mut self, data: Option<Json>) -> Result<()> {
        self.go(Status::Timeout)?;
        let mut counts = Object::default();
        counts.set("iterations", &self.head.iterations);
        counts.set("maxIterations", &self.head.max_iterations);
        self.append(kind::TIMEOUT, data.unwrap_or_else(|| counts.to_json()));
        self.notify(WebhookEvent::Timeout);
        Ok(())
    }

    pub(super) fn go(&mut self, to: Status) -> Result<()> {
        let from = self.head.status;
        if !from.successors().contains(&to) {
            return Err(Cause::InvalidTransition {
                id: self.head.id.to_string(),
                from: from.as_str(),
                to: to.as_str(),
                allowed: from
                    .successors()
                    .iter()
                    .map(|status| status.as_str())
                    .collect(),
            }
            .into());
        }
        self.head.status = to;
        // Pausing sets it again.
        self.head.paused_at = None;
        if to.is_finished() {
            self.head.finalized_at = Some(self.now);
        }
        if let (Some(_), Some(phase)) = (&self.head.agent, Phase::of_final(to)) {
            self.end(phase);
        }
        Ok(())
    }

    pub(super) fn check_live(&self) -> Result<()> {
        if self.head.status.is_finished() {
            return Err(Cause::SessionFinished {
                id: self.head.id.to_string(),
                status: self.head.status.as_str(),
            }
            .into());
        }
        Ok(())
    }

    pub(super) fn exhausted(&self) -> Error {
        Cause::BudgetExhausted {
            id: self.head.id.to_string(),
            iterations: self.head.iterations,
            max_iterations: self.head.max_iterations,
        }
        .into()
    }
}
