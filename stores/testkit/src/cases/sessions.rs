//! The head of a session keeps every field, and different ids are different sessions.

use tenure_core::store::Expect;
use tenure_core::stored::head::Usage;
use tenure_core::{Head, History, Json, Status, Timestamp};

use crate::check::{Check, same};
use crate::fixture::Run;
use crate::sample::{
    MAX_SAFE, apply, create, full_head, head, id, is_absent, is_stored, json, least_head, load,
    of_sessions, put,
};

pub(crate) async fn an_unknown_session_is_not_found(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for history in [
        History::None,
        History::Last { count: 5 },
        History::After {
            sequence: 0,
            limit: 5,
        },
        History::All,
    ] {
        same(
            "the answer",
            &store.load(&id("unknown"), history).await?,
            &None,
        )?;
    }
    create(&*store, &[head("known")]).await?;
    is_absent(&*store, "unknown").await
}

pub(crate) async fn every_field_of_a_head_is_stored(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for status in Status::ALL {
        let head = Head {
            status,
            ..full_head(status.as_str())
        };
        create(&*store, std::slice::from_ref(&head)).await?;
        is_stored(&*store, &head, &[]).await?;
    }
    Ok(())
}

pub(crate) async fn the_smallest_head_is_stored(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let least = least_head("a");
    // An empty text is different from a missing one.
    let empty = Head {
        user_id: Some(String::new()),
        channel_id: Some(String::new()),
        workspace: Some(String::new()),
        result: Some(String::new()),
        error: Some(String::new()),
        paused_at: Some(Timestamp::default()),
        finalized_at: Some(Timestamp::default()),
        deleted_at: Some(Timestamp::default()),
        ..least_head("b")
    };
    create(&*store, &[least.clone(), empty.clone()]).await?;
    is_stored(&*store, &least, &[]).await?;
    is_stored(&*store, &empty, &[]).await
}

pub(crate) async fn a_put_replaces_every_field(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let other = head("other");
    create(&*store, &[head("s"), other.clone()]).await?;
    for head in [full_head("s"), least_head("s"), head("s"), full_head("s")] {
        apply(
            &*store,
            &of_sessions(vec![put(Expect::Present, &head, 0, Vec::new())]),
        )
        .await?;
        is_stored(&*store, &head, &[]).await?;
    }
    is_stored(&*store, &other, &[]).await
}

pub(crate) async fn text_of_any_script_is_stored(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let texts = [
        "Grüße, 日本語, עברית, हिन्दी",
        "emoji 🦀👩‍👩‍👧‍👦 and U+10FFFF \u{10ffff}",
        "combined e\u{301} is not é; \u{feff}a mark; \u{fffd}",
        "line\nbreaks\r\nand\ttabs \u{2028}\u{2029}\u{85}",
        "quotes ' \" ` and \\ and -- ; DROP TABLE sessions",
        " spaces around ",
        "\u{1}\u{1f}\u{7f} control",
        "true",
        "null",
        "1.0",
        "0123",
        "1e400",
    ];
    for (number, text) in texts.into_iter().enumerate() {
        let text = text.to_owned();
        let head = Head {
            user_id: Some(text.clone()),
            channel_id: Some(text.clone()),
            mode: text.clone(),
            task: text.clone(),
            workspace: Some(text.clone()),
            result: Some(text.clone()),
            result_data: Some(Json::of(&text)),
            error: Some(text),
            ..head(&format!("s{number}"))
        };
        create(&*store, std::slice::from_ref(&head)).await?;
        is_stored(&*store, &head, &[])
            .await
            .map_err(|failure| failure.within(format!("{:?}", head.task)))?;
    }
    Ok(())
}

pub(crate) async fn numbers_up_to_the_largest_safe_integer_are_stored(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    // The largest version that can be incremented once more.
    let version = MAX_SAFE - 1;
    let head = Head {
        version,
        iterations: u32::MAX,
        max_iterations: u32::MAX,
        created_at: Timestamp::MIN,
        updated_at: Timestamp::MAX,
        paused_at: Some(Timestamp::MAX),
        finalized_at: Some(Timestamp::MAX),
        deleted_at: Some(Timestamp::MIN),
        usage: Usage {
            prompt_tokens: MAX_SAFE,
            completion_tokens: MAX_SAFE,
            cost_nanos: MAX_SAFE,
        },
        ..head("s")
    };
    create(&*store, std::slice::from_ref(&head)).await?;
    is_stored(&*store, &head, &[]).await?;
    let before = Head {
        version: version - 1,
        ..head
    };
    let changes = put(Expect::Version { version }, &before, 0, Vec::new());
    apply(&*store, &of_sessions(vec![changes])).await?;
    is_stored(&*store, &before, &[]).await
}

pub(crate) async fn ids_that_differ_in_case_are_different_sessions(run: &Run<'_>) -> Check {
    keeps_apart(run, &["abc", "ABC", "Abc", "aBc", "abC"]).await
}

pub(crate) async fn ids_with_a_meaning_elsewhere_are_ordinary_ids(run: &Run<'_>) -> Check {
    let names = [
        "constructor",
        "toString",
        "hasOwnProperty",
        "valueOf",
        "prototype",
        "length",
        "a.b",
        "a..b",
        "a.b.",
        "a_b",
        "a-b",
        "a--b",
        "0",
        "00",
        "1e5",
        "1E5",
        "null",
        "true",
        "NaN",
        "CON",
        "nul",
        "index.json",
        "a.tmp",
        "a.lock",
        "session.json",
    ];
    keeps_apart(run, &names).await
}

pub(crate) async fn ids_of_any_length_are_distinguished(run: &Run<'_>) -> Check {
    let long = "a".repeat(127);
    let names = [
        "a".to_owned(),
        long.clone(),
        format!("{long}a"),
        format!("{long}b"),
    ];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    keeps_apart(run, &names).await
}

/// Writes a session for each id, and checks that each has its own content.
async fn keeps_apart(run: &Run<'_>, names: &[&str]) -> Check {
    let store = run.open().await?;
    for name in names {
        is_absent(&*store, name).await?;
        let head = Head {
            context: json(format!(r#"{{"id":"{name}"}}"#)),
            ..head(name)
        };
        create(&*store, &[head]).await?;
    }
    for name in names {
        let loaded = load(&*store, name, History::All).await?;
        same("the id", &loaded.head.id, &id(name))?;
        same(
            "the context",
            &loaded.head.context,
            &json(format!(r#"{{"id":"{name}"}}"#)),
        )?;
    }
    Ok(())
}
