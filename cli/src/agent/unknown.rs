//! The answer of the commands `tenure agent` for an id that no session has.

use tenure_core::Text;

use crate::arguments::unknown_session;
use crate::context::Context;
use crate::exit::Exit;

pub(super) fn report(id: &Text, context: &mut Context) -> Exit {
    context.note(&unknown_session(id.as_str()));
    Exit::REFUSED
}
