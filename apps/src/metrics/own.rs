//! What one handle has to say: what it has counted, and what its process uses.

use serde::{Deserialize, Serialize};
use tenure_core::Json;
use tenure_core::error::{Error, Result};

use super::counts::Counts;
use super::histogram::{CALLS, Histogram, MAX_COUNT};

/// The greatest size of what a handle says, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// The greatest length of the name of a process.
const MAX_NAME: usize = 128;

/// What a handle has counted, and what its process uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Own {
    /// What it has counted since it was opened, but for what the total has already.
    pub counts: Counts,
    /// What its process uses.
    pub process: ProcessUse,
    /// The size of the store on disk in bytes; `null` where the handle does not know it.
    pub store_bytes: Option<u64>,
}

/// What a process uses. Several handles of a process say the same, but for the pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "MetricsProcess"))]
#[serde(default, rename_all = "camelCase")]
pub struct ProcessUse {
    /// Its name: the name of its machine and its PID, such as `bot-1:4711`.
    pub name: String,
    /// The CPU time that it has used, in microseconds; `null` where the system does not say it.
    pub cpu_us: Option<u64>,
    /// The memory that it has resident, in bytes; `null` where the system does not say it.
    pub resident_bytes: Option<u64>,
    /// The connections of the handle to a database; `null` for a store without connections.
    pub pool: Option<PoolUse>,
}

/// The connections of a handle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "MetricsPool"))]
#[serde(default, rename_all = "camelCase")]
pub struct PoolUse {
    /// The greatest number of connections.
    pub max: u64,
    /// The connections in use.
    pub active: u64,
    /// The connections that are open and not in use.
    pub idle: u64,
    /// The calls that wait for a connection.
    pub waiting: u64,
    /// How many times a connection could not be opened, or was not free in time.
    pub failures: u64,
    /// How long calls have waited for a connection that they got.
    pub waits: Histogram,
}

impl Own {
    /// Reads what a handle says. Only families and words that are known are read.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn read(name: &str, text: &Json) -> Result<Self> {
        let text = text.as_str();
        if text.len() > MAX_BYTES {
            let problem = format!("expected at most {MAX_BYTES} bytes");
            return Err(Error::invalid(name, problem));
        }
        let own: Self = serde_json::from_str(text)
            .map_err(|error| Error::invalid(name, format!("expected counts: {error}")))?;
        if own.greatest() > MAX_COUNT {
            let problem = format!("expected numbers of at most {MAX_COUNT}");
            return Err(Error::invalid(name, problem));
        }
        let Self {
            counts,
            process,
            store_bytes,
        } = own;
        Ok(Self {
            counts: counts.known(),
            process: process.bounded(),
            store_bytes,
        })
    }

    /// The greatest of the numbers.
    fn greatest(&self) -> u64 {
        let process = &self.process;
        let of_process = [process.cpu_us, process.resident_bytes, self.store_bytes];
        let of_pool = process.pool.iter().flat_map(|pool| {
            let PoolUse {
                max,
                active,
                idle,
                waiting,
                failures,
                waits,
            } = pool;
            [*max, *active, *idle, *waiting, *failures, waits.greatest()]
        });
        let all = of_process.into_iter().flatten().chain(of_pool);
        all.chain([self.counts.greatest()]).max().unwrap_or(0)
    }

    /// The same, bounded in size, as it was read from a store.
    pub(super) fn bounded(self) -> Self {
        Self {
            counts: self.counts.bounded(),
            process: self.process.bounded(),
            store_bytes: self.store_bytes.map(|bytes| bytes.min(MAX_COUNT)),
        }
    }
}

impl ProcessUse {
    /// The same with bounded numbers, and a name that no text format needs to escape.
    pub(super) fn bounded(mut self) -> Self {
        self.name = plain(&self.name);
        let numbers = self.cpu_us.iter_mut().chain(&mut self.resident_bytes);
        numbers.for_each(|number| *number = (*number).min(MAX_COUNT));
        if let Some(pool) = &mut self.pool {
            pool.waits.counts.truncate(CALLS.len() + 1);
            pool.waits.bound();
            for number in [
                &mut pool.max,
                &mut pool.active,
                &mut pool.idle,
                &mut pool.waiting,
                &mut pool.failures,
            ] {
                *number = (*number).min(MAX_COUNT);
            }
        }
        self
    }

    /// What is kept when a handle is closed: what its connections have counted.
    pub(super) fn closed(self) -> Option<Self> {
        let pool = self.pool.filter(|_| !self.name.is_empty())?;
        Some(Self {
            name: self.name,
            pool: Some(PoolUse {
                failures: pool.failures,
                waits: pool.waits,
                ..PoolUse::default()
            }),
            ..Self::default()
        })
    }

    /// Adds the connections of another handle of the same process.
    pub(super) fn add_pool(&mut self, other: Option<PoolUse>) {
        match (&mut self.pool, other) {
            (Some(pool), Some(other)) => pool.merge(&other),
            (pool, other) => *pool = pool.take().or(other),
        }
    }
}

impl PoolUse {
    /// Adds the connections of another handle of the same process.
    fn merge(&mut self, other: &Self) {
        self.max = self.max.saturating_add(other.max);
        self.active = self.active.saturating_add(other.active);
        self.idle = self.idle.saturating_add(other.idle);
        self.waiting = self.waiting.saturating_add(other.waiting);
        self.failures = self.failures.saturating_add(other.failures);
        self.waits.merge(&other.waits);
    }
}

/// A name with other characters than letters, digits and `._:-` replaced.
fn plain(name: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "._:-".contains(*c);
    let chars = name.chars().take(MAX_NAME);
    chars.map(|c| if is_plain(&c) { c } else { '_' }).collect()
}
