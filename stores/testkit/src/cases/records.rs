//! Records keep every field, different keys are different records, and a scan returns them in
//! order.

use tenure_core::store::{Expect, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Store, Timestamp};

use crate::check::{Check, same};
use crate::fixture::Run;
use crate::generate;
use crate::sample::{
    MAX_SAFE, apply, at, create, head, id, is_recorded, of_records, of_sessions, record, remove,
    set,
};

/// Keys that break incorrect quoting, patterns, paths and collations. Sorted by UTF-16 units, as in
/// JavaScript, the last two would be in the other order.
const KEYS: &[&str] = &[
    "",
    " ",
    "\"",
    "%",
    "%%",
    "'",
    "''",
    "*",
    "../../etc/passwd",
    "/",
    "/a/",
    "1",
    "10",
    "2",
    ":",
    ":a:b",
    "?",
    "A",
    "Ab",
    "B",
    "[a-z]",
    "\\",
    "_",
    "__proto__",
    "a",
    "a ",
    "a\n",
    "a b",
    "a%b",
    "a:b",
    "a_b",
    "aa",
    "ab",
    "constructor",
    "repo:owner/name#12@refs/heads/main",
    "z",
    "~",
    "e\u{301}",
    "é",
    "ß",
    "日本",
    "\u{ffff}",
    "🦀",
];

pub(crate) async fn an_unknown_record_is_not_found(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    same("the answer", &store.record("kind", "unknown").await?, &None)?;
    apply(
        &*store,
        &of_records(vec![set(Expect::Absent, record("kind", "known"))]),
    )
    .await?;
    same("the answer", &store.record("kind", "unknown").await?, &None)?;
    same(
        "the answer",
        &store.record("unknown", "known").await?,
        &None,
    )?;
    same(
        "a scan",
        &scan(&*store, "unknown", None, 10).await?,
        &Vec::new(),
    )
}

pub(crate) async fn every_field_of_a_record_is_stored(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("owner")]).await?;
    let full = Record {
        version: MAX_SAFE,
        expires_at: Some(Timestamp::MAX),
        owner: Some(id("owner")),
        ..record("kind", "full")
    };
    let least = Record {
        version: 0,
        body: String::new(),
        ..record("kind", "least")
    };
    let early = Record {
        expires_at: Some(Timestamp::MIN),
        ..record("kind", "early")
    };
    for record in [&full, &least, &early] {
        apply(
            &*store,
            &of_records(vec![set(Expect::Absent, record.clone())]),
        )
        .await?;
        is_recorded(&*store, record).await?;
    }
    let found = scan(&*store, "kind", None, 10).await?;
    same(
        "the records",
        &found,
        &vec![early, full.clone(), least.clone()],
    )?;
    // A write replaces every field, including by an empty value.
    let emptied = Record {
        key: "full".to_owned(),
        ..least
    };
    let expect = Expect::Version { version: MAX_SAFE };
    apply(&*store, &of_records(vec![set(expect, emptied.clone())])).await?;
    is_recorded(&*store, &emptied).await?;
    apply(
        &*store,
        &of_records(vec![set(Expect::Version { version: 0 }, full.clone())]),
    )
    .await?;
    is_recorded(&*store, &full).await
}

pub(crate) async fn bodies_are_stored_unchanged(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let bodies = [
        r#"{"a":1e400,"b":"\ud800","a":12345678901234567890, "c" : -0}"#.to_owned(),
        "not JSON at all: { ' \" \\".to_owned(),
        " spaces and\nlines\r\n ".to_owned(),
        "🦀\u{2028}\u{feff}".to_owned(),
        "null".to_owned(),
        "12".to_owned(),
        "x".repeat(1 << 20),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let record = Record {
            body,
            ..record("kind", &number.to_string())
        };
        apply(
            &*store,
            &of_records(vec![set(Expect::Absent, record.clone())]),
        )
        .await?;
        is_recorded(&*store, &record).await?;
    }
    Ok(())
}

pub(crate) async fn keys_of_any_text_are_distinguished(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for key in KEYS {
        same(
            "a record before it is written",
            &store.record("kind", key).await?,
            &None,
        )?;
        apply(
            &*store,
            &of_records(vec![set(Expect::Absent, record("kind", key))]),
        )
        .await?;
    }
    for key in KEYS {
        is_recorded(&*store, &record("kind", key)).await?;
    }
    Ok(())
}

pub(crate) async fn keys_of_512_bytes_are_stored(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let keys = [
        "x".repeat(511) + "a",
        "x".repeat(511) + "b",
        "x".repeat(511),
        "🦀".repeat(128),
    ];
    for key in &keys {
        apply(
            &*store,
            &of_records(vec![set(Expect::Absent, record("kind", key))]),
        )
        .await?;
    }
    for key in &keys {
        is_recorded(&*store, &record("kind", key)).await?;
    }
    let found = scan(&*store, "kind", Some(&keys[2]), 1).await?;
    same("the next record", &found, &vec![record("kind", &keys[0])])
}

pub(crate) async fn kinds_are_distinguished(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    // Pairs that collide if kind and key are concatenated.
    let pairs = [
        ("a", "b"),
        ("b", "a"),
        ("a", "b:c"),
        ("a:b", "c"),
        ("a/b", "c"),
        ("a", "b/c"),
        ("A", "b"),
        ("ab", "c"),
        ("a", "bc"),
        ("a_b", "c"),
        ("a%", "c"),
    ];
    for (kind, key) in pairs {
        let record = Record {
            body: format!("{kind} and {key}"),
            ..record(kind, key)
        };
        apply(&*store, &of_records(vec![set(Expect::Absent, record)])).await?;
    }
    for (kind, key) in pairs {
        let body = store.record(kind, key).await?.map(|record| record.body);
        same("the body", &body, &Some(format!("{kind} and {key}")))?;
    }
    let keys = |records: Vec<Record>| -> Vec<String> {
        records.into_iter().map(|record| record.key).collect()
    };
    let of_a = keys(scan(&*store, "a", None, 100).await?);
    same(
        "the keys of a kind",
        &of_a,
        &["b", "b/c", "b:c", "bc"].map(str::to_owned).to_vec(),
    )?;
    let of_ab = keys(scan(&*store, "a_b", None, 100).await?);
    same("the keys of another kind", &of_ab, &vec!["c".to_owned()])
}

