//! Opening a database: reading the version of its schema, and creating or migrating the tables if they are not
//! the newest. Any number of instances may do so at once: they wait for the row of the version. A role that may not
//! create anything only reads.

use tenure_core::Result;
use tenure_core::error::Cause;
use tokio::time::timeout_at;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use crate::backoff::Backoff;
use crate::database::Database;
use crate::failure::{Failure, unavailable};
use crate::request::{Batch, Frame, Request};
use crate::row;
use crate::schema::{TABLES, VERSION, steps_from};

/// The table with the version.
const SETTINGS: &str = "settings";
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
pub(crate) async fn open(
    database: &Database,
    creates: bool,
    keep_changes: Option<u64>,
) -> Result<()> {
    let mut found = read(database).await?;
    if found.version == 0 && !creates {
        return Err(unavailable(format!("there is no store {}", database.shown)));
    }
    if found.version < VERSION {
        migrate(database).await?;
        found = read(database).await?;
        if found.version < VERSION {
            let problem = format!("{}: tables are missing in the schema", database.shown);
            return Err(unavailable(problem));
        }
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
        // The table of another program may have other columns, which is found out before anything is created.
        Err(Failure::Failed(error)) if matches!(error.cause(), Cause::StoreFailed { .. }) => {
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
        return Err(other_encoding(&encoding));
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
    let deadline = database.deadline();
    let mut backoff = Backoff::default();
    loop {
        let connection = database.pool.get(deadline).await;
        let connection = connection.map_err(|failure| database.error(failure, "open"))?;
        // A transaction that is not ended ends with its connection.
        let connection = deadpool::managed::Object::take(connection);
        let run = take_steps(&connection.client, &database.schema);
        let failure = match timeout_at(deadline, run).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::TimedOut("another instance has migrated for too long".to_owned()),
        };
        let is_race = failure.may_pass() || matches!(failure, Failure::Created(_));
        if !is_race || !backoff.pause(deadline).await {
            return Err(database.error(failure, "open"));
        }
    }
}

async fn take_steps(client: &Client, schema: &str) -> Result<(), Failure> {
    let failed = |error: Error| Failure::of(&error, "open");
    let name = schema.trim_matches('"');
    let found = examine(client, name).await?;
    // Creating what exists needs the right to create it.
    if !found.has_schema {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
        client.batch_execute(&create).await.map_err(failed)?;
    }
    if !found.has_settings {
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {schema}.settings \
             (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, value BIGINT NOT NULL); \
             INSERT INTO {schema}.settings (name, value) VALUES ('schema', 0) \
             ON CONFLICT (name) DO NOTHING"
        );
        client.batch_execute(&create).await.map_err(failed)?;
    }
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0";
    client.batch_execute(begin).await.map_err(failed)?;
    let select = format!("SELECT value FROM {schema}.settings WHERE name = 'schema' FOR UPDATE");
    let rows = client.query_typed(&select, &[]).await.map_err(failed)?;
    let Some(row) = rows.first() else {
        return Err(foreign(name, SETTINGS));
    };
    let version: i64 = row.try_get(0).map_err(failed)?;
    // A newer instance may have been faster. Reading the version again finds that out.
    if let Ok(version) = u32::try_from(version)
        && version < VERSION
    {
        let steps = steps_from(version, schema);
        client.batch_execute(&steps).await.map_err(failed)?;
        let update =
            format!("UPDATE {schema}.settings SET value = {VERSION} WHERE name = 'schema'");
        client.batch_execute(&update).await.map_err(failed)?;
    }
    client.batch_execute("COMMIT").await.map_err(failed)
}

/// What there is before anything is created.
struct Examined {
    has_schema: bool,
    has_settings: bool,
}

/// Refuses a database of another encoding, and the tables of another program.
async fn examine(client: &Client, name: &str) -> Result<Examined, Failure> {
    let failed = |error: Error| Failure::of(&error, "open");
    let rows = client
        .query_typed(
            "SELECT current_setting('server_encoding'), n.nspname::TEXT, c.relname::TEXT \
             FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = $1 \
             LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid \
             AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')",
            &[(&name, Type::TEXT)],
        )
        .await
        .map_err(failed)?;
    let text = |row: &Row, column| row.try_get::<_, Option<String>>(column).ok().flatten();
    let encoding = rows.first().and_then(|row| text(row, 0));
    let encoding = encoding.unwrap_or_default();
    if encoding != ENCODING {
        return Err(Failure::Failed(other_encoding(&encoding)));
    }
    let has = |wanted: &str| {
        rows.iter()
            .any(|row| text(row, 2).as_deref() == Some(wanted))
    };
    let has_settings = has(SETTINGS);
    // The table of the version is created before all others.
    if let Some(table) = TABLES.iter().find(|table| !has_settings && has(table)) {
        return Err(foreign(name, table));
    }
    if has_settings {
        let select = format!("SELECT value FROM \"{name}\".settings WHERE name = 'schema'");
        let version = match client.query_typed(&select, &[]).await {
            Ok(rows) => rows.first().and_then(|row| row.try_get::<_, i64>(0).ok()),
            // The table of another program has other columns.
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_COLUMN) => None,
            Err(error) => return Err(failed(error)),
        };
        if version.is_none() {
            return Err(foreign(name, SETTINGS));
        }
    }
    Ok(Examined {
        has_schema: rows.iter().any(|row| text(row, 1).is_some()),
        has_settings,
    })
}

fn foreign(schema: &str, table: &str) -> Failure {
    Failure::Failed(unavailable(format!(
        "the table {table} of schema {schema} is that of another program; name another schema, as \
         in ?schema=tenure"
    )))
}

fn other_encoding(encoding: &str) -> tenure_core::Error {
    unavailable(format!(
        "the encoding of the database is {encoding}; create one with ENCODING '{ENCODING}'"
    ))
}
