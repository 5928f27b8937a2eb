//! The ids of sessions as arguments: a complete id, or the beginning of one.

use crate::common::Place;

/// A place with an agent and three sessions, one of them in the trash.
fn place() -> Place {
    let place = Place::new();
    for id in ["review-one", "review-two", "deploy-one", "deploy-one-b"] {
        place.run_ok(&["start", "t", "--id", id]);
    }
    place.run_ok(&[
        "agent",
        "create",
        "--agent",
        "a",
        "--id",
        "agent-20260108-abc",
    ]);
    place.run_ok(&["trash", "review-two"]);
    place
}

#[test]
fn the_beginning_of_an_id_names_the_session_that_alone_has_it() {
    let place = place();
    let shown = place.run_ok(&["show", "review-o"]);
    assert!(shown.starts_with("review-one"), "{shown}");
    let json = place.run_ok(&["pause", "review-on", "--json"]);
    assert!(json.starts_with(r#"{"id":"review-one""#), "{json}");
    assert!(
        place
            .run_ok(&["resume", "review-on"])
            .contains("review-one")
    );
    // Sessions in the trash are found, too.
    let restored = place.run_ok(&["restore", "review-t"]);
    assert_eq!(restored, "review-two is restored");
    let phase = place.run_ok(&["agent", "update", "agent-2026", "--phase", "planning"]);
    assert!(phase.starts_with("agent-20260108-abc is in phase planning"));
    let resumable = place.run(&["agent", "should-resume", "agent-2026"]);
    assert_eq!(resumable.code, 0, "{resumable:?}");
    place.run_ok(&["event", "add", "review-o", "note"]);
    place.run_ok(&["context", "set", "review-o", "a=1"]);
    assert_eq!(place.run_ok(&["context", "get", "review-o", "a"]), "1");
    let fork = place.run_ok(&["fork", "review-o", "--new-id", "forked"]);
    assert_eq!(fork, "forked");
    let forks = place.run_ok(&["list", "--parent", "review-o"]);
    assert!(forks.starts_with("forked\t"), "{forks}");
    let removed = place.run_ok(&["rm", "review-o", "review-t"]);
    assert_eq!(
        removed,
        "review-one is in the trash\nreview-two is in the trash"
    );
}

#[test]
fn the_audit_log_and_a_confirmation_take_the_beginning_of_an_id() {
    let place = place();
    let entries = place.run_ok(&["audit", "--subject", "review-t"]);
    assert!(entries.contains("session.trash\treview-two"), "{entries}");
    let start = |model: &str, rest: &[&str]| {
        let slot = ["slot", "start", "T1", "plan", "t", "--model", model];
        place.run(&[&slot, rest].concat())
    };
    assert_eq!(start("opus", &["--id", "planned-one"]).code, 0);
    assert_eq!(start("haiku", &["--confirm", "planned@9"]).code, 1);
    assert_eq!(start("haiku", &["--confirm", "planned@1"]).code, 0);
}

#[test]
fn an_exact_id_wins() {
    let place = place();
    assert!(
        place
            .run_ok(&["pause", "deploy-one"])
            .starts_with("deploy-one is")
    );
    assert!(place.run_ok(&["show", "deploy-one-b"]).contains("active"));
}

#[test]
fn the_beginning_of_several_ids_is_refused_and_they_are_named() {
    let place = place();
    for args in [
        &["show", "review"][..],
        &["rm", "review"],
        &["rm", "deploy-one", "review"],
    ] {
        let output = place.run(args);
        assert_eq!(output.code, 2, "{output:?}");
        assert_eq!(
            output.err,
            "tenure: ID: review is the beginning of several ids: review-two, review-one; give more of it\n"
        );
    }
    assert_eq!(place.run_ok(&["list"]).lines().count(), 4);
    let store = place.store();
    for number in 0..12 {
        let params = format!(r#"{{"id":"review-{number}","task":"t","mode":"m"}}"#);
        store.perform("start", &params, 0.0);
    }
    let output = place.run(&["show", "review"]);
    assert!(
        output.err.ends_with(", and others; give more of it\n"),
        "{output:?}"
    );
}

#[test]
fn short_and_unknown_beginnings_name_no_session() {
    let place = place();
    for id in ["revie", "review-three", "review-one-x", "agents"] {
        let output = place.run(&["show", id]);
        assert_eq!(output.code, 1, "{output:?}");
        let too_short = match id.len() {
            0..6 => "; an id can be shortened to 6 characters or more",
            _ => "",
        };
        let expected = format!("tenure: there is no session {id}{too_short}\n");
        assert_eq!(output.err, expected);
    }
    assert_eq!(place.run(&["show", "../review"]).code, 2);
}

#[test]
fn the_beginning_of_an_id_is_found_on_any_page() {
    let place = Place::new();
    let store = place.store();
    for number in 0..2500 {
        let params = format!(r#"{{"id":"number-{number:04}-end","task":"t","mode":"m"}}"#);
        store.perform("start", &params, f64::from(number));
    }
    for id in ["number-0000", "number-1250", "number-2499"] {
        let shown = place.run_ok(&["show", id]);
        assert!(shown.starts_with(&format!("{id}-end")), "{shown}");
    }
}

#[test]
fn an_unreadable_session_is_found_by_its_beginning_and_removed() {
    let place = Place::new();
    let store = format!("file:{}", place.folder.path().join("files").display());
    place.run_ok(&["start", "t", "--id", "broken-session", "--store", &store]);
    let file = place
        .folder
        .path()
        .join("files/broken-session/session.json");
    std::fs::write(&file, "{").unwrap();
    let removed = place.run_ok(&["rm", "--permanent", "broken-se", "--store", &store]);
    assert_eq!(removed, "broken-session is permanently removed");
    assert!(!file.exists());
}
