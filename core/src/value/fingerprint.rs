//! A fingerprint of an operation and its parameters. It tells a repeated call from another call, and
//! names things whose content decides their name. It is no cryptographic digest.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// Tells calls with the same parameters from calls with others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of an operation with these parameters.
    pub fn of(operation: &str, params: impl AsRef<[u8]>) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(operation.as_bytes());
        hasher.write_u8(0);
        hasher.write(params.as_ref());
        Self(hasher.finish128().as_u128())
    }

    /// The fingerprint as bits.
    pub fn bits(self) -> u128 {
        self.0
    }

    /// The fingerprint as text.
    pub fn text(self) -> String {
        format!("{:032x}", self.0)
    }
}
