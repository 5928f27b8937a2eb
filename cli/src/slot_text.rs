//! Slots as text: the phases that are parsed, and the models that are shown.

use tenure_core::stored::slot::{SlotPhase, SlotView, slot_phase};
use tenure_core::value::json::Object;

use crate::output::clean;

/// Parses the phase of a slot: a name of the phase, or a title that starts with one.
pub(crate) fn parse_phase(text: &str) -> Result<SlotPhase, String> {
    let phase = SlotPhase::parse(text).or_else(|| slot_phase(text));
    phase.ok_or_else(|| {
        "expected plan, run, verify or debug, or a title such as \"Plan: the parser\"".to_owned()
    })
}

/// The model's name, and its version if there is one.
pub(crate) fn short_model(slot: &SlotView) -> String {
    let name = &slot.model.name;
    let details = slot.model.details.as_ref();
    match details.and_then(|details| Object::parse(details).text("version")) {
        Some(version) => clean(&format!("{name} {version}")).into_owned(),
        None => clean(name).into_owned(),
    }
}

/// All properties of the model.
pub(crate) fn full_model(slot: &SlotView) -> String {
    match slot.model.details {
        Some(_) => clean(slot.model.to_json().as_str()).into_owned(),
        None => short_model(slot),
    }
}
