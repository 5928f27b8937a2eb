//! The archive in a folder and in memory: what is archived comes back to the byte, nothing is replaced, damage is found, and what
//! is interrupted is harmless. About 1 s.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod buckets;
mod faults;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tenure_archive::{Archive, ArchiveOptions};
use tenure_core::work::job::{ExportedPart, Verified};
use tenure_core::{Millis, Timestamp};
use tenure_sealed::{Seal, SealKey};

pub(crate) const DAY: u64 = 24 * 3_600_000;

pub(crate) fn at(days: u64) -> Timestamp {
    Timestamp::parse("2020-01-08T03:00:00Z")
        .unwrap()
        .plus(Millis(days * DAY))
}

pub(crate) fn seal(id: &str, byte: u8) -> Arc<Seal> {
    let key = SealKey::new(id, &[byte; 32]).unwrap();
    Arc::new(Seal::new(vec![key], true, Box::new(nonce)).unwrap())
}

/// Nonces of tests: each is another one.
fn nonce(bits: &mut [u8]) -> tenure_core::Result<()> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    bits.iter_mut()
        .zip(number.iter().cycle())
        .for_each(|(bit, byte)| *bit = *byte);
    Ok(())
}

pub(crate) fn parts(id: &str, version: u64, texts: &[&str]) -> Vec<ExportedPart> {
    let last = texts.len() - 1;
    let part = |(place, text): (usize, &&str)| ExportedPart {
        id: id.into(),
        version,
        about: None,
        text: (**text).into(),
        is_first: place == 0,
        is_last: place == last,
        is_aborted: false,
    };
    texts.iter().enumerate().map(part).collect()
}

pub(crate) async fn archived(
    archive: &Archive,
    run: u8,
    now: Timestamp,
    sessions: &[(&str, u64, &[&str])],
) -> Verified {
    let mut batch = archive.batch([run; 8]);
    for (id, version, texts) in sessions {
        for part in parts(id, *version, texts) {
            batch.add(part).await.unwrap();
        }
    }
    batch.finish(now).await.unwrap()
}

fn open(folder: &Path, options: ArchiveOptions) -> Archive {
    Archive::open(&format!("file:{}", folder.display()), options).unwrap()
}

/// The time of this machine.
pub(crate) fn real_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64).unwrap()
}

