//! The archive in servers of object storage, which `node scripts/buckets.mjs` starts. About 4 s.

use std::env;

use tenure_archive::{Archive, ArchiveOptions};
use tenure_core::Millis;

use crate::{DAY, archived, at, parts, real_now, seal};

/// Folders of the buckets that can be had.
fn places(name: &str) -> Vec<String> {
    let buckets = env::var("TENURE_TEST_BUCKETS").expect(
        "TENURE_TEST_BUCKETS is not set; run `node scripts/buckets.mjs cargo test -p tenure-archive`",
    );
    let place = |bucket: &str| {
        let (scheme, _) = bucket.split_once(':').unwrap();
        format!("{bucket}/{name}-{scheme}-{}", std::process::id())
    };
    buckets.split_ascii_whitespace().map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_come_back_from_a_bucket_to_the_byte_and_no_version_is_replaced() {
    for place in places("versions") {
        sessions_come_back_from(&place).await;
    }
}

async fn sessions_come_back_from(place: &str) {
    let large = "{\"größe\": 1e400}".repeat(700_000);
    for (run, compress, seal) in [(1, false, None), (3, true, Some(seal("k", 3)))] {
        let options = ArchiveOptions {
            compress,
            seal,
            workers: None,
        };
        let archive = Archive::open(place, options).unwrap();
        let first: [(&str, u64, &[&str]); 3] = [
            ("a", 1, &["{", "}"]),
            // Of more than one part.
            ("A", 2, &[&large, "x"]),
            ("b", 9, &[""]),
        ];
        let verified = archived(&archive, run, at(run.into()), &first).await;
        assert!(verified.failed.is_empty(), "{:?}", verified.failed);
        let later = at(u64::from(run) + 1);
        archived(&archive, run + 1, later, &[("a", 7, &["second"])]).await;
        for (id, version, texts) in first {
            let (_, text) = archive.get(id, Some(version)).await.unwrap();
            assert!(text == texts.concat(), "{id}");
        }
        assert_eq!(archive.get("a", None).await.unwrap().1, "second");
        let error = archive.get("c", None).await.unwrap_err();
        assert_eq!(error.code(), "SESSION_NOT_FOUND");
        let page = archive.list(Some("a"), None, 10, None).await.unwrap();
        assert_eq!(page.items.len(), 1 + usize::from(run));
    }
    let archive = Archive::open(place, ArchiveOptions::default()).unwrap();
    let verification = archive.verify(|_| {}).await.unwrap();
    assert_eq!((verification.sessions, verification.problems.len()), (8, 0));
    let thinned = archive.thin(Millis(DAY), real_now()).await.unwrap();
    assert_eq!(thinned.sessions, 0);
    // Services say seconds.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let thinned = archive.thin(Millis(1), real_now()).await.unwrap();
    assert_eq!(thinned.sessions, 8);
    assert_eq!(archive.verify(|_| {}).await.unwrap().sessions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_a_bucket_is_written_once() {
    // The server of the tests does not know the condition of Google Cloud Storage for this.
    let knows_conditions = |place: &String| !place.starts_with("gs:");
    for place in places("once").into_iter().filter(knows_conditions) {
        let archive = Archive::open(&place, ArchiveOptions::default()).unwrap();
        archived(&archive, 1, at(0), &[("a", 1, &["first"])]).await;
        // Another batch with the same random bits: the same names, and another content.
        let mut batch = archive.batch([1; 8]);
        for part in parts("a", 1, &["other"]) {
            batch.add(part).await.unwrap();
        }
        let verified = batch.finish(at(0)).await.unwrap();
        assert_eq!(verified.failed.len(), 1, "{place}");
        assert_eq!(archive.get("a", None).await.unwrap().1, "first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_fails_for_each_session() {
    for place in places("none") {
        let (scheme, _) = place.split_once(':').unwrap();
        let place = format!("{scheme}://no-such-bucket-here/x");
        let archive = Archive::open(&place, ArchiveOptions::default()).unwrap();
        let verified = archived(&archive, 1, at(0), &[("a", 1, &["text"])]).await;
        assert_eq!(
            verified.failed[0].code.as_str(),
            "ARCHIVE_FAILED",
            "{place}"
        );
        assert!(verified.unavailable.is_some(), "{place}");
        assert!(archive.get("a", None).await.is_err());
    }
}
