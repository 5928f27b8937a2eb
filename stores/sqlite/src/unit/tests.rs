//! The statements of operations in their transaction, and the conformance kit over a transaction
//! that stays open, which checks every read against the read set.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tenure_core::store::filter::Order;
use tenure_core::store::{Expect, RecordChange};
use tenure_core::table::OPERATIONS;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::work::call::Call;
use tenure_core::work::execution::{Execution, run};
use tenure_core::{Head, Lift, NoHost, Store};
use tenure_store_support::{OnThread, apply, event, head, id, put, remove, time};

use super::*;
use crate::options::SqliteOptions;
use crate::schema;

/// A separate database, and its folder.
pub(crate) fn database() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let path: Arc<Path> = folder.path().join("tenure.db").into();
    let options = SqliteOptions::default();
    let database = Database::connect(&path, &options).unwrap();
    database.set_up(&options).unwrap();
    schema::take_step(&database, 0).unwrap();
    (folder, database)
}

/// Runs a job in a transaction. Returns its statements, each as a verb and a table.
fn statements_of(database: &Database, job: impl FnOnce(&Unit<'_>)) -> Vec<String> {
    let transaction = database.begin().unwrap();
    let unit = Unit::new(database, Undo::Transaction);
    database.statements.take();
    job(&unit);
    let statements = database.statements.take();
    transaction.commit().unwrap();
    statements.iter().map(|sql| gist(sql)).collect()
}

/// The verb of a statement and its table, such as `UPDATE sessions`.
fn gist(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let table = words
        .windows(2)
        .find(|pair| ["FROM", "INTO", "UPDATE"].contains(&pair[0]))
        .map_or("", |pair| pair[1]);
    format!("{} {table}", words[0]).trim().to_owned()
}

/// Performs an operation of the core in a transaction. Returns its statements.
fn statements_of_operation(database: &Database, name: &str, params: &str) -> Vec<String> {
    statements_of(database, |unit| {
        let operation = OPERATIONS.iter().copied().flatten();
        let operation = operation
            .copied()
            .find(|operation| operation.name() == name);
        let operation = operation.unwrap();
        let call = Call {
            now: time(1_767_895_530_000),
            entropy: [7; 16].into(),
            fingerprint: Fingerprint::of(name, params),
            host: Arc::new(NoHost),
            limits: Arc::default(),
            trace: None,
            isolated: true,
        };
        let params = operation.read(params).unwrap();
        run(unit, &mut Execution::new(operation, params, call)).unwrap();
    })
}

/// A head of a session with this version.
fn version_of(name: &str, version: u64) -> Head {
    Head {
        version,
        ..head(name)
    }
}

fn lock(key: &str, version: u64, owner: Option<&str>) -> Record {
    Record {
        kind: "lock".to_owned(),
        key: key.to_owned(),
        version,
        expires_at: None,
        owner: owner.map(id),
        body: "{}".to_owned(),
    }
}

fn records(records: impl IntoIterator<Item = RecordChange>) -> Changes {
    Changes {
        sessions: Vec::new(),
        records: records.into_iter().collect(),
    }
}

/// Changes that fail halfway: both events have the same number.
fn half_bad(head: Head, expect: Expect) -> Changes {
    let mut changes = put(version_of("new", 1), Expect::Absent, Vec::new());
    let bad = put(head, expect, vec![event(1, "1"), event(1, "2")]);
    changes.sessions.extend(bad.sessions);
    changes
}

const START: &str = r#"{"id":"a","mode":"developer","task":"Write a test"}"#;

#[test]
fn a_start_only_reads_the_routes_of_webhooks_and_whether_its_id_exists() {
    let (_folder, database) = database();
    assert_eq!(
        statements_of_operation(&database, "start", START),
        [
            "SELECT records",
            "SELECT sessions",
            "INSERT sessions",
            "INSERT events",
            "INSERT changes"
        ]
    );
}

#[test]
fn a_start_with_an_idempotency_key_reads_the_key_and_the_routes_once() {
    let (_folder, database) = database();
    let params = START.replace(r#""mode""#, r#""idempotencyKey":"k","mode""#);
    assert_eq!(
        statements_of_operation(&database, "start", &params),
        [
            "SELECT records",
            "SELECT records",
            "SELECT sessions",
            "INSERT sessions",
            "INSERT events",
            "INSERT records",
            "INSERT changes"
        ]
    );
}

#[test]
fn an_append_reads_its_session_once() {
    let (_folder, database) = database();
    statements_of_operation(&database, "start", START);
    let params = r#"{"id":"a","type":"note","data":{"n":1}}"#;
    assert_eq!(
        statements_of_operation(&database, "addEvent", params),
        [
            "SELECT sessions",
            "UPDATE sessions",
            "INSERT events",
            "INSERT changes"
        ]
    );
}

#[test]
fn a_pause_reads_its_session_the_lease_on_it_and_the_routes_once() {
    let (_folder, database) = database();
    statements_of_operation(&database, "start", START);
    assert_eq!(
        statements_of_operation(&database, "pause", r#"{"id":"a"}"#),
        [
            "SELECT sessions",
            "SELECT records",
            "SELECT records",
            "UPDATE sessions",
            "INSERT events",
            "INSERT changes"
        ]
    );
}

#[test]
fn a_lease_renewal_reads_its_record_once() {
    let (_folder, database) = database();
    let acquire = r#"{"key":"k","holder":"me","leaseDurationMs":1000}"#;
    assert_eq!(
        statements_of_operation(&database, "leaseAcquire", acquire),
        ["SELECT records", "INSERT records", "INSERT changes"]
    );
    let renew = r#"{"key":"k","holder":"me","token":1,"leaseDurationMs":1000}"#;
    assert_eq!(
        statements_of_operation(&database, "leaseRenew", renew),
        ["SELECT records", "INSERT records", "INSERT changes"]
    );
}

#[test]
fn a_bulk_operation_reads_each_session_once() {
    let (_folder, database) = database();
    for name in ["a", "b", "c"] {
        let params = START.replace(r#""a""#, &format!("{name:?}"));
        statements_of_operation(&database, "start", &params);
    }
    let statements = statements_of_operation(&database, "trashMany", r#"{"ids":["a","b","c"]}"#);
    let count = |gist: &str| statements.iter().filter(|other| *other == gist).count();
    assert_eq!(count("SELECT sessions"), 3, "{statements:?}");
    assert_eq!(count("UPDATE sessions"), 3, "{statements:?}");
}

#[test]
fn listed_and_scanned_rows_are_not_read_again() {
    let (_folder, database) = database();
    statements_of(&database, |unit| {
        apply(unit, &put(head("a"), Expect::Absent, Vec::new()));
        let lock = RecordChange::put(Expect::Absent, lock("k", 1, None));
        apply(unit, &records([lock]));
    });
    let query = ListQuery {
        filter: Filter::default(),
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 10,
        max_bytes: u64::MAX,
    };
    let scan = Scan {
        kind: "lock".to_owned(),
        after: None,
        limit: 10,
    };
    let expect = Expect::Version { version: 1 };
    let statements = statements_of(&database, |unit| {
        unit.list(&query).unwrap();
        unit.scan(&scan).unwrap();
        unit.database.statements.take();
        let mut changes = put(version_of("a", 2), expect, Vec::new());
        let lock = RecordChange::put(expect, lock("k", 2, None));
        changes.records.push(lock);
        apply(unit, &changes);
    });
    assert_eq!(
        statements,
        ["UPDATE sessions", "INSERT records", "INSERT changes"]
    );
}

#[test]
fn written_rows_are_not_read_again() {
    let (_folder, database) = database();
    let statements = statements_of(&database, |unit| {
        apply(unit, &put(head("a"), Expect::Absent, Vec::new()));
        let expect = Expect::Version { version: 1 };
        apply(unit, &put(version_of("a", 2), expect, Vec::new()));
        apply(unit, &remove("a"));
        assert_eq!(unit.load(&id("a"), History::None).unwrap(), None);
    });
    let reads = statements.iter().filter(|gist| gist.starts_with("SELECT"));
    assert_eq!(reads.count(), 1, "{statements:?}");
}

#[test]
fn a_failed_commit_adds_nothing_to_the_read_set() {
    for undo in [Undo::Transaction, Undo::Savepoint] {
        let (_folder, database) = database();
        let transaction = database.begin().unwrap();
        database.run("commit", "SAVEPOINT job").unwrap();
        let unit = Unit::new(&database, undo);
        if undo == Undo::Transaction {
            // The first commit has no savepoint.
            apply(&unit, &put(head("other"), Expect::Absent, Vec::new()));
        }
        assert_eq!(unit.load(&id("new"), History::None).unwrap(), None);
        unit.commit(&half_bad(head("a"), Expect::Absent))
            .unwrap_err();
        for name in ["a", "new"] {
            assert_eq!(unit.load(&id(name), History::None).unwrap(), None);
            apply(&unit, &put(head(name), Expect::Absent, Vec::new()));
        }

        let expect = Expect::Version { version: 1 };
        apply(&unit, &remove("new"));
        unit.commit(&half_bad(version_of("a", 2), expect))
            .unwrap_err();
        apply(&unit, &put(version_of("a", 2), expect, Vec::new()));
        assert_eq!(unit.load(&id("new"), History::None).unwrap(), None);
        database.run("commit", "RELEASE job").unwrap();
        transaction.commit().unwrap();
    }
}

#[test]
fn the_records_of_a_removed_session_are_removed_from_the_read_set() {
    let (_folder, database) = database();
    statements_of(&database, |unit| {
        let mut changes = put(head("a"), Expect::Absent, Vec::new());
        let lock = |key, owner| RecordChange::put(Expect::Absent, lock(key, 1, owner));
        changes.records = vec![lock("owned", Some("a")), lock("free", None)];
        apply(unit, &changes);
        assert!(unit.record("lock", "owned").unwrap().is_some());
        apply(unit, &remove("a"));
        let conflict = |change: RecordChange| match unit.commit(&records([change])).unwrap() {
            Commit::RecordConflict { current, .. } => current,
            other => panic!("{other:?}"),
        };
        let stale = |key| RecordChange {
            expect: Expect::Version { version: 7 },
            ..lock(key, None)
        };
        assert_eq!(conflict(stale("owned")), None);
        assert_eq!(conflict(stale("free")), Some(1));
        apply(unit, &records([lock("owned", None)]));
    });
}

/// A store that is one transaction from opening to closing.
struct Open<'d>(Unit<'d>);

impl SyncStore for Open<'_> {
    fn capabilities(&self) -> Capabilities {
        // It cannot be opened again.
        Capabilities {
            persistent: false,
            shared: false,
            ..self.0.capabilities()
        }
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.0.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.0.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.0.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.0.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.0.scan(scan)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        self.0.tally(filter, aggregate)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.0.feed(query)
    }
}

/// Opens a store that is one transaction, on a separate thread.
fn open() -> Result<Box<dyn Store>> {
    tenure_testkit::store(Lift(OnThread::start(|serve| {
        let (_folder, database) = database();
        let _transaction = database.begin().unwrap();
        serve(&Open(Unit::new(&database, Undo::Transaction)));
    })))
}

mod one_transaction {
    tenure_testkit::conformance!(|| super::open());
}
