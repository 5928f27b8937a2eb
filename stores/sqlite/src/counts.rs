//! Counts of sessions in tables of their own, which triggers keep up to date within each write, so that
//! statistics of all sessions, of a mode, of a user or of both cost the same however many there are. Only
//! sessions that are not in the trash are counted.
//!
//! `counts` has a row for each mode, status and model, of all sessions and again of each user's. An
//! event that is appended changes none, and what an iteration or tokens add changes two. `counts_of_users`
//! has the number of sessions of each user, in all modes and in each, and `numbers_of_users` how many users
//! these are. Where a column may mean all or none, `=` stands before a name.

use rusqlite::{OptionalExtension, Row, params_from_iter};
use tenure_core::Status;
use tenure_core::store::tally::{Shared, Sums, Tally};

use crate::database::Database;
use crate::row;

/// The rows of `counts`, counted.
macro_rules! counted {
    ($of_user:literal, $of_whom:literal, $group:literal) => {
        concat!(
            "SELECT ",
            $of_user,
            " AS of_user, mode, status, coalesce('=' || model, ''), count(*), sum(iterations), \
             sum(prompt_tokens >> 32 & 4294967295), sum(prompt_tokens & 4294967295), \
             sum(completion_tokens >> 32 & 4294967295), sum(completion_tokens & 4294967295), \
             sum(cost_nanos >> 32 & 4294967295), sum(cost_nanos & 4294967295) \
             FROM sessions WHERE deleted_at IS NULL",
            $of_whom,
            " GROUP BY mode, status, model",
            $group
        )
    };
}
macro_rules! counts {
    () => {
        concat!(
            counted!("''", "", ""),
            " UNION ALL ",
            counted!("'=' || user_id", " AND user_id IS NOT NULL", ", user_id")
        )
    };
}

/// The rows of `counts_of_users`, counted.
macro_rules! counts_of_users {
    () => {
        "SELECT '' AS of_mode, user_id, count(*) FROM sessions \
         WHERE deleted_at IS NULL AND user_id IS NOT NULL GROUP BY user_id \
         UNION ALL SELECT '=' || mode, user_id, count(*) FROM sessions \
         WHERE deleted_at IS NULL AND user_id IS NOT NULL GROUP BY mode, user_id"
    };
}

/// The rows of `numbers_of_users`, counted.
macro_rules! numbers_of_users {
    () => {
        concat!(
            "SELECT of_mode, count(*) FROM (",
            counts_of_users!(),
            ") GROUP BY of_mode"
        )
    };
}

/// Fills `counts` and `counts_of_users`; a trigger fills `numbers_of_users`.
macro_rules! fill {
    () => {
        concat!(
            "INSERT INTO counts ",
            counts!(),
            "; INSERT INTO counts_of_users ",
            counts_of_users!(),
            ";"
        )
    };
}

/// Whether a session has another user or mode, or was put into the trash or taken out.
macro_rules! is_handed_over {
    () => {
        "(NEW.deleted_at IS NULL) <> (OLD.deleted_at IS NULL) \
         OR NEW.mode <> OLD.mode OR NEW.user_id IS NOT OLD.user_id"
    };
}

/// Whether a session belongs to other rows of `counts`.
macro_rules! is_moved {
    () => {
        concat!(
            is_handed_over!(),
            " OR NEW.status <> OLD.status OR NEW.model IS NOT OLD.model"
        )
    };
}

/// Adds a session to its rows of `counts`.
macro_rules! come {
    ($condition:literal) => {
        concat!(
            "INSERT INTO counts SELECT of_user, NEW.mode, NEW.status, \
             coalesce('=' || NEW.model, ''), 1, NEW.iterations, \
             NEW.prompt_tokens >> 32 & 4294967295, NEW.prompt_tokens & 4294967295, \
             NEW.completion_tokens >> 32 & 4294967295, NEW.completion_tokens & 4294967295, \
             NEW.cost_nanos >> 32 & 4294967295, NEW.cost_nanos & 4294967295 \
             FROM (SELECT '' AS of_user UNION ALL SELECT '=' || NEW.user_id) \
             WHERE of_user IS NOT NULL",
            $condition,
            " ON CONFLICT DO UPDATE SET sessions = sessions + 1, \
             iterations = iterations + excluded.iterations, \
             prompt_upper = prompt_upper + excluded.prompt_upper, \
             prompt_lower = prompt_lower + excluded.prompt_lower, \
             completion_upper = completion_upper + excluded.completion_upper, \
             completion_lower = completion_lower + excluded.completion_lower, \
             cost_upper = cost_upper + excluded.cost_upper, \
             cost_lower = cost_lower + excluded.cost_lower;\n"
        )
    };
}