/// Lets all files of a folder be old.
fn make_old(folder: &Path) {
    for path in files(folder) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_session_comes_back_to_the_byte_from_each_coding() {
    let large = "{\"größe\": 1e400}".repeat(550_000);
    for compress in [false, true] {
        for seal in [None, Some(seal("k", 3))] {
            let folder = tempfile::tempdir().unwrap();
            let archive = open(
                folder.path(),
                ArchiveOptions {
                    compress,
                    seal,
                    workers: None,
                },
            );
            let sessions: [(&str, u64, &[&str]); 3] = [
                ("a", 1, &["{", "}"]),
                ("A", 2, &[&large, "", "x"]),
                ("b", 9, &[""]),
            ];
            let verified = archived(&archive, 1, at(0), &sessions).await;
            assert!(verified.failed.is_empty(), "{verified:?}");
            for (id, version, texts) in sessions {
                let (entry, text) = archive.get(id, None).await.unwrap();
                assert!(text == texts.concat(), "{id}");
                assert_eq!((entry.version, entry.archived_at), (version, Some(at(0))));
            }
            let error = archive.get("c", None).await.unwrap_err();
            assert_eq!(error.code(), "SESSION_NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn no_version_is_replaced_and_each_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(&archive, 1, at(0), &[("a", 3, &["first"])]).await;
    let before = files(folder.path());
    archived(
        &archive,
        2,
        at(1),
        &[("a", 3, &["first"]), ("a", 7, &["second"])],
    )
    .await;
    assert!(before.iter().all(|path| path.exists()));
    assert_eq!(archive.get("a", None).await.unwrap().1, "second");
    assert_eq!(archive.get("a", Some(3)).await.unwrap().1, "first");
    let page = archive.list(Some("a"), None, 2, None).await.unwrap();
    assert_eq!(
        page.items
            .iter()
            .map(|entry| entry.version)
            .collect::<Vec<_>>(),
        [3, 7]
    );
    let next = archive
        .list(Some("a"), None, 2, page.next_cursor.as_deref())
        .await
        .unwrap();
    assert_eq!((next.items.len(), next.next_cursor), (1, None));
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_regular_file_is_not_waited_for() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(&archive, 1, at(0), &[("a", 3, &["first"])]).await;
    for part in ["sessions", "manifests"] {
        let path = &files(&folder.path().join(part))[0];
        let stored = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let verification = archive.verify(|_| {}).await.unwrap();
        for problem in &verification.problems {
            assert!(
                problem.problem.ends_with("it is no regular file"),
                "{problem:?}"
            );
        }
        if part == "sessions" {
            assert_eq!(verification.problems.len(), 1);
            let error = archive.get("a", None).await.unwrap_err();
            assert_eq!(error.code(), "ARCHIVE_DAMAGED", "{error}");
        }
        fs::remove_file(path).unwrap();
        fs::write(path, stored).unwrap();
    }
}

#[tokio::test]
async fn a_cursor_that_no_page_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    let sessions: [(&str, u64, &[&str]); 2] = [("a", 1, &["{}"]), ("b", 1, &["{}"])];
    archived(&archive, 1, at(0), &sessions).await;
    archived(&archive, 2, at(1), &sessions).await;
    let page = archive.list(None, None, 1, None).await.unwrap();
    let cursor = page.next_cursor.unwrap();
    let (name, place) = cursor.split_once(':').unwrap();
    assert_eq!(place, "1");
    for wrong in [
        String::new(),
        ":0".to_owned(),
        ":".to_owned(),
        name.to_owned(),
        "zzz:18446744073709551615".to_owned(),
        "~:0".to_owned(),
        format!("{name}:2"),
        format!("{name}:18446744073709551615"),
        format!("{name}:18446744073709551616"),
        format!("{name}:-1"),
        format!("../manifests/{name}:0"),
    ] {
        let refused = archive.list(None, None, 1, Some(&wrong)).await;
        assert_eq!(refused.unwrap_err().code(), "INVALID_CURSOR", "{wrong}");
    }
    // A page goes on behind a manifest that was thinned meanwhile.
    fs::remove_file(folder.path().join("manifests").join(name)).unwrap();
    let page = archive.list(None, None, 9, Some(&cursor)).await.unwrap();
    assert_eq!(page.items.len(), 2);
}

#[tokio::test]
async fn an_older_version_takes_not_the_place_of_one_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(&archive, 1, at(0), &[("a", 3, &["first"])]).await;
    let before = files(folder.path());
    archived(&archive, 2, at(1), &[("a", 7, &["second"])]).await;
    for path in files(folder.path()) {
        if !before.contains(&path) && path.display().to_string().contains("sessions") {
            fs::remove_file(path).unwrap();
        }
    }
    let error = archive.get("a", None).await.unwrap_err();
    assert_eq!(error.code(), "ARCHIVE_DAMAGED", "{error}");
    assert_eq!(archive.get("a", Some(3)).await.unwrap().1, "first");
}

#[tokio::test]
async fn of_an_id_that_was_used_again_the_last_session_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived_of(&archive, 1, at(1), at(0), ("a", 9, "before")).await;
    archived_of(&archive, 2, at(3), at(2), ("a", 2, "after")).await;
    assert_eq!(archive.get("a", None).await.unwrap().1, "after");
    assert_eq!(archive.get("a", Some(9)).await.unwrap().1, "before");
    // The last one does not keep the one before.
    make_old(folder.path());
    let thinned = archive.thin(Millis(30 * DAY), at(31)).await.unwrap();
    assert_eq!(thinned.sessions, 1);
    assert_eq!(archive.get("a", None).await.unwrap().1, "after");
}

/// Archives a session that was created at a time.
async fn archived_of(
    archive: &Archive,
    run: u8,
    now: Timestamp,
    created: Timestamp,
    (id, version, text): (&str, u64, &str),
) {
    let mut batch = archive.batch([run; 8]);
    for mut part in parts(id, version, &[text]) {
        let about = format!(r#"{{"createdAt":"{created}"}}"#);
        part.about = Some(serde_json::from_str(&about).unwrap());
        batch.add(part).await.unwrap();
    }
    let verified = batch.finish(now).await.unwrap();
    assert!(verified.failed.is_empty(), "{verified:?}");
}

#[tokio::test]
async fn the_highest_version_is_the_last_one_also_after_a_clock_that_was_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived_of(&archive, 1, at(100), at(0), ("a", 2, "ahead")).await;
    archived_of(&archive, 2, at(10), at(0), ("a", 5, "later")).await;
    archived_of(&archive, 3, at(10), at(0), ("b", 1, "other")).await;
    assert_eq!(archive.get("a", None).await.unwrap().1, "later");
    assert_eq!(archive.get("a", Some(2)).await.unwrap().1, "ahead");
    // It stays as long as the other one, which would be taken for the last one without it.
    let age = Millis(30 * DAY);
    make_old(folder.path());
    let thinned = archive.thin(age, at(60)).await.unwrap();
    assert_eq!(thinned.sessions, 1);
    assert_eq!(archive.get("a", None).await.unwrap().1, "later");
    assert!(archive.get("b", None).await.is_err());
    let verification = archive.verify(|_| {}).await.unwrap();
    assert_eq!((verification.sessions, verification.problems.len()), (2, 0));
    let thinned = archive.thin(age, at(130)).await.unwrap();
    assert_eq!(thinned.sessions, 2);
}

#[tokio::test]
async fn a_damaged_manifest_of_the_highest_version_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived_of(&archive, 1, at(1), at(0), ("a", 2, "first")).await;
    archived_of(&archive, 2, at(100), at(0), ("a", 5, "ahead")).await;
    archived_of(&archive, 3, at(10), at(0), ("a", 9, "later")).await;
    let manifests = files(&folder.path().join("manifests"));
    fs::write(&manifests[0], "{").unwrap();
    assert_eq!(archive.get("a", None).await.unwrap().1, "later");
    fs::write(&manifests[1], "{").unwrap();
    let error = archive.get("a", None).await.unwrap_err();
    assert_eq!(error.code(), "ARCHIVE_DAMAGED", "{error}");
    assert_eq!(archive.get("a", Some(5)).await.unwrap().1, "ahead");
}

