//! Checks of the counts and the values that a store collects.

use tenure_core::store::tally::{Aggregate, GroupBy, Tally};
use tenure_core::{Filter, Head, Store};

use crate::check::{Check, same};

/// Checks that counts agree with those of these heads, with one user and with all, and that values do, in
/// whatever groups.
pub(crate) async fn counts(store: &dyn Store, filter: Filter, heads: &[Head]) -> Check {
    for users in [1, u32::MAX] {
        aggregate(store, &filter, Aggregate::Counts { users }, heads).await?;
    }
    for by in [
        None,
        Some(GroupBy::Mode),
        Some(GroupBy::Model),
        Some(GroupBy::User),
    ] {
        aggregate(store, &filter, Aggregate::Values { by }, heads).await?;
    }
    Ok(())
}

/// Checks that what a store collects agrees with these heads.
pub(crate) async fn aggregate(
    store: &dyn Store,
    filter: &Filter,
    aggregate: Aggregate,
    heads: &[Head],
) -> Check {
    let mut expected = Tally::new(aggregate);
    for head in heads.iter().filter(|head| filter.matches(head)) {
        expected.count(head);
    }
    let what = format!("{aggregate:?} of {filter:?}");
    let found = store.tally(filter, aggregate).await?;
    same(&what, &found, &expected.complete())
}
