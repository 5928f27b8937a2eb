//! The steps that only add to a session's history: iterations, tool calls, learnings, and events of any
//! other type.

use crate::error::{Error, Result};
use crate::session::forked_history::TOOLS_USED;
use crate::session::params::IfExhausted;
use crate::stored::event::kind;
use crate::stored::status::Status;
use crate::value::json::{Json, Object};
use crate::value::text::Text;

use super::{Draft, object_of};

impl Draft<'_> {
    /// Counts one iteration; the last one of the budget makes an active session `timeout`. A paused
    /// session counts too, so that pausing does not break the current step, but never beyond its
    /// budget.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, `BUDGET_EXHAUSTED`, and those of the data's limits.
    pub fn iterate(&mut self, data: Option<Json>) -> Result<()> {
        self.check_live()?;
        if self.head.status == Status::Timeout || !self.head.has_budget() {
            return Err(self.exhausted());
        }
        self.head.iterations += 1;
        let number = self.head.iterations;
        self.append_checked(
            kind::ITERATION,
            data.unwrap_or_else(|| object_of("iteration", Some(&number))),
        )?;
        if !self.head.has_budget() && self.head.status == Status::Active {
            self.time_out(None)?;
        }
        Ok(())
    }

    /// Records a tool call, and adds the tool to those used.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of the limits.
    pub fn tool_call(
        &mut self,
        tool: &Text,
        args: Option<&Json>,
        result: Option<&Json>,
    ) -> Result<()> {
        let mut data = Object::default();
        data.set("tool", tool);
        match args {
            Some(args) => data.set("args", args),
            None => data.set("args", &Json::empty_object()),
        }
        data.set("result", &result);
        self.record(kind::TOOL_CALL, Some(data.to_json()))
    }

    /// Records the start of a tool call, and adds the tool to those used.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of the limits.
    pub fn start_tool_call(&mut self, tool: &Text, args: &Json, call_id: &str) -> Result<()> {
        self.check_live()?;
        self.limits.label("tool", Some(tool))?;
        self.add_tool_used(&self.redacted(tool))?;
        let mut data = Object::default();
        data.set("tool", tool);
        data.set("args", args);
        data.set("callId", call_id);
        self.append_checked(kind::TOOL_CALL_START, data.to_json())
    }

    /// Records the end of a tool call that was started.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of the limits.
    pub fn finish_tool_call(&mut self, call: &Json, result: Option<&Json>) -> Result<()> {
        self.check_live()?;
        let call = Object::parse(call);
        let mut data = Object::default();
        for name in ["tool", "args"] {
            data.set(name, &call.read::<Json>(name));
        }
        data.set("result", &result);
        data.set("callId", &call.text("callId"));
        self.append_checked(kind::TOOL_CALL, data.to_json())
    }

    /// Records a learning.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of the limits.
    pub fn learning(&mut self, insight: &Text, expertise_file: Option<&Text>) -> Result<()> {
        let mut data = Object::default();
        data.set("insight", insight);
        if let Some(file) = expertise_file {
            data.set("expertiseFile", file);
        }
        self.record(kind::LEARNING, Some(data.to_json()))
    }

    /// Records an event of any type. A lifecycle type also has the effect of its operation, with the
    /// parameters in the data (`reason`, `result`, `error`, `addIterations`, `tool`).
    ///
    /// # Errors
    /// `SESSION_FINISHED`, those of the effect, and those of the limits.
    pub fn record(&mut self, kind: &str, data: Option<Json>) -> Result<()> {
        self.check_live()?;
        if let Some(data) = &data {
            self.limits.data(data)?;
        }
        let given = data.clone().unwrap_or_default();
        let properties = Object::parse(&given);
        let text = |key: &str| properties.text(key).map(Text::from);
        match kind {
            "" => Err(Error::invalid("type", "expected the name of an event type")),
            kind::START | kind::CONTEXT_CHANGE => {
                let by = match kind {
                    kind::START => "start",
                    _ => "updateContext",
                };
                let problem = format!("{kind:?} is recorded by `{by}` alone");
                Err(Error::invalid("type", problem))
            }
            // The events of an agent's work are written by its operations only.
            kind::PHASE | kind::AGENT_ERROR | kind::APPROVAL if self.head.agent.is_some() => {
                let problem = format!(
                    "{kind:?} is recorded of an agent by agentUpdate, approve and deny alone"
                );
                Err(Error::invalid("type", problem))
            }
            kind::ITERATION => self.iterate(data),
            kind::PAUSE => self.pause(text("reason").as_ref(), data),
            kind::RESUME => {
                let added = properties.read("addIterations");
                self.resume(added, IfExhausted::Refuse, data)
            }
            kind::COMPLETE => {
                let result_data: Option<Json> = properties.read("resultData");
                self.complete(text("result").as_ref(), result_data.as_ref(), data)
            }
            kind::ERROR => self.fail(text("error").as_ref(), data),
            kind::ABANDONED => self.abandon(text("reason").as_ref(), data),
            kind::TIMEOUT => self.time_out(data),
            kind::TOOL_CALL => {
                if let Some(tool) = text("tool") {
                    self.limits.label("tool", Some(&tool))?;
                    self.add_tool_used(&self.redacted(&tool))?;
                }
                self.append_checked(kind, given.clone())
            }
            _ => {
                self.limits.label("type", Some(&Text::from(kind)))?;
                self.append_checked(kind, given.clone())
            }
        }
    }

    fn add_tool_used(&mut self, tool: &str) -> Result<()> {
        let metadata = self.head.metadata.clone().unwrap_or_default();
        let mut metadata = Object::parse(&metadata);
        // The user may have stored other values than names there: they stay.
        let mut tools: Vec<Json> = metadata.read(TOOLS_USED).unwrap_or_default();
        if tools
            .iter()
            .all(|known| known.as_text().as_deref() != Some(tool))
        {
            tools.push(Json::of(tool));
            metadata.set(TOOLS_USED, &tools);
            self.set_metadata(metadata.to_json())?;
        }
        Ok(())
    }
}