#[tokio::test]
async fn of_two_batches_of_one_moment_the_higher_version_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    for (run, version) in [(1, 3), (2, 9), (3, 5)] {
        let text = version.to_string();
        archived(&archive, run, at(1), &[("a", version, &[text.as_str()])]).await;
    }
    assert_eq!(archive.get("a", None).await.unwrap().1, "9");
}

#[tokio::test]
async fn nothing_of_a_session_is_readable_in_an_encrypted_archive() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(
        folder.path(),
        ArchiveOptions {
            seal: Some(seal("k", 3)),
            ..ArchiveOptions::default()
        },
    );
    archived(
        &archive,
        1,
        at(0),
        &[("a", 1, &["the launch code is 4711"])],
    )
    .await;
    for file in files(folder.path()) {
        let bytes = fs::read(&file).unwrap();
        assert!(
            !bytes.windows(6).any(|part| part == b"launch"),
            "{}",
            file.display()
        );
    }
    let other = open(
        folder.path(),
        ArchiveOptions {
            seal: Some(seal("k", 4)),
            ..ArchiveOptions::default()
        },
    );
    assert_eq!(
        other.get("a", None).await.unwrap_err().code(),
        "ARCHIVE_DAMAGED"
    );
    // It is what was archived all the same.
    assert_eq!(other.verify(|_| {}).await.unwrap().problems.len(), 0);
}

#[tokio::test]
async fn a_session_that_a_thinning_took_before_it_was_listed_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    let mut batch = archive.batch([1; 8]);
    for part in parts("a", 1, &["one"]) {
        batch.add(part).await.unwrap();
    }
    let is_stored = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    while !files(folder.path()).iter().any(is_stored) {
        tokio::task::yield_now().await;
    }
    // It is read back.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    make_old(folder.path());
    let thinned = archive.thin(Millis(DAY), real_now()).await.unwrap();
    assert_eq!(thinned.unlisted, 1);
    for part in parts("b", 1, &["two"]) {
        batch.add(part).await.unwrap();
    }
    let verified = batch.finish(at(0)).await.unwrap();
    let failed: Vec<&str> = verified.failed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(failed, ["a"]);
    assert_eq!(archive.get("b", None).await.unwrap().1, "two");
}