/// Takes a session from its rows of `counts`. A statement for each row is quicker than one for both.
macro_rules! go {
    ($condition:literal) => {
        concat!(
            go_from!("''", $condition),
            go_from!("'=' || OLD.user_id", $condition)
        )
    };
}
macro_rules! go_from {
    ($of_user:literal, $condition:literal) => {
        concat!(
            "UPDATE counts SET sessions = sessions - 1, iterations = iterations - OLD.iterations, \
             prompt_upper = prompt_upper - (OLD.prompt_tokens >> 32 & 4294967295), \
             prompt_lower = prompt_lower - (OLD.prompt_tokens & 4294967295), \
             completion_upper = completion_upper - (OLD.completion_tokens >> 32 & 4294967295), \
             completion_lower = completion_lower - (OLD.completion_tokens & 4294967295), \
             cost_upper = cost_upper - (OLD.cost_nanos >> 32 & 4294967295), \
             cost_lower = cost_lower - (OLD.cost_nanos & 4294967295) WHERE ",
            was_in!($of_user),
            $condition,
            ";\nDELETE FROM counts WHERE sessions = 0 AND ",
            was_in!($of_user),
            $condition,
            ";\n"
        )
    };
}
/// The row of `counts` that a session was in.
macro_rules! was_in {
    ($of_user:literal) => {
        concat!(
            "of_user = ",
            $of_user,
            " AND mode = OLD.mode AND status = OLD.status \
             AND of_model = coalesce('=' || OLD.model, '')"
        )
    };
}

/// Adds to a row of `counts` what a session has used.
macro_rules! used {
    ($of_user:literal) => {
        concat!(
            "UPDATE counts SET iterations = iterations + NEW.iterations - OLD.iterations, \
             prompt_upper = prompt_upper \
             + (NEW.prompt_tokens >> 32 & 4294967295) - (OLD.prompt_tokens >> 32 & 4294967295), \
             prompt_lower = prompt_lower \
             + (NEW.prompt_tokens & 4294967295) - (OLD.prompt_tokens & 4294967295), \
             completion_upper = completion_upper + (NEW.completion_tokens >> 32 & 4294967295) \
             - (OLD.completion_tokens >> 32 & 4294967295), \
             completion_lower = completion_lower \
             + (NEW.completion_tokens & 4294967295) - (OLD.completion_tokens & 4294967295), \
             cost_upper = cost_upper \
             + (NEW.cost_nanos >> 32 & 4294967295) - (OLD.cost_nanos >> 32 & 4294967295), \
             cost_lower = cost_lower + (NEW.cost_nanos & 4294967295) - (OLD.cost_nanos & 4294967295) \
             WHERE ",
            was_in!($of_user),
            ";\n"
        )
    };
}

/// Adds a session to those of its user.
macro_rules! users_come {
    ($condition:literal) => {
        concat!(
            "INSERT INTO counts_of_users SELECT of_mode, NEW.user_id, 1 \
             FROM (SELECT '' AS of_mode UNION ALL SELECT '=' || NEW.mode) \
             WHERE NEW.user_id IS NOT NULL",
            $condition,
            " ON CONFLICT DO UPDATE SET sessions = sessions + 1;\n"
        )
    };
}

/// Takes a session from those of its user.
macro_rules! users_go {
    ($condition:literal) => {
        concat!(
            users_go_from!("''", $condition),
            users_go_from!("'=' || OLD.mode", $condition)
        )
    };
}
macro_rules! users_go_from {
    ($of_mode:literal, $condition:literal) => {
        concat!(
            "UPDATE counts_of_users SET sessions = sessions - 1 WHERE of_mode = ",
            $of_mode,
            " AND user_id = OLD.user_id",
            $condition,
            ";\nDELETE FROM counts_of_users WHERE sessions = 0 AND of_mode = ",
            $of_mode,
            " AND user_id = OLD.user_id",
            $condition,
            ";\n"
        )
    };
}

