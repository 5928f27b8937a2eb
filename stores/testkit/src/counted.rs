//! Checks of the counts of a store.

use tenure_core::store::tally::Tally;
use tenure_core::{Filter, Head, Store};

use crate::check::{Check, same};

/// Checks that counts agree with those of these heads, with one user and with all.
pub(crate) async fn counts(store: &dyn Store, filter: Filter, heads: &[Head]) -> Check {
    counts_with(store, &filter, 1, heads).await?;
    counts_with(store, &filter, u32::MAX, heads).await
}

/// Checks that counts agree with those of these heads, with the `users` who have the most sessions.
pub(crate) async fn counts_with(
    store: &dyn Store,
    filter: &Filter,
    users: u32,
    heads: &[Head],
) -> Check {
    let mut expected = Tally::default();
    for head in heads.iter().filter(|head| filter.matches(head)) {
        expected.count(head);
    }
    let what = format!("the count of {filter:?} with {users} users");
    let expected = expected.keep_users(users);
    same(&what, &store.tally(filter, users).await?, &expected)
}
