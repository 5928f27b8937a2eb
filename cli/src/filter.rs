//! The options that select sessions.

use tenure_core::session::params::{
    ChangesSinceParams, DistributionParams, ListParams, OneOf, StatsParams,
};
use tenure_core::store::filter::Trash;
use tenure_core::stored::slot::SlotPhase;
use tenure_core::{Status, Text, Timestamp};

use crate::choice::{self, choice};
use crate::context::Context;
use crate::exit::Failure;
use crate::session_id::SessionIdArg;
use crate::slot_text::parse_phase;
use crate::time;

/// A filter over sessions. A session must match every option given.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only sessions with one of these statuses
    #[arg(long, value_name = "STATUS,...", value_delimiter = ',', value_parser = choice::status(), hide_possible_values = true)]
    status: Vec<Status>,
    /// Only sessions of this mode
    #[arg(long)]
    mode: Option<Text>,
    /// Only sessions of this user
    #[arg(long)]
    user: Option<Text>,
    /// Only sessions of this channel
    #[arg(long)]
    channel: Option<Text>,
    /// Only sessions in slots of this task; repeatable
    #[arg(long, value_name = "TASK_ID")]
    task_id: Vec<Text>,
    /// Only sessions in slots of one of these phases
    #[arg(long, value_name = "PHASE,...", value_delimiter = ',', value_parser = parse_phase)]
    slot_phase: Vec<SlotPhase>,
    /// Only sessions with this model: that of the slot, or without one metadata.model
    #[arg(long, value_name = "NAME")]
    model: Option<Text>,
    /// Only sessions with this text in the task
    #[arg(long)]
    text: Option<Text>,
    /// Only forks of this session, and sessions that belong to it
    #[arg(long, value_name = "ID")]
    parent: Option<SessionIdArg>,
    /// Only sessions created at this time or later
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    created_after: Option<Timestamp>,
    /// Only sessions created at this time or earlier
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    created_before: Option<Timestamp>,
    /// Only sessions updated at this time or later
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    updated_after: Option<Timestamp>,
    /// Only sessions updated at this time or earlier
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    updated_before: Option<Timestamp>,
    /// Only sessions that have used this many iterations or more
    #[arg(long, value_name = "NUMBER")]
    min_iterations: Option<u32>,
    /// Only sessions that have used this many iterations or fewer
    #[arg(long, value_name = "NUMBER")]
    max_iterations: Option<u32>,
    /// Sessions in the trash: exclude (the default), only or include
    #[arg(long, value_name = "SCOPE", value_parser = choice([("exclude", Trash::Exclude), ("only", Trash::Only), ("include", Trash::Include)]), hide_possible_values = true)]
    trash: Option<Trash>,
}

/// Builds parameters that have the properties of a filter.
macro_rules! with_filter {
    ($params:ident, $args:ident, $context:ident) => {
        $params {
            status: any_of($args.status),
            mode: $args.mode,
            user_id: $args.user,
            channel_id: $args.channel,
            task_ids: any_of($args.task_id),
            slot_phase: any_of($args.slot_phase),
            model: $args.model,
            text: $args.text,
            parent_id: $context.maybe_session_id($args.parent)?,
            created_after: $args.created_after,
            created_before: $args.created_before,
            updated_after: $args.updated_after,
            updated_before: $args.updated_before,
            min_iterations: $args.min_iterations,
            max_iterations: $args.max_iterations,
            trash: $args.trash,
            ..$params::default()
        }
    };
}

impl FilterArgs {
    /// The parameters of a list.
    pub(crate) fn list_params(self, context: &mut Context) -> Result<ListParams, Failure> {
        Ok(with_filter!(ListParams, self, context))
    }

    /// The parameters of the feed.
    pub(crate) fn changes_params(
        self,
        context: &mut Context,
    ) -> Result<ChangesSinceParams, Failure> {
        Ok(with_filter!(ChangesSinceParams, self, context))
    }

    /// The parameters of a distribution.
    pub(crate) fn distribution_params(
        self,
        context: &mut Context,
    ) -> Result<DistributionParams, Failure> {
        Ok(with_filter!(DistributionParams, self, context))
    }

    /// The parameters of statistics.
    pub(crate) fn stats_params(self, context: &mut Context) -> Result<StatsParams, Failure> {
        Ok(with_filter!(StatsParams, self, context))
    }
}

/// The values of a repeatable option; `None` where it is not given.
pub(crate) fn any_of<T>(values: Vec<T>) -> Option<OneOf<T>> {
    (!values.is_empty()).then_some(OneOf(values))
}
