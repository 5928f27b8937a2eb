//! Opening a database: reading the version of its schema, and creating or migrating the tables if they are not
//! the newest. Any number of instances may do so at once: they wait for the row of the version. A role that may not
//! create anything only reads.

use std::time::Duration;

use tenure_core::Result;
use tenure_core::error::Cause;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use crate::backoff::Backoff;
use crate::database::Database;
use crate::failure::{Failure, unavailable};
use crate::request::{Batch, Frame, Request};
use crate::row;
use crate::schema::{VERSION, steps_from};

/// How long instances wait for one that migrates.
const LONGEST: Duration = Duration::from_secs(60);
/// The only encoding that has every text.
const ENCODING: &str = "UTF8";

/// What a database says of itself.
struct Found {
    version: u32,
    /// How many changes its feed keeps.
    keep: Option<i64>,
}

/// Makes a database ready for this build.
///
/// # Errors
/// `SCHEMA_TOO_NEW`, `STORE_UNAVAILABLE`, and those of the store.
pub(crate) async fn open(database: &Database, keep_changes: Option<u64>) -> Result<()> {
    let mut found = read(database).await?;
    if found.version < VERSION {
        migrate(database).await?;
        found = read(database).await?;
    }
    let keep = keep_changes.map(row::stored);
    if let Some(keep) = keep.filter(|keep| found.keep != Some(*keep)) {
        let mut update = Request::default();
        let keep = update.bind(keep);
        update.push(format_args!(
            "UPDATE {}.feed SET keep = {keep} WHERE id = 1",
            database.schema
        ));
        database.read("open", Frame::Alone, &[update]).await?;
    }
    Ok(())
}

/// Refuses a database that a newer Tenure has migrated.
///
/// # Errors
/// `SCHEMA_TOO_NEW`, and those of the store.
async fn read(database: &Database) -> Result<Found> {
    let mut select = Request::default();
    select.push(format_args!(
        "SELECT (SELECT value FROM {schema}.settings WHERE name = 'schema'), \
         (SELECT keep FROM {schema}.feed WHERE id = 1), current_setting('server_encoding')",
        schema = database.schema
    ));
    let (select, deadline) = ([select], database.deadline());
    let replies = match database
        .repeat(&Batch::new("open", Frame::Alone, &select), deadline)
        .await
    {
        Ok(replies) => replies,
        Err(Failure::NoTables(_)) => {
            return Ok(Found {
                version: 0,
                keep: None,
            });
        }
        Err(failure) => return Err(database.error(failure, "open")),
    };
    let found = replies.first().and_then(|rows| rows.first());
    let read = |row: &Row| {
        Some((
            row.try_get::<_, Option<i64>>(0).ok()?,
            row.try_get(1).ok()?,
            row.try_get::<_, String>(2).ok()?,
        ))
    };
    let Some((version, keep, encoding)) = found.and_then(read) else {
        let problem = format!("{}: the table settings is not Tenure's", database.shown);
        return Err(unavailable(problem));
    };
    if encoding != ENCODING {
        return Err(unavailable(format!(
            "{}: the encoding of the database is {encoding}; create one with ENCODING '{ENCODING}'",
            database.shown
        )));
    }
    let version = u32::try_from(version.unwrap_or(0)).unwrap_or(u32::MAX);
    if version > VERSION {
        return Err(Cause::SchemaTooNew {
            found: version,
            supported: VERSION,
        }
        .into());
    }
    Ok(Found { version, keep })
}

async fn migrate(database: &Database) -> Result<()> {
    let deadline = Instant::now() + LONGEST;
    let mut backoff = Backoff::default();
    loop {
        let connection = database.pool.get(deadline).await;
        let connection = connection.map_err(|failure| database.error(failure, "open"))?;
        // A transaction that is not ended ends with its connection.
        let connection = deadpool::managed::Object::take(connection);
        let run = take_steps(&connection.client, &database.schema);
        let failure = match timeout_at(deadline, run).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Failure::of(&error, "open"),
            Err(_) => Failure::TimedOut("another instance has migrated for too long".to_owned()),
        };
        let is_race = failure.may_pass() || matches!(failure, Failure::Created(_));
        if !is_race || !backoff.pause(deadline).await {
            return Err(database.error(failure, "open"));
        }
    }
}

async fn take_steps(client: &Client, schema: &str) -> Result<(), Error> {
    let name = schema.trim_matches('"');
    let exists = client
        .query_typed(
            "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1",
            &[(&name, Type::TEXT)],
        )
        .await?;
    // Creating what exists needs the right to create it.
    if exists.is_empty() {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
        client.batch_execute(&create).await?;
    }
    client
        .batch_execute(&format!(
            "CREATE TABLE IF NOT EXISTS {schema}.settings \
             (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, value BIGINT NOT NULL); \
             INSERT INTO {schema}.settings (name, value) VALUES ('schema', 0) \
             ON CONFLICT (name) DO NOTHING"
        ))
        .await?;
    client
        .batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0")
        .await?;
    let select = format!("SELECT value FROM {schema}.settings WHERE name = 'schema' FOR UPDATE");
    let rows = client.query_typed(&select, &[]).await?;
    let version: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    // A newer instance may have been faster. Reading the version again finds that out.
    if let Ok(version) = u32::try_from(version)
        && version < VERSION
    {
        client.batch_execute(&steps_from(version, schema)).await?;
        let update =
            format!("UPDATE {schema}.settings SET value = {VERSION} WHERE name = 'schema'");
        client.batch_execute(&update).await?;
    }
    client.batch_execute("COMMIT").await
}
