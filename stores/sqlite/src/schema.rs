//! The tables and their migrations. The schema version is in `user_version`, and `application_id`
//! marks a file as Tenure's. A file of a newer schema or of another application is refused before
//! anything is written.

use rusqlite::Connection;
use tenure_core::Result;
use tenure_core::error::Cause;

use crate::counts;
use crate::database::Database;

/// "Tenu", which marks a database as Tenure's.
const APPLICATION_ID: i32 = 0x5465_6e75;

/// One migration for each schema version. A released migration is never edited.
///
/// The key of an event combines the key of its session and its sequence number in one integer. So
/// the history of a session is contiguous in one b-tree, an append changes one page of it, and the
/// cost of an append does not depend on the length of the history.
///
/// Columns that change with every append are small and come first. Long texts come last, where
/// SQLite does not rewrite their pages while they stay the same. Of the columns that change with
/// every append, only `updated_at` is indexed.
const MIGRATIONS: [&str; 6] = [
    "
CREATE TABLE sessions (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  status TEXT NOT NULL,
  user_id TEXT,
  channel_id TEXT,
  mode TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  iterations INTEGER NOT NULL,
  max_iterations INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cost_nanos INTEGER NOT NULL,
  paused_at INTEGER,
  finalized_at INTEGER,
  deleted_at INTEGER,
  phase TEXT,
  resume_ready INTEGER,
  error_count INTEGER,
  last_error_at INTEGER,
  last_error TEXT,
  summary TEXT,
  task_id TEXT,
  slot_phase TEXT,
  model TEXT,
  model_details TEXT,
  parent_id TEXT,
  workspace TEXT,
  task TEXT NOT NULL,
  result TEXT,
  error TEXT,
  metadata TEXT,
  context TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_created ON sessions (created_at, id);
CREATE INDEX sessions_by_updated ON sessions (updated_at, id);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_by_channel ON sessions (channel_id, created_at, id)
  WHERE channel_id IS NOT NULL;
CREATE INDEX sessions_by_mode ON sessions (mode, created_at, id);
CREATE INDEX sessions_by_status ON sessions (status, created_at, id);
CREATE INDEX sessions_by_phase ON sessions (phase, created_at, id) WHERE phase IS NOT NULL;
CREATE INDEX sessions_of_agents ON sessions (created_at, id) WHERE phase IS NOT NULL;
CREATE INDEX sessions_by_task ON sessions (task_id, created_at, id) WHERE task_id IS NOT NULL;
CREATE INDEX sessions_by_slot ON sessions (slot_phase, created_at, id)
  WHERE slot_phase IS NOT NULL;
CREATE INDEX sessions_by_model ON sessions (model, created_at, id) WHERE model IS NOT NULL;
CREATE INDEX sessions_by_parent ON sessions (parent_id, created_at, id)
  WHERE parent_id IS NOT NULL;
CREATE INDEX sessions_in_trash ON sessions (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE events (
  key INTEGER PRIMARY KEY,
  session INTEGER GENERATED ALWAYS AS (key >> 32) VIRTUAL,
  sequence INTEGER GENERATED ALWAYS AS (key & 4294967295) VIRTUAL,
  timestamp INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;

CREATE TABLE records (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  expires_at INTEGER,
  owner TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_owner ON records (owner) WHERE owner IS NOT NULL;

-- For people with a SQLite shell.
CREATE VIEW history AS
  SELECT s.id AS session_id, e.sequence, e.timestamp, e.type, e.data
  FROM sessions AS s
  JOIN events AS e ON e.key > (s.key << 32) AND e.key < ((s.key + 1) << 32);
",
    "
ALTER TABLE sessions ADD COLUMN approval TEXT;
ALTER TABLE sessions ADD COLUMN approval_requested_at INTEGER;
ALTER TABLE sessions ADD COLUMN approval_by TEXT;
ALTER TABLE sessions ADD COLUMN approval_decided_at INTEGER;
",
    // The column `model` also has the models that metadata name, where there is no slot. What has an
    // escape that SQLite reads in another way is left out: the next change of the model writes it.
    "
ALTER TABLE sessions ADD COLUMN result_data TEXT;
UPDATE sessions SET model = (
  SELECT CASE WHEN type = 'text' AND octet_length(value) <= 256 THEN value END
  FROM json_each(metadata) WHERE key = 'model' ORDER BY id DESC LIMIT 1
)
WHERE task_id IS NULL
  AND CASE WHEN json_valid(metadata) THEN json_type(metadata) END = 'object'
  AND instr(lower(metadata), '\\ud') = 0
  AND instr(metadata, '\\u0000') = 0;
",
    // The feed: what each commit has changed. `key` is the id of a session or the key of a record.
    // `ends_history` marks that the events which the session had before are gone.
    "
CREATE TABLE changes (
  position INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  first_event INTEGER,
  last_event INTEGER,
  ends_history INTEGER
) STRICT;
CREATE INDEX changes_that_end_histories ON changes (key, position)
  WHERE ends_history IS NOT NULL;
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
",
    counts::MIGRATION,
    // Lists of agents in all phases are merged from those of each phase.
    "DROP INDEX sessions_of_agents;",
];

/// The newest schema that this build reads.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// An empty file, or a store with this schema version.
    Schema(u32),
    /// The database of another application.
    Foreign,
}

/// Reads the schema version, and changes nothing.
///
/// # Errors
/// `SCHEMA_TOO_NEW`, or `STORE_UNAVAILABLE` if the file is not a database or belongs to another
/// application.
pub(crate) fn check(database: &Database) -> Result<u32> {
    match database.with_retries("open", read_marks)? {
        Found::Foreign => Err(Cause::StoreUnavailable {
            problem: format!(
                "{}: this is the database of another application",
                database.path().display()
            ),
        }
        .into()),
        Found::Schema(found) if found > VERSION => Err(Cause::SchemaTooNew {
            found,
            supported: VERSION,
        }
        .into()),
        Found::Schema(found) => Ok(found),
    }
}

/// Refuses a file that a newer Tenure has migrated while it was open.
///
/// # Errors
/// `SCHEMA_TOO_NEW`, and those of the store.
pub(crate) fn refuse_newer(database: &Database) -> Result<()> {
    database.check_schema_once(|| match database.schema_version("commit")? {
        found if found > VERSION => Err(Cause::SchemaTooNew {
            found,
            supported: VERSION,
        }
        .into()),
        _ => Ok(()),
    })
}

/// Migrates a file from a schema to the next one, or a new file to the newest. The caller has opened a
/// transaction.
///
/// # Errors
/// Those of the store.
pub(crate) fn take_step(database: &Database, found: u32) -> Result<()> {
    let next = if found == 0 { VERSION } else { found + 1 };
    let steps = MIGRATIONS.iter().take(next as usize).skip(found as usize);
    for migration in steps {
        database.execute_batch("open", migration)?;
    }
    let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {next};");
    database.execute_batch("open", &mark)
}

/// Commits without changes, unless another connection is writing.
///
/// # Errors
/// Those of the store.
pub(crate) fn touch(database: &Database) -> Result<()> {
    match database.try_begin()? {
        Some(transaction) => {
            // The version stays: another process may have migrated the file.
            let found = database.schema_version("checkpoint")?;
            database.execute_batch("checkpoint", &format!("PRAGMA user_version = {found}"))?;
            transaction.commit()
        }
        None => Ok(()),
    }
}

fn read_marks(connection: &Connection) -> rusqlite::Result<Found> {
    let (application, version, tables) = connection.query_row(
        "SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id AS a, pragma_user_version AS v",
        [],
        |row| {
            Ok((
                row.get::<_, i32>(0)?,
                row.get::<_, i32>(1)?,
                row.get::<_, i64>(2)?,
            ))
        },
    )?;
    let untouched = application == 0 && version == 0 && tables == 0;
    Ok(match u32::try_from(version) {
        Ok(version) if untouched || application == APPLICATION_ID => Found::Schema(version),
        _ => Found::Foreign,
    })
}
