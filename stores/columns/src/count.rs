//! Counts of 64 bits in databases whose integers have a sign.

/// A count as a database with signed integers stores it. Counts from 2^63 on become negative, and are converted back.
#[must_use]
pub const fn stored(count: u64) -> i64 {
    count.cast_signed()
}

/// A count that was read from a database.
#[must_use]
pub const fn restored(count: i64) -> u64 {
    count.cast_unsigned()
}