#[tokio::test]
async fn damage_is_found_and_what_was_interrupted_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(
        &archive,
        1,
        at(0),
        &[("a", 1, &["one"]), ("b", 1, &["two"]), ("c", 1, &["three"])],
    )
    .await;
    // A batch that ended before its manifest.
    let mut batch = archive.batch([2; 8]);
    for part in parts("d", 1, &["four"]) {
        batch.add(part).await.unwrap();
    }
    // A file gets its name when it is complete, and loses the one that it had until then.
    let is_stored = |names: &[PathBuf]| {
        let of_session = names
            .iter()
            .filter(|name| name.to_string_lossy().contains("/d/"));
        let mut of_session = of_session.peekable();
        of_session.peek().is_some()
            && of_session.all(|name| name.to_string_lossy().ends_with(".json"))
    };
    while !is_stored(&files(folder.path())) {
        tokio::task::yield_now().await;
    }
    drop(batch);
    assert_eq!(
        archive.get("d", None).await.unwrap_err().code(),
        "SESSION_NOT_FOUND"
    );
    let verification = archive.verify(|_| {}).await.unwrap();
    assert_eq!(
        (
            verification.sessions,
            verification.unlisted,
            verification.problems.len()
        ),
        (3, 1, 0)
    );
    let objects = files(&folder.path().join("sessions"));
    fs::write(&objects[0], "One").unwrap();
    fs::remove_file(&objects[1]).unwrap();
    let verification = archive.verify(|_| {}).await.unwrap();
    let damaged: Vec<_> = verification
        .problems
        .iter()
        .filter_map(|problem| problem.id.as_deref())
        .collect();
    assert_eq!((verification.sessions, damaged), (1, vec!["a", "b"]));
    assert_eq!(
        archive.get("a", None).await.unwrap_err().code(),
        "ARCHIVE_DAMAGED"
    );
}

#[tokio::test]
async fn an_archive_that_takes_nothing_is_not_a_session_that_cannot_be_stored() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    let sessions = folder.path().join("sessions");
    // A file in the place of the folder of a session.
    fs::write(sessions.join("b"), "").unwrap();
    let verified = archived(
        &archive,
        1,
        at(0),
        &[("a", 1, &["one"]), ("b", 1, &["two"])],
    )
    .await;
    assert_eq!(verified.failed.len(), 1, "{verified:?}");
    assert_eq!(verified.unavailable, None);
    let verified = archived(&archive, 2, at(0), &[("b", 1, &["two"])]).await;
    assert_eq!((verified.failed.len(), verified.unavailable), (1, None));
    // What was tried leaves nothing.
    assert_eq!(archive.verify(|_| {}).await.unwrap().unlisted, 1);
    // A file in the place of the folder of all.
    fs::remove_dir_all(&sessions).unwrap();
    fs::write(&sessions, "").unwrap();
    let verified = archived(
        &archive,
        3,
        at(0),
        &[("a", 1, &["one"]), ("b", 1, &["two"])],
    )
    .await;
    assert_eq!(verified.failed.len(), 2, "{verified:?}");
    let error = verified.unavailable.unwrap();
    assert_eq!(error.code.as_str(), "ARCHIVE_FAILED", "{error:?}");
}

#[tokio::test]
async fn what_an_export_aborts_has_failed_alone() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    let mut batch = archive.batch([1; 8]);
    let mut aborted = parts("a", 1, &["begin", ""]);
    aborted[1].is_aborted = true;
    for part in aborted.into_iter().chain(parts("b", 1, &["two"])) {
        batch.add(part).await.unwrap();
    }
    let verified = batch.finish(at(0)).await.unwrap();
    assert_eq!(
        verified
            .failed
            .iter()
            .map(|failed| failed.id.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(archive.get("b", None).await.unwrap().1, "two");
    assert!(archive.get("a", None).await.is_err());
}

#[tokio::test]
async fn thinning_removes_by_age_and_goes_on_after_an_interruption() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(
        &archive,
        1,
        at(0),
        &[("a", 1, &["old"]), ("b", 1, &["old"])],
    )
    .await;
    archived(&archive, 2, at(100), &[("a", 2, &["new"])]).await;
    // As a thinning that was interrupted leaves it.
    fs::remove_file(&files(&folder.path().join("sessions").join("b"))[0]).unwrap();
    make_old(folder.path());
    let thinned = archive.thin(Millis(365 * DAY), at(364)).await.unwrap();
    assert_eq!(thinned.sessions, 0);
    let thinned = archive.thin(Millis(365 * DAY), at(365)).await.unwrap();
    assert_eq!((thinned.sessions, thinned.damaged), (2, 0));
    assert_eq!(archive.get("a", None).await.unwrap().1, "new");
    assert!(archive.get("a", Some(1)).await.is_err());
    assert_eq!(files(&folder.path().join("manifests")).len(), 1);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_keeps_its_objects() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(&archive, 1, at(0), &[("a", 1, &["old"])]).await;
    let manifest = &files(&folder.path().join("manifests"))[0];
    fs::write(manifest, "{").unwrap();
    make_old(folder.path());
    let thinned = archive.thin(Millis(DAY), at(1000)).await.unwrap();
    assert_eq!(
        (thinned.sessions, thinned.unlisted, thinned.damaged),
        (0, 0, 1)
    );
    assert_eq!(files(&folder.path().join("sessions")).len(), 1);
}

