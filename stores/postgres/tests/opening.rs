//! Opening a store: the tables are created once, by the first of several instances, and a role without the right to create
//! anything can use them.

use tenure_core::store::filter::{Direction, Filter, Order, OrderBy};
use tenure_core::store::{Expect, ListQuery};
use tenure_core::value::limits::MAX_PAGE_BYTES;
use tenure_core::{Commit, History, Store, Timestamp};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::{event, head, id, put};

use crate::common::{Schema, block_on, execute, next_head, query, server};

#[test]
fn twenty_instances_open_an_empty_database_at_once() {
    let schema = Schema::new();
    block_on(async {
        let opening = (0..20).map(|number| {
            let schema = schema.clone();
            tokio::spawn(async move {
                let store = schema.open().await?;
                let name = format!("s{number}");
                store
                    .commit(&put(head(&name), Expect::Absent, Vec::new()))
                    .await
            })
        });
        for opened in opening.collect::<Vec<_>>() {
            assert_eq!(opened.await.unwrap(), Ok(Commit::Applied));
        }
        let count = format!("SELECT count(*)::TEXT FROM {}.sessions", schema.0);
        assert_eq!(query(&count).await, ["20"]);
    });
}

#[test]
fn a_newer_schema_is_refused_and_not_written_to() {
    let schema = Schema::new();
    block_on(async {
        drop(schema.open().await.unwrap());
        let name = &schema.0;
        execute(&format!(
            "UPDATE {name}.settings SET value = 99; DELETE FROM {name}.feed"
        ))
        .await;
        let error = schema.open().await.unwrap_err();
        assert_eq!(error.code(), "SCHEMA_TOO_NEW");
        assert!(error.to_string().contains("99"), "{error}");
        assert!(
            query(&format!("SELECT id::TEXT FROM {name}.feed"))
                .await
                .is_empty()
        );
    });
}

/// The first schema had no `written_by` and no `updated_period`.
#[test]
fn a_store_of_the_first_schema_is_migrated() {
    let schema = Schema::new();
    block_on(async {
        let store = schema.open().await.unwrap();
        // In the order in which they were updated; one of them in a period that has begun before 1970.
        let sessions = [
            ("b", -10_001),
            ("c", -10_000),
            ("a", 25_000),
            ("d", 2_000_000),
        ];
        for (name, updated_at) in sessions {
            let mut head = head(name);
            head.updated_at = Timestamp::from_millis(updated_at).unwrap();
            let created = store.commit(&put(head, Expect::Absent, Vec::new())).await;
            assert_eq!(created, Ok(Commit::Applied));
        }
        drop(store);
        let name = &schema.0;
        let periods =
            format!("SELECT updated_period::TEXT FROM {name}.sessions ORDER BY updated_at");
        let written = query(&periods).await;
        execute(&format!(
            "ALTER TABLE {name}.sessions DROP COLUMN written_by; \
             ALTER TABLE {name}.sessions DROP COLUMN updated_period; \
             CREATE INDEX sessions_by_updated ON {name}.sessions (updated_at, id); \
             UPDATE {name}.settings SET value = 1 WHERE name = 'schema'"
        ))
        .await;
        let store = schema.open().await.unwrap();
        assert_eq!(query(&periods).await, written);
        let query = ListQuery {
            order: Order {
                by: OrderBy::UpdatedAt,
                direction: Direction::Asc,
            },
            filter: Filter::default(),
            after: None,
            offset: 0,
            limit: 10,
            max_bytes: MAX_PAGE_BYTES,
        };
        let page = store.list(&query).await.unwrap();
        let listed: Vec<&str> = page.heads.iter().map(|head| head.id.as_str()).collect();
        assert_eq!(listed, sessions.map(|(name, _)| name));
        // A handle that has not noticed the migration writes neither column.
        execute(&format!(
            "UPDATE {name}.sessions SET updated_at = 3000000 WHERE id = 'c'"
        ))
        .await;
        let page = store.list(&query).await.unwrap();
        assert_eq!(page.heads.last().map(|head| head.id.as_str()), Some("c"));
        // A session that nobody has written since has no commit that wrote it.
        let (next, expect) = next_head(&store, "a", History::None).await;
        let written = store.commit(&put(next, expect, vec![event(1, "{}")])).await;
        assert_eq!(written, Ok(Commit::Applied));
    });
}

#[test]
fn a_role_without_the_right_to_create_uses_the_tables_that_exist() {
    let schema = Schema::new();
    let name = schema.0.clone();
    let role = format!("{name}_role");
    let url = format!("{}?schema={name}", with_user(&server(), &role, "secret"));
    let open = || async {
        let address = Address::parse(&url).unwrap();
        PostgresStore::open(&address, &PostgresOptions::default()).await
    };
    block_on(async {
        execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'secret'; \
             REVOKE CREATE ON DATABASE postgres FROM PUBLIC"
        ))
        .await;
        let error = open().await.unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(
            error.to_string().contains("CREATE on the database"),
            "{error}"
        );
        drop(schema.open().await.unwrap());
        let error = open().await.unwrap_err();
        assert!(error.to_string().contains("USAGE on the schema"), "{error}");
        execute(&format!(
            "GRANT USAGE ON SCHEMA {name} TO {role}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {role}; \
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA {name} TO {role}"
        ))
        .await;
        let store = open().await.unwrap();
        let created = store
            .commit(&put(head("s"), Expect::Absent, Vec::new()))
            .await;
        assert_eq!(created, Ok(Commit::Applied));
        assert!(store.load(&id("s"), History::All).await.unwrap().is_some());
    });
}

