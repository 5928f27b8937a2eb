//! The tables, and the steps by which a schema is migrated. The version of the schema is in `settings`.

/// One step for each version of the schema. A released step is never edited. `@` stands for the name of the
/// schema and a point.
///
/// Texts are compared byte by byte, as in every store, whatever the database's own order is. User data
/// is text: `json` and `jsonb` would change it. Names of users, channels and the like may be longer than an
/// index takes, so that their beginnings are indexed.
///
/// A session that is written several times within ten seconds (`updated_period`) has the same values in all indexes. So
/// PostgreSQL writes the new row beside the old one, where there is room (`fillfactor`), and no index. With an index of
/// `updated_at` each write would be one of all twelve indexes, with almost twice as much log. The database computes it, so that
/// what a handle of an older build writes, which has not noticed the migration yet, is found by its time, too.
const STEPS: [&str; 2] = [
    r#"
CREATE TABLE @sessions (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C",
  channel_id TEXT COLLATE "C",
  mode TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  iterations BIGINT NOT NULL,
  max_iterations BIGINT NOT NULL,
  event_count BIGINT NOT NULL,
  prompt_tokens BIGINT NOT NULL,
  completion_tokens BIGINT NOT NULL,
  cost_nanos BIGINT NOT NULL,
  paused_at BIGINT,
  finalized_at BIGINT,
  deleted_at BIGINT,
  phase TEXT COLLATE "C",
  resume_ready BOOLEAN,
  error_count BIGINT,
  last_error_at BIGINT,
  last_error TEXT COLLATE "C",
  summary TEXT COLLATE "C",
  task_id TEXT COLLATE "C",
  slot_phase TEXT COLLATE "C",
  model TEXT COLLATE "C",
  model_details TEXT COLLATE "C",
  parent_id TEXT COLLATE "C",
  workspace TEXT COLLATE "C",
  task TEXT COLLATE "C" NOT NULL,
  result TEXT COLLATE "C",
  error TEXT COLLATE "C",
  metadata TEXT COLLATE "C",
  context TEXT COLLATE "C" NOT NULL,
  approval TEXT COLLATE "C",
  approval_requested_at BIGINT,
  approval_by TEXT COLLATE "C",
  approval_decided_at BIGINT,
  result_data TEXT COLLATE "C"
);
CREATE INDEX sessions_by_created ON @sessions (created_at, id);
CREATE INDEX sessions_by_updated ON @sessions (updated_at, id);
CREATE INDEX sessions_by_user ON @sessions (left(user_id, 128), created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_by_channel ON @sessions (left(channel_id, 128), created_at, id) WHERE channel_id IS NOT NULL;
CREATE INDEX sessions_by_mode ON @sessions (left(mode, 128), created_at, id);
CREATE INDEX sessions_by_status ON @sessions (status, created_at, id);
CREATE INDEX sessions_by_phase ON @sessions (phase, created_at, id) WHERE phase IS NOT NULL;
CREATE INDEX sessions_by_task ON @sessions (left(task_id, 128), created_at, id) WHERE task_id IS NOT NULL;
CREATE INDEX sessions_by_slot ON @sessions (slot_phase, created_at, id) WHERE slot_phase IS NOT NULL;
CREATE INDEX sessions_by_model ON @sessions (left(model, 128), created_at, id) WHERE model IS NOT NULL;
CREATE INDEX sessions_by_parent ON @sessions (parent_id, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX sessions_in_trash ON @sessions (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE @events (
  session_id TEXT COLLATE "C" NOT NULL,
  sequence BIGINT NOT NULL,
  timestamp BIGINT NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  data TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (session_id, sequence)
);

CREATE TABLE @records (
  kind TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  expires_at BIGINT,
  owner TEXT COLLATE "C",
  body TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, key)
);
CREATE INDEX records_by_owner ON @records (owner) WHERE owner IS NOT NULL;

CREATE SEQUENCE @changes_sequence;
CREATE TABLE @changes (
  sequence BIGINT NOT NULL DEFAULT nextval('@changes_sequence') PRIMARY KEY,
  position BIGINT,
  kind TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  first_event BIGINT,
  last_event BIGINT,
  ends_history BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX changes_by_position ON @changes (position) WHERE position IS NOT NULL;
CREATE INDEX changes_without_position ON @changes (sequence) WHERE position IS NULL;
CREATE INDEX changes_that_end_histories ON @changes (key, sequence) WHERE ends_history;

CREATE TABLE @commits (
  token BIGINT NOT NULL,
  committed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT commits_once PRIMARY KEY (token)
);
CREATE INDEX commits_by_time ON @commits (committed_at);

CREATE TABLE @feed (
  id BIGINT NOT NULL PRIMARY KEY,
  newest BIGINT NOT NULL,
  kept_after BIGINT NOT NULL,
  keep BIGINT NOT NULL
);
INSERT INTO @feed (id, newest, kept_after, keep) VALUES (1, 0, 0, 10000);
"#,
    r#"
ALTER TABLE @sessions ADD COLUMN written_by BIGINT;
ALTER TABLE @sessions ADD COLUMN updated_period BIGINT GENERATED ALWAYS AS
  ((updated_at - (updated_at % 10000 + 10000) % 10000) / 10000) STORED;
ALTER TABLE @sessions SET (fillfactor = 80);
DROP INDEX @sessions_by_updated;
CREATE INDEX sessions_by_updated ON @sessions (updated_period);
"#,
];

/// The names of the tables and sequences of the first version, besides `settings`.
pub(crate) const TABLES: [&str; 7] = [
    "sessions",
    "events",
    "records",
    "changes_sequence",
    "changes",
    "commits",
    "feed",
];

/// The newest schema that this build reads.
pub(crate) const VERSION: u32 = STEPS.len() as u32;

/// The statements that migrate a schema from a version to the newest one. `schema` is its name in quotes.
pub(crate) fn steps_from(version: u32, schema: &str) -> String {
    let prefix = format!("{schema}.");
    let steps = STEPS.iter().skip(version as usize);
    steps.map(|step| step.replace('@', &prefix)).collect()
}
