//! What the bytes of heads begin with.

/// The form of the bytes.
pub(super) const FORM: &[u8] = b"tenureH2";
