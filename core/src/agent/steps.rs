//! What an agent's parameters do to its session: each becomes steps of a [`Draft`].

use crate::error::{Error, Result};
use crate::session::draft::Draft;
use crate::session::params::StartParams;
use crate::value::id::SessionId;
use crate::value::limits::Limits;
use crate::value::time::Timestamp;

use super::params::{AgentCreateParams, AgentUpdateParams};

/// A draft of a new agent's session.
///
/// # Errors
/// Those of [`Draft::start`].
pub(crate) fn start<'l>(
    id: SessionId,
    params: &AgentCreateParams,
    now: Timestamp,
    limits: &'l Limits,
) -> Result<Draft<'l>> {
    if params.agent_name.as_str().is_empty() {
        return Err(Error::invalid("agentName", "expected the agent's name"));
    }
    let params = StartParams {
        task: params
            .purpose
            .as_ref()
            .map(|purpose| limits.redact.text(purpose.as_str()).as_ref().into())
            .unwrap_or_default(),
        mode: params.agent_name.clone(),
        max_iterations: params.max_iterations,
        metadata: params
            .metadata
            .as_ref()
            .map(|metadata| limits.redact.json(metadata)),
        ..StartParams::default()
    };
    let mut draft = Draft::start(id, &params, now, limits)?;
    draft.agent();
    Ok(draft)
}

/// Records an agent's update. It counts as activity even if nothing in it is new.
///
/// # Errors
/// `SESSION_FINISHED` for an error, `INVALID_PHASE`, `APPROVAL_PENDING`, `INVALID_ARGUMENT`, and those of the limits.
pub(crate) fn update(draft: &mut Draft<'_>, params: &AgentUpdateParams) -> Result<()> {
    draft.touch();
    draft.override_approval(params.r#override, "agentUpdate");
    if let Some(error) = &params.error {
        draft.meet(error)?;
    }
    if let Some(metadata) = &params.metadata {
        draft.merge_agent_metadata(metadata)?;
    }
    let summary = params.summary.as_ref();
    match params.phase {
        Some(outcome) if outcome.is_final() => draft.finalize(outcome, summary)?,
        phase => {
            phase.map_or(Ok(()), |phase| draft.set_phase(phase))?;
            draft.set_summary(summary)?;
        }
    }
    let ready = params.resume_ready;
    ready.map_or(Ok(()), |ready| draft.set_resume_ready(ready))
}