pub(crate) async fn expired_records_are_kept(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let expired = Record {
        expires_at: Some(at(1)),
        ..record("lease", "k")
    };
    apply(
        &*store,
        &of_records(vec![set(Expect::Absent, expired.clone())]),
    )
    .await?;
    is_recorded(&*store, &expired).await?;
    same(
        "a scan",
        &scan(&*store, "lease", None, 10).await?,
        &vec![expired.clone()],
    )?;
    let renewed = Record {
        version: 2,
        expires_at: Some(Timestamp::MAX),
        ..expired
    };
    apply(
        &*store,
        &of_records(vec![set(Expect::Version { version: 1 }, renewed.clone())]),
    )
    .await?;
    is_recorded(&*store, &renewed).await
}

pub(crate) async fn a_record_is_removed_with_its_current_owner(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("first"), head("second"), head("third")]).await?;
    let owned = |key: &str, version: u64, owner: Option<&str>| Record {
        version,
        owner: owner.map(id),
        ..record("kind", key)
    };
    let steps = [
        vec![
            set(Expect::Absent, owned("moved", 1, Some("first"))),
            set(Expect::Absent, owned("freed", 1, Some("first"))),
            set(Expect::Absent, owned("taken", 1, None)),
        ],
        vec![
            set(
                Expect::Version { version: 1 },
                owned("moved", 2, Some("second")),
            ),
            set(Expect::Version { version: 1 }, owned("freed", 2, None)),
            set(
                Expect::Version { version: 1 },
                owned("taken", 2, Some("first")),
            ),
        ],
    ];
    for step in steps {
        apply(&*store, &of_records(step)).await?;
    }
    apply(
        &*store,
        &of_sessions(vec![remove(Expect::Present, "first")]),
    )
    .await?;
    is_recorded(&*store, &owned("moved", 2, Some("second"))).await?;
    is_recorded(&*store, &owned("freed", 2, None)).await?;
    same(
        "the taken record",
        &store.record("kind", "taken").await?,
        &None,
    )?;
    apply(
        &*store,
        &of_sessions(vec![remove(Expect::Present, "second")]),
    )
    .await?;
    same(
        "the moved record",
        &store.record("kind", "moved").await?,
        &None,
    )?;
    is_recorded(&*store, &owned("freed", 2, None)).await
}

pub(crate) async fn a_scan_is_in_the_order_of_bytes(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let sorted = write_keys(&*store).await?;
    let found = scan(&*store, "kind", None, 1000).await?;
    let found: Vec<&str> = found.iter().map(|record| record.key.as_str()).collect();
    same("the keys", &found, &sorted)
}

pub(crate) async fn a_scan_begins_after_a_key(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let sorted = write_keys(&*store).await?;
    // Keys that exist, and keys between them that do not.
    for after in sorted
        .iter()
        .copied()
        .chain(["0", "a/", "mid", "\u{10ffff}"])
    {
        let found = scan(&*store, "kind", Some(after), 1000).await?;
        let found: Vec<&str> = found.iter().map(|record| record.key.as_str()).collect();
        let expected: Vec<&str> = sorted.iter().copied().filter(|key| *key > after).collect();
        same(&format!("the keys after {after:?}"), &found, &expected)?;
    }
    Ok(())
}

pub(crate) async fn a_scan_ends_at_its_limit(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let sorted = write_keys(&*store).await?;
    for limit in [1, 2, 7, sorted.len(), 1000] {
        let limit = limit as u32;
        let mut found = Vec::new();
        loop {
            let after = found.last().map(|record: &Record| record.key.clone());
            let page = scan(&*store, "kind", after.as_deref(), limit).await?;
            if page.is_empty() {
                break;
            }
            let left = sorted.len().saturating_sub(found.len());
            same(
                "the length of a page",
                &page.len(),
                &left.min(limit as usize),
            )?;
            found.extend(page);
        }
        let found: Vec<&str> = found.iter().map(|record| record.key.as_str()).collect();
        same(&format!("the keys, {limit} at a time"), &found, &sorted)?;
    }
    same(
        "a scan of the largest limit",
        &scan(&*store, "kind", None, u32::MAX).await?.len(),
        &sorted.len(),
    )
}

/// Writes records with these keys in a different order, and the same keys for other kinds. Returns
/// the keys in order.
async fn write_keys(store: &dyn Store) -> Check<Vec<&'static str>> {
    let mut shuffled = KEYS.to_vec();
    generate::shuffle(&mut fastrand::Rng::with_seed(1), &mut shuffled);
    for key in shuffled {
        let changes =
            ["kind", "Kind", "kinds", "kin"].map(|kind| set(Expect::Absent, record(kind, key)));
        apply(store, &of_records(changes.to_vec())).await?;
    }
    let mut sorted = KEYS.to_vec();
    sorted.sort_unstable();
    Ok(sorted)
}

async fn scan(
    store: &dyn Store,
    kind: &str,
    after: Option<&str>,
    limit: u32,
) -> Check<Vec<Record>> {
    let scan = Scan {
        kind: kind.to_owned(),
        after: after.map(str::to_owned),
        limit,
    };
    Ok(store.scan(&scan).await?)
}
