//! The options that select sessions.

use clap::builder::PossibleValuesParser;
use tenure_core::Status;
use tenure_core::stored::slot::SlotPhase;

use crate::params::Params;
use crate::slot::parse_phase;

/// A filter over sessions. A session must match every option given.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only sessions with one of these statuses
    #[arg(long, value_name = "STATUS,...", value_delimiter = ',', value_parser = statuses(), hide_possible_values = true)]
    pub(crate) status: Vec<String>,
    /// Only sessions of this mode
    #[arg(long)]
    pub(crate) mode: Option<String>,
    /// Only sessions of this user
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Only sessions of this channel
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// Only sessions in slots of this task; repeatable
    #[arg(long, value_name = "TASK_ID")]
    pub(crate) task_id: Vec<String>,
    /// Only sessions in slots of one of these phases
    #[arg(long, value_name = "PHASE,...", value_delimiter = ',', value_parser = parse_phase)]
    pub(crate) slot_phase: Vec<SlotPhase>,
    /// Only sessions in slots, with this model
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Only sessions with this text in the task
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Only forks of this session
    #[arg(long, value_name = "ID")]
    pub(crate) parent: Option<String>,
    /// Only sessions created at this time or later
    #[arg(long, value_name = "TIME")]
    pub(crate) created_after: Option<String>,
    /// Only sessions created at this time or earlier
    #[arg(long, value_name = "TIME")]
    pub(crate) created_before: Option<String>,
    /// Only sessions updated at this time or later
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_after: Option<String>,
    /// Only sessions updated at this time or earlier
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_before: Option<String>,
    /// Sessions in the trash: exclude (the default), only or include
    #[arg(long, value_name = "SCOPE", value_parser = ["exclude", "only", "include"], hide_possible_values = true)]
    pub(crate) trash: Option<String>,
}

/// The names of all statuses.
pub(crate) fn statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(Status::ALL.map(Status::as_str))
}

impl FilterArgs {
    /// The properties of a filter.
    pub(crate) fn params(&self) -> Params {
        Params::new()
            .list("status", &self.status)
            .maybe("mode", self.mode.as_ref())
            .maybe("userId", self.user.as_ref())
            .maybe("channelId", self.channel.as_ref())
            .list("taskIds", &self.task_id)
            .list("slotPhase", &self.slot_phase)
            .maybe("model", self.model.as_ref())
            .maybe("text", self.text.as_ref())
            .maybe("parentId", self.parent.as_ref())
            .maybe("createdAfter", self.created_after.as_ref())
            .maybe("createdBefore", self.created_before.as_ref())
            .maybe("updatedAfter", self.updated_after.as_ref())
            .maybe("updatedBefore", self.updated_before.as_ref())
            .maybe("trash", self.trash.as_ref())
    }
}
