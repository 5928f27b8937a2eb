//! The counts of a store for statistics.

use tenure_core::store::Expect;
use tenure_core::store::filter::Trash;
use tenure_core::stored::head::Usage;
use tenure_core::{Filter, Head, Status};

use crate::check::Check;
use crate::counted::counts;
use crate::fixture::Run;
use crate::sample::everything;
use crate::sample::{MAX_SAFE, apply, create, full_head, head, of_sessions, put, remove};

pub(crate) async fn an_empty_store_counts_nothing(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    counts(&*store, everything(), &[]).await?;
    create(&*store, &[head("s")]).await?;
    let none = Filter {
        status: Some(Vec::new()),
        ..everything()
    };
    counts(&*store, none, &[]).await
}

pub(crate) async fn every_status_mode_and_user_is_counted_separately(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let mut heads = Vec::new();
    let users = [None, Some(""), Some("ann"), Some("Ann")];
    for status in Status::ALL {
        for mode in ["", "developer", "Developer"] {
            for user in users {
                let number = heads.len() as u32;
                heads.push(Head {
                    status,
                    mode: mode.to_owned(),
                    user_id: user.map(str::to_owned),
                    iterations: number,
                    ..head(&format!("s{number}"))
                });
            }
        }
    }
    // Two sessions of each group, and one in the trash.
    heads.push(Head {
        iterations: 1000,
        ..head("twin")
    });
    heads.push(Head {
        iterations: 2000,
        ..head("twin2")
    });
    heads.push(full_head("thrown"));
    create(&*store, &heads).await?;
    for trash in [Trash::Exclude, Trash::Only, Trash::Include] {
        let filter = Filter {
            trash,
            ..Filter::default()
        };
        counts(&*store, filter, &heads).await?;
    }
    let of_ann = Filter {
        user_id: Some("ann".to_owned()),
        status: Some(vec![Status::Paused, Status::Failed]),
        ..everything()
    };
    counts(&*store, of_ann, &heads).await
}

pub(crate) async fn sums_are_exact_beyond_the_largest_safe_integer(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let heads: Vec<Head> = (0..50)
        .map(|number| Head {
            iterations: u32::MAX,
            usage: Usage {
                prompt_tokens: MAX_SAFE - number,
                completion_tokens: MAX_SAFE - number * 3,
                cost_nanos: MAX_SAFE - number * 7,
            },
            ..head(&format!("s{number}"))
        })
        .collect();
    create(&*store, &heads).await?;
    counts(&*store, everything(), &heads).await
}

pub(crate) async fn removed_sessions_are_not_counted(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("a"), head("b")]).await?;
    let changed = Head {
        version: 2,
        iterations: 9,
        status: Status::Paused,
        ..head("a")
    };
    let changes = vec![
        put(Expect::Version { version: 1 }, &changed, 0, Vec::new()),
        remove(Expect::Version { version: 1 }, "b"),
    ];
    apply(&*store, &of_sessions(changes)).await?;
    counts(&*store, everything(), &[changed]).await
}
