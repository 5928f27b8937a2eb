//! Removing records whatever their versions are, a page at a time.

use tenure_core::error::Result;
use tenure_core::work::context::Context;

/// Removes the records of a kind with these keys in one commit, also those that have changed meanwhile.
///
/// # Errors
/// Those of the store.
pub(crate) async fn discard(context: &Context, kind: &str, keys: &[String]) -> Result<()> {
    context
        .transact(|tx| {
            let keys = keys.iter().cloned();
            keys.for_each(|key| tx.discard_record(kind, key));
            Ok(())
        })
        .await
}