/// A URL with other credentials.
fn with_user(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}:{password}@{host}")
}

#[test]
fn a_parameter_that_is_given_twice_is_refused() {
    for parameters in ["schema=a&schema=b", "sslmode=disable&x=1&sslmode=require"] {
        let refused = Address::parse(&format!("postgres://127.0.0.1/db?{parameters}"));
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("is given twice"), "{message}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let secret = "s3cr-et%3F";
    let server = with_user(&server(), "nobody", secret);
    for url in [
        server.clone(),
        format!("{server}?schema=pg_x"),
        format!("{server}?unknown=1"),
        format!("{server}?sslmode={secret}"),
        format!("{server}?pool_max=none"),
        format!("postgres://u:{secret}@127.0.0.1:1/db?timeout_ms=100"),
        format!("postgres://u:{secret}/{secret}@127.0.0.1/db"),
        format!("postgres://u:a@{secret}/{secret}@127.0.0.1/db"),
        format!("postgres://u:a@{secret}@127.0.0.1/db"),
        format!("postgres://u:{secret}#{secret}@127.0.0.1/db?x"),
        format!("postgres:u:{secret}@127.0.0.1/db"),
        format!("postgres://u:{secret}"),
        format!("postgres://127.0.0.1/db?password=a@{secret}"),
        format!("postgres://u:a?{secret}@127.0.0.1/db"),
        format!("postgres://u:a#{secret}@127.0.0.1/db"),
        format!("postgres://u:a#b@{secret}@127.0.0.1/db"),
    ] {
        let shown = match Address::parse(&url) {
            Err(error) => format!("{error} {error:?}"),
            Ok(address) => {
                let opened = block_on(PostgresStore::open(&address, &PostgresOptions::default()));
                // The server of the tests may accept everyone.
                let opened = opened.map(|store| format!("{store:?}"));
                format!("{opened:?} {address:?} {address} {}", address.identity())
            }
        };
        assert!(!shown.contains("s3cr") && !shown.contains("et?"), "{shown}");
    }
}

#[test]
fn the_tables_of_another_program_are_refused_and_nothing_is_written() {
    for tables in [
        "sessions (a INT)",
        "settings (name TEXT, value BIGINT)",
        "events (a INT)",
    ] {
        let schema = Schema::new();
        let name = &schema.0;
        block_on(async {
            execute(&format!(
                "CREATE SCHEMA {name}; CREATE TABLE {name}.{tables}"
            ))
            .await;
            let error = schema.open().await.unwrap_err();
            assert_eq!(error.code(), "STORE_UNAVAILABLE");
            assert!(error.to_string().contains("another program"), "{error}");
            let count = format!("SELECT count(*)::TEXT FROM pg_tables WHERE schemaname = '{name}'");
            assert_eq!(query(&count).await, ["1"]);
        });
    }
}

#[test]
fn a_store_that_must_exist_is_not_created() {
    let schema = Schema::new();
    let existing = schema.address().existing();
    block_on(async {
        let options = PostgresOptions::default();
        let error = PostgresStore::open(&existing, &options).await.unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(error.to_string().contains("there is no store"), "{error}");
        let found = format!(
            "SELECT nspname::TEXT FROM pg_namespace WHERE nspname = '{}'",
            schema.0
        );
        assert!(query(&found).await.is_empty());
        drop(schema.open().await.unwrap());
        PostgresStore::open(&existing, &options).await.unwrap();
    });
}

#[test]
fn a_database_of_another_encoding_is_refused_and_nothing_is_written() {
    let schema = Schema::new();
    let name = &schema.0;
    block_on(async {
        execute(&format!(
            "CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
        ))
        .await;
        let url = server();
        let (before, _) = url.rsplit_once('/').unwrap();
        let url = format!("{before}/{name}");
        let address = Address::parse(&url).unwrap();
        let opened = PostgresStore::open(&address, &PostgresOptions::default()).await;
        let error = opened.unwrap_err();
        assert!(error.to_string().contains("LATIN1"), "{error}");
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let found = "SELECT nspname FROM pg_namespace WHERE nspname = 'tenure'";
        assert!(client.query(found, &[]).await.unwrap().is_empty());
    });
}

#[test]
fn a_server_that_is_away_is_reported_in_time() {
    let options = PostgresOptions {
        connection_timeout_ms: Some(200),
        ..PostgresOptions::default()
    };
    let address = Address::parse("postgres://127.0.0.1:1/db").unwrap();
    let error = block_on(PostgresStore::open(&address, &options)).unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    assert!(
        error.to_string().contains("postgres://127.0.0.1:1/db"),
        "{error}"
    );
}
