//! The waiting for connections is counted, for metrics.

use std::time::Duration;

use tenure_core::{History, SessionId, Store};
use tenure_postgres::{PoolStatus, PostgresOptions, PostgresStore, WAIT_BOUNDS_US};

use crate::common::{Schema, block_on};

fn counted(status: &PoolStatus) -> u64 {
    status.waits.iter().sum()
}

#[test]
fn each_call_that_got_a_connection_is_in_one_bucket() {
    block_on(async {
        let store = Schema::new().open().await.unwrap();
        let before = store.pool_status();
        let id = SessionId::parse("none").unwrap();
        for _ in 0..3 {
            assert!(store.load(&id, History::None).await.unwrap().is_none());
        }
        let after = store.pool_status();
        assert!(
            after.acquired >= before.acquired + 3,
            "{before:?} {after:?}"
        );
        assert_eq!(counted(&after), after.acquired);
    });
}

#[test]
fn a_call_that_gets_no_connection_in_time_is_a_failure_and_no_wait() {
    block_on(async {
        let schema = Schema::new();
        let options = PostgresOptions {
            pool_max: Some(1),
            // Also the first connection has to be there by then.
            connection_timeout_ms: Some(1_000),
            ..PostgresOptions::default()
        };
        let store = PostgresStore::open(&schema.address(), &options)
            .await
            .unwrap();
        let before = store.pool_status();
        // The only connection waits for the lock of another one.
        let blocker = crate::common::client().await;
        let lock = format!(
            "BEGIN; LOCK TABLE {}.sessions IN ACCESS EXCLUSIVE MODE",
            schema.0
        );
        blocker.batch_execute(&lock).await.unwrap();
        let (id, other) = (
            SessionId::parse("a").unwrap(),
            SessionId::parse("b").unwrap(),
        );
        let held = store.load(&id, History::None);
        let refused = async {
            // The first call has the connection by then.
            while store.pool_status().active == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let refused = store.load(&other, History::None).await;
            blocker.batch_execute("ROLLBACK").await.unwrap();
            refused
        };
        let (held, refused) = tokio::join!(held, refused);
        assert!(held.unwrap().is_none());
        assert_eq!(refused.unwrap_err().code(), "STORE_UNAVAILABLE");
        let after = store.pool_status();
        assert!(after.failures > before.failures, "{before:?} {after:?}");
        assert_eq!(counted(&after), after.acquired);
        assert!(WAIT_BOUNDS_US.is_sorted());
    });
}
