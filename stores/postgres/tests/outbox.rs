//! What a change queues for endpoints of webhooks, whichever handle has added them: a commit that expects that there
//! are none is refused once there is one.

use tenure_core::store::{Expect, RecordChange, Scan};
use tenure_core::stored::delivery::{self, Delivery};
use tenure_core::stored::route::{Route, Routes};
use tenure_core::{Changes, Commit, Store};
use tenure_postgres::PostgresStore;

use crate::common::{Schema, block_on, operate};

async fn succeed(store: &PostgresStore, name: &str, params: &str) {
    operate(store, name, 2_000, params).await.unwrap();
}

/// Adds an endpoint for all changes.
async fn add(store: &PostgresStore, endpoint: &str) {
    let route = Route {
        endpoint: endpoint.to_owned(),
        ..Route::default()
    };
    let record = Routes {
        routes: vec![route],
    }
    .to_record();
    let changes = Changes {
        records: vec![RecordChange::put(Expect::Any, record)],
        ..Changes::default()
    };
    assert_eq!(store.commit(&changes).await, Ok(Commit::Applied));
}

/// The sessions and events of what is queued, in order.
async fn queued(store: &PostgresStore) -> Vec<String> {
    let scan = Scan {
        kind: delivery::KIND.to_owned(),
        after: None,
        limit: 100,
    };
    let records = store.scan(&scan).await.unwrap();
    let deliveries = records
        .iter()
        .map(|record| Delivery::read_record(record).unwrap());
    let named = deliveries.map(|delivery| format!("{} {}", delivery.session, delivery.event));
    named.collect()
}

#[test]
fn changes_are_queued_as_soon_as_another_handle_has_added_an_endpoint() {
    block_on(async {
        let schema = Schema::new();
        let (one, other) = (schema.open().await.unwrap(), schema.open().await.unwrap());
        succeed(&one, "start", r#"{"id":"a","task":"t","mode":"m"}"#).await;
        // From now on whether a runner has a lease of it is remembered, too.
        succeed(&one, "pause", r#"{"id":"a"}"#).await;
        assert_eq!(queued(&one).await, [""; 0]);
        add(&other, "bot").await;
        succeed(&one, "resume", r#"{"id":"a"}"#).await;
        succeed(&one, "start", r#"{"id":"b","task":"t","mode":"m"}"#).await;
        succeed(
            &one,
            "start",
            r#"{"id":"c","task":"t","mode":"m","idempotencyKey":"k"}"#,
        )
        .await;
        succeed(
            &one,
            "start",
            r#"{"id":"d","task":"t","mode":"m","paused":true}"#,
        )
        .await;
        let expected = ["a resume", "b start", "c start", "d start", "d pause"];
        assert_eq!(queued(&one).await, expected);
    });
}
