//! The properties that another program added to a session or to an event. They are part of the user data
//! next to them, the metadata or the event's data, as an object under one name. It comes first there,
//! so that what is merged later goes behind it, and a text shows the properties in their own place again.

use crate::value::json::{Json, Object};

/// The name of the object with the properties of another program.
pub const NAME: &str = "otherProperties";

/// The data of an event that is no object, among the properties of another program.
const DATA: &str = "data";

/// Adds properties of another program to an object. A value that is no object becomes one of them.
pub(super) fn added(to: &Json, mut others: Object<'_>) -> Json {
    let mut object = Object::default();
    if to.is_object() {
        object = Object::parse(to);
    } else if to.as_str() != "null" {
        others.set(DATA, to);
    }
    let own: Option<Json> = object.read(NAME);
    object.remove(NAME);
    let others = match &own {
        Some(own) if own.is_object() => {
            let mut both = Object::parse(own);
            both.merge(others);
            both.to_json()
        }
        Some(own) => {
            others.set(NAME, own);
            others.to_json()
        }
        None => others.to_json(),
    };
    let mut sum = Object::default();
    sum.set(NAME, &others);
    sum.merge(object);
    sum.to_json()
}

/// The reverse of [`added`]: the object without the properties of another program, and these; `None` for
/// an object to which none were added.
pub(super) fn taken(from: &Json) -> Option<(Json, Json)> {
    let name = from.as_str().strip_prefix("{\"")?.strip_prefix(NAME)?;
    name.strip_prefix("\":{")?;
    let mut rest = Object::parse(from);
    let others: Json = rest.read(NAME)?;
    rest.remove(NAME);
    let rest = rest.to_json();
    // Texts that differ in white space or in repeated keys stay as they are.
    (others != Json::empty_object() && added(&rest, Object::parse(&others)) == *from)
        .then_some((rest, others))
}
