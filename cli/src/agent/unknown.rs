//! The answer of the commands `tenure agent` for an id that no session has.

use tenure_core::Text;

use crate::context::Context;
use crate::exit::Exit;

pub(super) fn report(id: &Text, context: &mut Context) -> Exit {
    context.note(&format!("there is no session {id}"));
    Exit::REFUSED
}