#[tokio::test]
async fn a_damaged_manifest_hides_only_its_own_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(&archive, 1, at(0), &[("a", 1, &["a1"]), ("b", 1, &["b1"])]).await;
    archived(&archive, 2, at(1), &[("b", 2, &["b2"])]).await;
    let manifests = files(&folder.path().join("manifests"));
    fs::write(&manifests[1], "{").unwrap();
    let page = archive.list(None, None, 10, None).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|entry| &*entry.id).collect();
    assert_eq!(ids, ["a", "b"]);
    let [problem] = &page.problems[..] else {
        panic!("{:?}", page.problems);
    };
    assert!(manifests[1].ends_with(&problem.path), "{problem:?}");
    assert_eq!(archive.get("a", None).await.unwrap().1, "a1");
    assert_eq!(archive.get("b", Some(1)).await.unwrap().1, "b1");
    // The damaged one has a version of it, as the name of an object says.
    for version in [None, Some(2)] {
        let error = archive.get("b", version).await.unwrap_err();
        assert_eq!(error.code(), "ARCHIVE_DAMAGED", "{error}");
    }
    let error = archive.get("c", None).await.unwrap_err();
    assert_eq!(error.code(), "SESSION_NOT_FOUND");
}

#[tokio::test]
async fn an_entry_with_the_object_of_another_session_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    let text = |id: &str, version: u64| format!(r#"{{"id":"{id}","version":{version}}}"#);
    let (one, other) = (text("a", 1), text("b", 1));
    archived(
        &archive,
        1,
        at(0),
        &[("a", 1, &[&one]), ("b", 1, &[&other])],
    )
    .await;
    assert_eq!(archive.get("a", None).await.unwrap().1, one);
    let manifest = &files(&folder.path().join("manifests"))[0];
    let written = fs::read_to_string(manifest).unwrap();
    let entries: serde_json::Value = serde_json::from_str(&written).unwrap();
    let path = |place: usize| {
        entries["sessions"][place]["path"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // Its object is named.
    let mut swapped = entries.clone();
    swapped["sessions"][0] = entries["sessions"][1].clone();
    swapped["sessions"][0]["id"] = "a".into();
    fs::write(manifest, swapped.to_string()).unwrap();
    let error = archive.get("a", None).await.unwrap_err();
    assert_eq!(error.code(), "ARCHIVE_DAMAGED", "{error}");
    let verification = archive.verify(|_| {}).await.unwrap();
    assert_eq!((verification.sessions, verification.problems.len()), (1, 1));
    // It is one that no object has.
    swapped["sessions"][0]["path"] = "sessions//a".into();
    fs::write(manifest, swapped.to_string()).unwrap();
    let error = archive.get("a", None).await.unwrap_err().to_string();
    assert!(
        error.ends_with("it has a path that no object has"),
        "{error}"
    );
    // Its text is in the object.
    swapped["sessions"][0]["path"] = path(0).into();
    fs::write(manifest, swapped.to_string()).unwrap();
    fs::copy(folder.path().join(path(1)), folder.path().join(path(0))).unwrap();
    let error = archive.get("a", None).await.unwrap_err();
    assert_eq!(error.code(), "ARCHIVE_DAMAGED", "{error}");
}

#[tokio::test]
async fn what_interrupted_uploads_leave_is_counted_and_removed_after_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(&archive, 1, at(0), &[("a", 1, &["one"])]).await;
    let of = |name: &str| {
        let objects = files(&folder.path().join(name));
        let left = PathBuf::from(format!("{}#1", objects[0].display()));
        fs::write(&left, "half").unwrap();
        left
    };
    let left = [of("sessions"), of("manifests")];
    // A file that is not of the archive.
    let other = folder.path().join("sessions/notes#1");
    fs::write(&other, "notes").unwrap();
    let verification = archive.verify(|_| {}).await.unwrap();
    assert_eq!((verification.sessions, verification.unlisted), (1, 2));
    let now = real_now();
    let age = Millis(u64::MAX);
    let thinned = archive.thin(age, now).await.unwrap();
    assert_eq!((thinned.unlisted, left[0].exists()), (0, true));
    make_old(folder.path());
    let thinned = archive.thin(age, now).await.unwrap();
    assert_eq!((thinned.sessions, thinned.unlisted), (0, 2));
    assert!(left.iter().all(|path| !path.exists()) && other.exists());
    assert_eq!(archive.get("a", None).await.unwrap().1, "one");
}

#[tokio::test]
async fn a_clock_that_is_wrong_removes_nothing_that_was_archived_just_now() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    let age = Millis(30 * DAY);
    // By a clock that was behind.
    archived(&archive, 1, at(0), &[("a", 1, &["one"])]).await;
    let thinned = archive.thin(age, real_now()).await.unwrap();
    assert_eq!(thinned.sessions, 0);
    archived(&archive, 2, real_now(), &[("b", 1, &["two"])]).await;
    // By one that is ahead.
    let ahead = real_now().plus(Millis(400 * DAY + DAY / 2));
    let error = archive.thin(age, ahead).await.unwrap_err();
    assert_eq!(error.code(), "ARCHIVE_FAILED");
    let message =
        "the clock of this machine is ahead of the archive's by 400 days; nothing was removed";
    assert_eq!(error.to_string(), message);
    let ahead = real_now().plus(Millis(DAY / 2));
    let thinned = archive.thin(Millis(DAY / 4), ahead).await.unwrap();
    assert_eq!((thinned.sessions, thinned.unlisted), (0, 0));
    assert_eq!(archive.get("a", None).await.unwrap().1, "one");
    assert_eq!(archive.get("b", None).await.unwrap().1, "two");
    assert_eq!(archive.verify(|_| {}).await.unwrap().unlisted, 0);
}

