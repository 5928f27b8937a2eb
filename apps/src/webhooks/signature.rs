//! The signatures of Standard Webhooks: HMAC-SHA256 over the id, the time and the text of a message, with
//! the bytes of each secret that is in use.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tenure_core::value::time::Timestamp;
use tenure_core::{Error, Result};

/// The beginning of a secret's text.
const PREFIX: &str = "whsec_";
/// The sizes of secrets, in bytes, as Standard Webhooks has them.
const MIN_BYTES: usize = 24;
const MAX_BYTES: usize = 64;

/// The time of an attempt as the header `webhook-timestamp` has it: whole seconds since 1970.
pub fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// The value of the header `webhook-signature`: a signature for each secret, separated by spaces.
///
/// # Errors
/// `INVALID_ARGUMENT` for a text that is no secret.
pub fn signatures<'s>(
    secrets: impl Iterator<Item = &'s str>,
    id: &str,
    seconds: i64,
    text: &str,
) -> Result<String> {
    let mut header = String::new();
    for secret in secrets {
        let key = bytes_of(secret)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)
            .map_err(|_| Error::internal("HMAC takes a key of any length"))?;
        for part in [id, ".", &seconds.to_string(), ".", text] {
            mac.update(part.as_bytes());
        }
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        STANDARD.encode_string(mac.finalize().into_bytes(), &mut header);
    }
    Ok(header)
}

/// Checks a secret that a caller brings.
///
/// # Errors
/// `INVALID_ARGUMENT`, which does not show the secret.
pub fn checked_secret(secret: &str) -> Result<&str> {
    bytes_of(secret).map(|_| secret)
}

/// A new secret, made of random bits. Nothing else that is stored or shown may be made of the same bits, but by
/// [`new_id`].
///
/// # Errors
/// `INTERNAL`, which does not happen.
pub fn new_secret(bits: [u8; 16]) -> Result<String> {
    let mut text = PREFIX.to_owned();
    STANDARD.encode_string(derived(bits, b"the secret of an endpoint")?, &mut text);
    Ok(text)
}

/// A new id, made of random bits. It says nothing of a secret that is made of the same ones.
///
/// # Errors
/// `INTERNAL`, which does not happen.
pub fn new_id(bits: [u8; 16]) -> Result<String> {
    const DIGITS: usize = 24;
    let mut text = "ep_".to_owned();
    for byte in derived(bits, b"the id of an endpoint")? {
        // A `String` has room for everything.
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate("ep_".len() + DIGITS);
    Ok(text)
}

/// Bytes that are derived from random bits. Those for one purpose say nothing of those for another, or of the bits.
fn derived(bits: [u8; 16], purpose: &[u8]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&bits)
        .map_err(|_| Error::internal("HMAC takes a key of any length"))?;
    mac.update(purpose);
    Ok(mac.finalize().into_bytes().into())
}

fn bytes_of(secret: &str) -> Result<Vec<u8>> {
    let bytes = secret
        .strip_prefix(PREFIX)
        .and_then(|text| STANDARD.decode(text).ok());
    match bytes.filter(|bytes| (MIN_BYTES..=MAX_BYTES).contains(&bytes.len())) {
        Some(bytes) => Ok(bytes),
        None => Err(Error::invalid(
            "secret",
            "expected `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks has it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn a_message_is_signed_as_the_specification_has_it() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = signatures(
            [secret].into_iter(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        for secret in [
            "",
            "whsec_",
            "whsec_AAAA",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert!(checked_secret(secret).is_err(), "{secret}");
        }
        assert!(checked_secret(&new_secret([7; 16]).unwrap()).is_ok());
    }
}
