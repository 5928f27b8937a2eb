//! What the commands say of an endpoint that does not exist.

use tenure_core::Text;

use crate::context::Context;
use crate::exit::Exit;
use crate::output::clean;

/// Says that there is no such endpoint.
pub(super) fn endpoint(id: &Text, context: &mut Context) -> Exit {
    context.note(&format!("there is no endpoint {}", clean(id.as_str())));
    Exit::REFUSED
}
