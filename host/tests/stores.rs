//! A store that is opened by its URL performs every operation, and shares what it keeps.

use tenure_bridge::Options;
use tenure_host::Local;

fn open(url: &str) -> Local {
    Local::open(url, &Options::default()).unwrap()
}

#[test]
fn what_one_handle_writes_another_reads_in_every_kind_of_place() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("deep/er/a.db").display());
    let file = format!("file:{}", folder.path().join("sessions").display());
    for url in [&sqlite, &file] {
        let started = open(url).perform("start", r#"{"id":"a","task":"t","mode":"m"}"#, 1000.0);
        assert!(started.starts_with(r#"{"ok":{"id":"a""#), "{started}");
        let again = open(url).perform("start", r#"{"id":"a","task":"t","mode":"m"}"#, 1000.0);
        assert!(again.contains("SESSION_EXISTS"), "{again}");
        let read = open(url).perform("progress", r#"{"id":"a"}"#, 1000.0);
        assert_eq!(read, r#"{"ok":0.0}"#);
    }
}

#[test]
fn each_memory_is_a_store_of_its_own() {
    let store = open("memory:");
    store.perform("start", r#"{"id":"a","task":"t","mode":"m"}"#, 0.0);
    let progress = |store: &Local| store.perform("progress", r#"{"id":"a"}"#, 0.0);
    assert_eq!(progress(&store), r#"{"ok":0.0}"#);
    assert_eq!(progress(&open("memory:")), r#"{"ok":null}"#);
}

#[test]
fn a_url_that_is_not_served_is_refused_with_those_that_are() {
    for url in ["", "tenure.db", "postgres://host/db", "file:"] {
        let error = Local::open(url, &Options::default()).unwrap_err();
        assert_eq!(error.code(), "UNSUPPORTED_STORE", "{url}");
    }
}
