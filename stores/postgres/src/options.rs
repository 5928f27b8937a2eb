//! The settings of a store: of its URL, and of the call that opens it, which take precedence.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tenure_core::{Error, Result};

/// The options of a store. One that is absent is that of the URL, or the default.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The timeout of a call, in milliseconds: to connect, to wait for a connection, for other writers and for
    /// the server, and to connect again. 10,000 by default.
    pub timeout_ms: Option<u64>,
    /// The greatest number of connections; 10 by default.
    pub pool_max: Option<u64>,
    /// How long a call waits for a connection, an existing or a new one, in milliseconds; 5,000 by default.
    pub connection_timeout_ms: Option<u64>,
    /// After how long a connection that is not used is closed, in milliseconds; 600,000 by default.
    pub idle_timeout_ms: Option<u64>,
    /// How long one statement may take, in milliseconds; as long as the call by default.
    pub statement_timeout_ms: Option<u64>,
    /// How many changes the feed keeps from now on; 10,000 at first. It is a setting of the database.
    pub keep_changes: Option<u64>,
    /// The clock of this machine, in microseconds since 1970.
    pub clock: fn() -> i64,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            timeout_ms: None,
            pool_max: None,
            connection_timeout_ms: None,
            idle_timeout_ms: None,
            statement_timeout_ms: None,
            keep_changes: None,
            clock: system_clock,
        }
    }
}

/// The clock of this machine.
fn system_clock() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
    }
}

/// A setting that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Timeout,
    PoolMax,
    ConnectionTimeout,
    IdleTimeout,
    StatementTimeout,
}

/// The longest timeout, in milliseconds: ten minutes. Tokens of commits are kept for longer.
const LONGEST: u64 = 600_000;
/// The longest time that a connection may be idle, in milliseconds: a day.
const LONGEST_IDLE: u64 = 86_400_000;

impl Choice {
    /// The setting of a parameter's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "timeout_ms" => Self::Timeout,
            "pool_max" => Self::PoolMax,
            "connection_timeout_ms" => Self::ConnectionTimeout,
            "idle_timeout_ms" => Self::IdleTimeout,
            "statement_timeout_ms" => Self::StatementTimeout,
            _ => return None,
        })
    }

    /// The name of the option of the call that opens a store.
    fn option(self) -> &'static str {
        match self {
            Self::Timeout => "timeoutMs",
            Self::PoolMax => "pool.max",
            Self::ConnectionTimeout => "pool.connectionTimeoutMs",
            Self::IdleTimeout => "pool.idleTimeoutMs",
            Self::StatementTimeout => "pool.statementTimeoutMs",
        }
    }

    fn range(self) -> RangeInclusive<u64> {
        match self {
            Self::PoolMax => 1..=1000,
            Self::IdleTimeout => 1..=LONGEST_IDLE,
            _ => 1..=LONGEST,
        }
    }

    pub(crate) fn allows(self, number: u64) -> bool {
        self.range().contains(&number)
    }

    /// What is expected of the setting.
    pub(crate) fn expected(self) -> String {
        let unit = match self {
            Self::PoolMax => "connections",
            _ => "milliseconds",
        };
        format!("{} to {} {unit}", self.range().start(), self.range().end())
    }
}

/// The settings of a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    pub(crate) prepared: Option<bool>,
    timeout: Option<u64>,
    pool_max: Option<u64>,
    connection_timeout: Option<u64>,
    idle_timeout: Option<u64>,
    statement_timeout: Option<u64>,
}

impl Choices {
    pub(crate) fn set(&mut self, choice: Choice, number: u64) {
        let place = match choice {
            Choice::Timeout => &mut self.timeout,
            Choice::PoolMax => &mut self.pool_max,
            Choice::ConnectionTimeout => &mut self.connection_timeout,
            Choice::IdleTimeout => &mut self.idle_timeout,
            Choice::StatementTimeout => &mut self.statement_timeout,
        };
        *place = Some(number);
    }
}

/// The settings that are in effect.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) pool_max: usize,
    pub(crate) connection_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) prepared: bool,
    pub(crate) clock: fn() -> i64,
}

impl Settings {
    /// # Errors
    /// `INVALID_ARGUMENT` for an option that is out of range.
    pub(crate) fn of(options: &PostgresOptions, url: &Choices) -> Result<Self> {
        for (choice, given) in [
            (Choice::Timeout, options.timeout_ms),
            (Choice::PoolMax, options.pool_max),
            (Choice::ConnectionTimeout, options.connection_timeout_ms),
            (Choice::IdleTimeout, options.idle_timeout_ms),
            (Choice::StatementTimeout, options.statement_timeout_ms),
        ] {
            if given.is_some_and(|number| !choice.allows(number)) {
                let problem = format!("expected {}", choice.expected());
                return Err(Error::invalid(choice.option(), problem));
            }
        }
        let choose = |option: Option<u64>, url: Option<u64>| option.or(url);
        let millis = Duration::from_millis;
        let timeout = choose(options.timeout_ms, url.timeout).map_or(millis(10_000), millis);
        let connection = choose(options.connection_timeout_ms, url.connection_timeout);
        let statement = choose(options.statement_timeout_ms, url.statement_timeout);
        let idle = choose(options.idle_timeout_ms, url.idle_timeout);
        let most = choose(options.pool_max, url.pool_max).unwrap_or(10);
        Ok(Self {
            timeout,
            pool_max: usize::try_from(most).unwrap_or(usize::MAX).max(1),
            connection_timeout: connection.map_or(millis(5000), millis).min(timeout),
            idle_timeout: idle.map_or(millis(600_000), millis),
            statement_timeout: statement.map_or(timeout, millis).min(timeout),
            prepared: url.prepared.unwrap_or(true),
            clock: options.clock,
        })
    }
}
