//! What the commands say of an endpoint that does not exist.

use tenure_apps::webhooks::operations::WEBHOOK_LIST;
use tenure_apps::webhooks::params::WebhookListParams;
use tenure_core::Text;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::clean;

/// Says that there is no such endpoint.
pub(super) fn endpoint(id: &Text, context: &mut Context) -> Exit {
    context.note(&format!("there is no endpoint {}", clean(id.as_str())));
    Exit::REFUSED
}

/// The endpoint that is given, if it does not exist.
pub(super) fn given(id: Option<&Text>, context: &mut Context) -> Result<Option<Text>, Failure> {
    let params = WebhookListParams { id: id.cloned() };
    Ok(match id {
        Some(id) if context.run(&WEBHOOK_LIST, params)?.items.is_empty() => Some(id.clone()),
        _ => None,
    })
}