#[tokio::test]
async fn a_directory_in_the_place_of_an_object_keeps_its_manifest_alone() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(
        &archive,
        1,
        at(0),
        &[("a", 1, &["one"]), ("b", 1, &["two"])],
    )
    .await;
    archived(&archive, 2, at(1), &[("c", 1, &["three"])]).await;
    let object = files(&folder.path().join("sessions/a")).remove(0);
    make_old(folder.path());
    fs::remove_file(&object).unwrap();
    fs::create_dir(&object).unwrap();
    let thinned = archive.thin(Millis(DAY), at(100)).await.unwrap();
    assert_eq!((thinned.sessions, thinned.damaged), (1, 1));
    assert_eq!(archive.get("b", None).await.unwrap().1, "two");
    fs::remove_dir(&object).unwrap();
    let thinned = archive.thin(Millis(DAY), at(100)).await.unwrap();
    assert_eq!((thinned.sessions, thinned.damaged), (2, 0));
}

#[tokio::test]
async fn an_object_of_another_length_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let archive = open(folder.path(), ArchiveOptions::default());
    archived(&archive, 1, at(0), &[("a", 1, &["one"])]).await;
    let object = files(&folder.path().join("sessions")).remove(0);
    // It takes no room.
    let file = fs::File::options().write(true).open(object).unwrap();
    file.set_len(20 << 30).unwrap();
    let verification = archive.verify(|_| {}).await.unwrap();
    let problem = &verification.problems[0].problem;
    assert!(
        problem.ends_with("it has another length than its manifest says"),
        "{problem}"
    );
}

#[test]
fn a_folder_that_does_not_exist_is_no_archive_to_read_from() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("file:{}", folder.path().join("missing").display());
    let error = Archive::open_existing(&address, ArchiveOptions::default()).unwrap_err();
    assert_eq!(error.code(), "INVALID_ARGUMENT");
    assert!(!folder.path().join("missing").exists());
    Archive::open(&address, ArchiveOptions::default()).unwrap();
    Archive::open_existing(&address, ArchiveOptions::default()).unwrap();
}

#[test]
fn addresses_that_are_none_are_refused_and_show_no_credentials() {
    for address in [
        "",
        "archive",
        "file:",
        "s3://",
        "s3:bucket",
        "s3://user:secret@bucket/a",
        "ftp://a",
    ] {
        let error = Archive::open(address, ArchiveOptions::default()).unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{address}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}
