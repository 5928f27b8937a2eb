//! The random bits of calls. The operating system is asked for those of many calls at a time, as Node
//! does for its UUIDs: one request costs as much as a small operation.

use std::cell::RefCell;

use getrandom::Error;

/// The bytes of one request.
const REQUESTED: usize = 1024;

thread_local! {
    /// Bytes that were not used.
    static RESERVE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Fills `bits`, at most [`REQUESTED`] bytes, with random ones that are used once.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn fill(bits: &mut [u8]) -> Result<(), Error> {
    RESERVE.with_borrow_mut(|reserve| {
        if reserve.len() < bits.len() {
            let mut requested = vec![0; REQUESTED];
            getrandom::fill(&mut requested)?;
            *reserve = requested;
        }
        for bit in bits {
            *bit = reserve.pop().ok_or(Error::UNEXPECTED)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_bits_are_used_twice() {
        let mut used = BTreeSet::new();
        for _ in 0..10_000 {
            let mut bits = [0; 16];
            fill(&mut bits).unwrap();
            assert!(used.insert(bits));
        }
    }
}
