//! The position in a distributed trace that a command takes from its environment, and stores with what it writes.

use crate::common::{Place, output_of};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn the_position_of_the_environment_is_stored_with_events() {
    let place = Place::new();
    let mut start = place.command(&["start", "t", "--id", "a"]);
    start.env("TRACEPARENT", TRACE);
    assert_eq!(output_of(start).code, 0);
    place.run_ok(&["complete", "a"]);
    let traces = place.store().perform("traces", r#"{"id":"a"}"#, 0.0);
    let expected =
        format!(r#"{{"ok":{{"items":[{{"traceparent":"{TRACE}","first":1,"last":1}}]}}}}"#);
    assert_eq!(traces, expected);
}