/// Creates the tables and the triggers, and fills the tables.
pub(crate) const MIGRATION: &str = concat!(
    "
CREATE TABLE counts (
  of_user TEXT NOT NULL,
  mode TEXT NOT NULL,
  status TEXT NOT NULL,
  of_model TEXT NOT NULL,
  sessions INTEGER NOT NULL,
  iterations INTEGER NOT NULL,
  prompt_upper INTEGER NOT NULL,
  prompt_lower INTEGER NOT NULL,
  completion_upper INTEGER NOT NULL,
  completion_lower INTEGER NOT NULL,
  cost_upper INTEGER NOT NULL,
  cost_lower INTEGER NOT NULL,
  PRIMARY KEY (of_user, mode, status, of_model)
) STRICT, WITHOUT ROWID;
CREATE TABLE counts_of_users (
  of_mode TEXT NOT NULL,
  user_id TEXT NOT NULL,
  sessions INTEGER NOT NULL,
  PRIMARY KEY (of_mode, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX users_by_sessions ON counts_of_users (of_mode, sessions DESC, user_id);
CREATE TABLE numbers_of_users (
  of_mode TEXT PRIMARY KEY,
  users INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER counts_of_started AFTER INSERT ON sessions WHEN NEW.deleted_at IS NULL BEGIN
  ",
    come!(""),
    users_come!(""),
    "
END;
CREATE TRIGGER counts_of_removed AFTER DELETE ON sessions WHEN OLD.deleted_at IS NULL BEGIN
  ",
    go!(""),
    users_go!(""),
    "
END;
CREATE TRIGGER counts_of_moved AFTER UPDATE OF status, deleted_at, user_id, mode, model ON sessions
WHEN ",
    is_moved!(),
    " BEGIN
  ",
    go!(" AND OLD.deleted_at IS NULL"),
    come!(" AND NEW.deleted_at IS NULL"),
    "
END;
CREATE TRIGGER counts_of_handed_over AFTER UPDATE OF deleted_at, user_id, mode ON sessions
WHEN ",
    is_handed_over!(),
    " BEGIN
  ",
    users_go!(" AND OLD.deleted_at IS NULL"),
    users_come!(" AND NEW.deleted_at IS NULL"),
    "
END;
CREATE TRIGGER counts_of_used
AFTER UPDATE OF iterations, prompt_tokens, completion_tokens, cost_nanos ON sessions
WHEN (NEW.iterations <> OLD.iterations OR NEW.prompt_tokens <> OLD.prompt_tokens
    OR NEW.completion_tokens <> OLD.completion_tokens OR NEW.cost_nanos <> OLD.cost_nanos)
  AND NEW.deleted_at IS NULL AND NOT (",
    is_moved!(),
    ") BEGIN
  ",
    used!("''"),
    used!("'=' || OLD.user_id"),
    "
END;
CREATE TRIGGER numbers_of_come AFTER INSERT ON counts_of_users BEGIN
  INSERT INTO numbers_of_users VALUES (NEW.of_mode, 1)
    ON CONFLICT DO UPDATE SET users = users + 1;
END;
CREATE TRIGGER numbers_of_gone AFTER DELETE ON counts_of_users BEGIN
  UPDATE numbers_of_users SET users = users - 1 WHERE of_mode = OLD.of_mode;
  DELETE FROM numbers_of_users WHERE of_mode = OLD.of_mode AND users = 0;
END;
",
    fill!()
);

/// Fills the tables again.
pub(crate) const MEND: &str = concat!(
    "DELETE FROM counts; DELETE FROM counts_of_users; DELETE FROM numbers_of_users; ",
    fill!()
);

/// The rows of one query that another lacks, by what they are about.
macro_rules! lacking {
    ($rows:expr, $others:expr, $of_user:literal, $of_mode:literal) => {
        concat!(
            "SELECT ",
            $of_user,
            ", ",
            $of_mode,
            " FROM (SELECT * FROM (",
            $rows,
            ") EXCEPT SELECT * FROM (",
            $others,
            "))"
        )
    };
}

/// The rows of a table that differ from what is counted.
macro_rules! different {
    ($table:literal, $counted:expr, $of_user:literal, $of_mode:literal) => {
        concat!(
            lacking!(
                concat!("SELECT * FROM ", $table),
                $counted,
                $of_user,
                $of_mode
            ),
            " UNION ",
            lacking!(
                $counted,
                concat!("SELECT * FROM ", $table),
                $of_user,
                $of_mode
            )
        )
    };
}

/// The user and the mode of each row that differs from what is counted: in one statement, which
/// sees one snapshot.
pub(crate) const DIFFERENCES: &str = concat!(
    different!("counts", counts!(), "of_user", "'=' || mode"),
    " UNION ",
    different!(
        "counts_of_users",
        counts_of_users!(),
        "'=' || user_id",
        "of_mode"
    ),
    " UNION ",
    different!("numbers_of_users", numbers_of_users!(), "''", "of_mode"),
);

/// The columns of [`Sums`], in their order.
macro_rules! sums {
    () => {
        "sessions, iterations, prompt_upper, prompt_lower, completion_upper, completion_lower, \
         cost_upper, cost_lower"
    };
}

/// From the users with the most sessions, and what is counted of them.
macro_rules! most_users {
    () => {
        " FROM (SELECT user_id FROM counts_of_users WHERE of_mode = ?1 \
         ORDER BY sessions DESC, user_id LIMIT ?2) AS most CROSS JOIN counts ON "
    };
}

/// Reads the [`Sums`] in the columns from `first` on.
pub(crate) fn read_sums(row: &Row<'_>, first: usize) -> rusqlite::Result<Sums> {
    let mut sums = Sums::default();
    for (column, sum) in sums.0.iter_mut().enumerate() {
        *sum = row.get(first + column).map(row::restored)?;
    }
    Ok(sums)
}

/// What stands in a column that may mean all or none.
fn named(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("={name}"))
}

/// The name in a column that may mean all or none.
pub(crate) fn name(named: &str) -> Option<&str> {
    named.strip_prefix('=')
}

impl Database {
    /// The kept counts of one user or of all, in one mode or in all, with the `users` who have the most
    /// sessions.
    pub(crate) fn kept_counts(
        &self,
        user_id: Option<&str>,
        mode: Option<&str>,
        users: u32,
    ) -> rusqlite::Result<Tally> {
        // What is rolled back must not be remembered.
        if self.in_transaction() {
            return self.read_counts(user_id, mode, users);
        }
        // The first number changes with the writes of others, the second with those of this connection.
        let others = self
            .prepare("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        let state = (others, self.changed_rows());
        let mut answers = self.answers.borrow_mut();
        answers.forget_unless(state);
        if let Some(known) = answers.find(user_id, mode, users) {
            return Ok(known);
        }
        let tally = self.read_counts(user_id, mode, users)?;
        answers.remember(user_id, mode, users, &tally);
        Ok(tally)
    }

    fn read_counts(
        &self,
        user_id: Option<&str>,
        mode: Option<&str>,
        users: u32,
    ) -> rusqlite::Result<Tally> {
        let mut tally = Tally::default();
        let mut find = self.prepare(match mode {
            None => concat!(
                "SELECT status, mode, of_model, ",
                sums!(),
                " FROM counts WHERE of_user = ?"
            ),
            Some(_) => concat!(
                "SELECT status, mode, of_model, ",
                sums!(),
                " FROM counts WHERE of_user = ? AND mode = ?"
            ),
        })?;
        let of_user = named(user_id);
        let mut rows = find.query(params_from_iter(
            [Some(&*of_user), mode].into_iter().flatten(),
        ))?;
        let mut of_one = Sums::default();
        while let Some(row) = rows.next()? {
            // A session with an unknown status is damaged. A list reports it.
            if let Some(status) = Status::parse(&row::any_text(row, 0)) {
                let sums = read_sums(row, 3)?;
                of_one = of_one.plus(sums);
                let (mode, model) = (row::any_text(row, 1), row::any_text(row, 2));
                let shared = Shared {
                    user_id: None,
                    mode: Some(&mode),
                    status: Some(status),
                    model: name(&model),
                };
                tally.add(shared, sums);
            }
        }
        if let Some(user_id) = user_id {
            if of_one.sessions() > 0 && users > 0 {
                tally.add_user(user_id, of_one);
            } else {
                tally.users_omitted = u64::from(of_one.sessions() > 0);
            }
            return Ok(tally);
        }
        // The statement above is still open, so the following ones see the same snapshot.
        let of_mode = named(mode);
        tally.users_omitted = self.number_of_users(&of_mode)?.saturating_sub(users.into());
        let mut find = self.prepare(match mode {
            None => concat!(
                "SELECT most.user_id, status, ",
                sums!(),
                most_users!(),
                "counts.of_user = '=' || most.user_id"
            ),
            Some(_) => concat!(
                "SELECT most.user_id, status, ",
                sums!(),
                most_users!(),
                "counts.of_user = '=' || most.user_id AND mode = substr(?1, 2)"
            ),
        })?;
        let mut rows = find.query((&of_mode, users))?;
        while let Some(row) = rows.next()? {
            if Status::parse(&row::any_text(row, 1)).is_some() {
                tally.add_user(&row::any_text(row, 0), read_sums(row, 2)?);
            }
        }
        Ok(tally)
    }

    fn number_of_users(&self, of_mode: &str) -> rusqlite::Result<u64> {
        let number = self
            .prepare("SELECT users FROM numbers_of_users WHERE of_mode = ?")?
            .query_row([of_mode], |row| row.get(0))
            .optional()?;
        Ok(number.map_or(0, row::restored))
    }
}
