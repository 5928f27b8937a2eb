//! The steps that change a session's description, context and metadata. Only changes of the context are
//! recorded by events.

use crate::error::{Error, Result};
use crate::session::administrator::{self, Past};
use crate::session::context_change::{self, RecordChange};
use crate::session::params::{TokensParam, UpdateParams};
use crate::stored::event::kind;
use crate::stored::head::{MAX_SAFE_INTEGER, MOST_COST, Usage, cost_nanos};
use crate::value::json::{Json, Object};
use crate::value::properties::Patch;

use crate::value::text::Text;

use super::{Draft, check_context, edited, merged};

/// The number of properties of a context that one call removes.
const MAX_UNSET: usize = 1000;

impl Draft<'_> {
    /// Updates the description of the session.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the budget, and those of the limits.
    pub fn update(&mut self, params: &UpdateParams) -> Result<()> {
        if let Some(task) = &params.task {
            self.limits.task(task)?;
            self.head.task = self.redacted_task(task);
        }
        self.limits.label("mode", params.mode.as_ref())?;
        if let Some(mode) = &params.mode {
            self.head.mode = mode.to_string();
        }
        for (name, value, property) in [
            ("workspace", &params.workspace, &mut self.head.workspace),
            ("userId", &params.user_id, &mut self.head.user_id),
            ("channelId", &params.channel_id, &mut self.head.channel_id),
        ] {
            match value {
                Patch::Keep => {}
                Patch::Clear => *property = None,
                Patch::Set(value) => {
                    self.limits.label(name, Some(value))?;
                    *property = Some(value.to_string());
                }
            }
        }
        if let Some(max_iterations) = params.max_iterations {
            self.set_max_iterations(max_iterations)?;
        }
        if let Some(context) = &params.context {
            self.merge_context(context, RecordChange::default())?;
        }
        match &params.metadata {
            Some(patch) => self.merge_metadata(patch),
            None => Ok(()),
        }
    }

    /// Merges properties into the context.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn merge_context(&mut self, patch: &Json, record: RecordChange) -> Result<()> {
        self.edit_context(&[], patch, record)
    }

    /// Removes properties from the context, and merges others into it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn edit_context(
        &mut self,
        unset: &[Text],
        patch: &Json,
        record: RecordChange,
    ) -> Result<()> {
        if unset.len() > MAX_UNSET {
            let problem = format!("expected at most {MAX_UNSET} names, got {}", unset.len());
            return Err(Error::invalid("unset", problem));
        }
        self.limits.object("context", patch)?;
        let context = edited(&self.head.context, |context| {
            for name in unset {
                context.remove(name.as_str());
            }
            context.merge(Object::parse(patch));
        });
        self.replace_context(context, record)
    }

    /// Replaces the context, and records what that changes.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn replace_context(&mut self, context: Json, record: RecordChange) -> Result<()> {
        check_context(&context, self.limits)?;
        let data = context_change::data(&self.head.context, &context, record, self.limits);
        self.head.context = context;
        if let Some(data) = data {
            self.append(kind::CONTEXT_CHANGE, data);
        }
        Ok(())
    }

    /// Merges properties into the metadata.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` or `TOO_DEEP`.
    pub fn merge_metadata(&mut self, patch: &Json) -> Result<()> {
        self.limits.object("metadata", patch)?;
        let patch = match self.head.agent {
            Some(_) => &self.limits.redact.json(patch),
            None => patch,
        };
        let metadata = merged(&self.head.metadata.clone().unwrap_or_default(), patch);
        self.head.usage = Usage::of_metadata(&metadata);
        self.set_metadata(metadata)
    }

    /// Adds tokens and cost to the usage in the metadata.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an invalid cost; `TOO_LARGE`.
    pub fn add_usage(&mut self, added: &TokensParam, cost: Option<f64>) -> Result<()> {
        let cost_nanos = match cost {
            None => 0,
            Some(cost) if (0.0..=MOST_COST).contains(&cost) => cost_nanos(cost),
            Some(_) => return Err(Error::invalid("cost", "expected 0 to 9007199")),
        };
        let usage = self
            .head
            .usage
            .plus(Usage {
                prompt_tokens: added.prompt.unwrap_or(0),
                completion_tokens: added.completion.unwrap_or(0),
                cost_nanos,
            })
            .kept();
        let metadata = self.head.metadata.clone().unwrap_or_default();
        let mut metadata = Object::parse(&metadata);
        let tokens = metadata.read::<Json>("tokens").unwrap_or_default();
        let mut tokens = Object::parse(&tokens);
        tokens.set("prompt", &usage.prompt_tokens);
        tokens.set("completion", &usage.completion_tokens);
        tokens.set("total", &usage.total_tokens());
        for (name, added) in [("cached", added.cached), ("reasoning", added.reasoning)] {
            if let Some(added) = added {
                let known: u64 = tokens.read(name).unwrap_or(0);
                tokens.set(name, &known.saturating_add(added).min(MAX_SAFE_INTEGER));
            }
        }
        metadata.set("tokens", &tokens.to_json());
        if cost.is_some() {
            metadata.set("cost", &usage.cost_json());
        }
        self.set_metadata(metadata.to_json())?;
        self.head.usage = usage;
        Ok(())
    }

    /// Sets any properties of the session, regardless of the lifecycle.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, and those of the limits.
    pub fn override_with(&mut self, updates: &Json) -> Result<()> {
        let overridden = administrator::overridden(&self.head, updates, self.now, self.limits)?;
        self.become_overridden(overridden);
        Ok(())
    }

    /// Replaces the session in the draft by an overridden one.
    pub fn become_overridden(&mut self, overridden: administrator::Overridden) {
        self.head = overridden.head;
        self.replaces_history = matches!(overridden.past, Past::Rewritten(_));
        let (Past::Continued(events) | Past::Rewritten(events)) = overridden.past;
        self.events = events;
    }

    pub(super) fn set_max_iterations(&mut self, max_iterations: u32) -> Result<()> {
        let least = self.head.iterations.max(1);
        if max_iterations < least {
            return Err(Error::invalid(
                "maxIterations",
                format!(
                    "expected {least} or more, since {} are used",
                    self.head.iterations
                ),
            ));
        }
        self.head.max_iterations = max_iterations;
        Ok(())
    }

    pub(super) fn set_metadata(&mut self, metadata: Json) -> Result<()> {
        self.limits.object("metadata", &metadata)?;
        self.head.metadata = Some(metadata);
        Ok(())
    }
}
