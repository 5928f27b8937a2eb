//! Stores that are opened by a URL: operations by name, and handles that share a store.

use tenure_bridge::Options;
use tenure_host::Local;

fn open(url: &str) -> Local {
    Local::open(url, &Options::default()).unwrap()
}

#[test]
fn handles_on_one_place_share_its_sessions() {
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
fn each_memory_url_opens_a_separate_store() {
    let store = open("memory:");
    store.perform("start", r#"{"id":"a","task":"t","mode":"m"}"#, 0.0);
    let progress = |store: &Local| store.perform("progress", r#"{"id":"a"}"#, 0.0);
    assert_eq!(progress(&store), r#"{"ok":0.0}"#);
    assert_eq!(progress(&open("memory:")), r#"{"ok":null}"#);
}

#[test]
fn an_unsupported_url_is_refused() {
    for url in ["", "tenure.db", "mysql://host/db", "file:"] {
        let error = Local::open(url, &Options::default()).unwrap_err();
        assert_eq!(error.code(), "UNSUPPORTED_STORE", "{url}");
    }
}
