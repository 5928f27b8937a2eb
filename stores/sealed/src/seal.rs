//! The keys, and the encryption of one value at its place.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use tenure_core::{Error, Result};

/// What begins an encrypted text, and the property of an encrypted JSON value. The number is that of the format.
pub(crate) const MARK: &str = "tenure1";

/// The size of a key, in bytes.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// The greatest length of the id of a key.
const MAX_KEY_ID: usize = 64;
/// Separates the parts of associated data. No session id and no name of a property contains it.
const SEPARATOR: u8 = 0;

/// Fills a buffer with random bytes.
pub type Fill = Box<dyn Fn(&mut [u8]) -> Result<()> + Send + Sync>;

/// A key with its id.
pub struct SealKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealKey").field(&self.id).finish()
    }
}

impl SealKey {
    /// A key. Values name it by its id, which anybody may read.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an id that is not 1 to 64 letters, digits, `.`, `_` or `-`.
    pub fn new(id: &str, key: &[u8; KEY_BYTES]) -> Result<Self> {
        if !is_key_id(id) {
            let problem = "expected the id of a key: 1 to 64 letters, digits, '.', '_' or '-'";
            return Err(Error::invalid("encryption.keys", problem));
        }
        Ok(Self {
            id: id.to_owned(),
            cipher: XChaCha20Poly1305::new(&Key::from(*key)),
        })
    }
}

/// Whether a text may be the id of a key.
pub(crate) fn is_key_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_KEY_ID).contains(&id.len()) && id.bytes().all(is_allowed)
}

/// Where a value stands. It decrypts nowhere else.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// A property of a session's head.
    Head {
        /// The session.
        id: &'a str,
        /// The path of the property, as in [`Head::USER_DATA`](tenure_core::Head::USER_DATA).
        property: &'a str,
    },
    /// The data of an event.
    Event {
        /// The session.
        id: &'a str,
        /// The event's sequence number.
        sequence: u64,
    },
    /// The body of a record.
    Record {
        /// Its kind.
        kind: &'a str,
        /// Its key.
        key: &'a str,
    },
    /// A frame of an object of the archive.
    Frame {
        /// The session.
        id: &'a str,
        /// The version of the session.
        version: u64,
        /// The number of the frame, from 0.
        number: u64,
        /// Whether it is the last one, so that a shortened object is refused.
        is_last: bool,
    },
}

impl Place<'_> {
    /// What is authenticated with the value. The last part may contain anything.
    fn associated_data(self) -> Vec<u8> {
        let numbers;
        let parts: [&[u8]; 3] = match self {
            Self::Head { id, property } => [b"head", id.as_bytes(), property.as_bytes()],
            Self::Event { id, sequence } => {
                numbers = sequence.to_string();
                [b"event", id.as_bytes(), numbers.as_bytes()]
            }
            Self::Record { kind, key } => [b"record", kind.as_bytes(), key.as_bytes()],
            Self::Frame {
                id,
                version,
                number,
                is_last,
            } => {
                numbers = format!("{version}/{number}/{is_last}");
                [b"frame", id.as_bytes(), numbers.as_bytes()]
            }
        };
        let mut data = Vec::from(MARK.as_bytes());
        for part in parts {
            data.push(SEPARATOR);
            data.extend_from_slice(part);
        }
        data
    }
}

/// Encrypts and decrypts values.
pub struct Seal {
    /// The first one encrypts; all decrypt.
    keys: Vec<SealKey>,
    /// Whether values that are not encrypted are refused.
    only: bool,
    fill: Fill,
    /// Whether the store has the record of the first key.
    is_marked: AtomicBool,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal")
            .field("keys", &self.keys)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

impl Seal {
    /// Encrypts with the first key, and decrypts with all. `only` refuses values that are not encrypted; without it they are
    /// read as they are, so that the option can be given to a store that has sessions already.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` without a key, and for two keys with one id.
    pub fn new(keys: Vec<SealKey>, only: bool, fill: Fill) -> Result<Self> {
        let mut ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        ids.sort_unstable();
        if ids.is_empty() || ids.windows(2).any(|pair| pair.first() == pair.last()) {
            let problem = "expected at least one key, each with an id of its own";
            return Err(Error::invalid("encryption.keys", problem));
        }
        Ok(Self {
            keys,
            only,
            fill,
            is_marked: AtomicBool::new(false),
        })
    }

    /// The id of the key that encrypts.
    pub fn current(&self) -> &str {
        // There is at least one key.
        self.keys.first().map_or("", |key| &key.id)
    }

    /// The ids of all keys.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// Whether values that are not encrypted are refused.
    pub(crate) fn is_strict(&self) -> bool {
        self.only
    }

    /// Whether the store was found to have the record of the key that encrypts.
    pub fn is_marked(&self) -> bool {
        self.is_marked.load(Ordering::Relaxed)
    }

    /// Notes that the store has that record for certain: it was read from it, or written and committed.
    pub(crate) fn note_marked(&self) {
        self.is_marked.store(true, Ordering::Relaxed);
    }

    /// Notes that the store lacks that record.
    pub(crate) fn note_unmarked(&self) {
        self.is_marked.store(false, Ordering::Relaxed);
    }

    /// Encrypts bytes: a nonce, the ciphertext and the tag.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub fn encrypt_bytes(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>> {
        let key = self.keys.first().ok_or_else(no_key)?;
        let mut nonce = [0; NONCE_BYTES];
        (self.fill)(&mut nonce)?;
        let data = place.associated_data();
        let payload = Payload {
            msg: plain,
            aad: &data,
        };
        let encrypted = key.cipher.encrypt(&XNonce::from(nonce), payload);
        // It fails beyond 256 GiB only.
        let encrypted = encrypted.map_err(|_| Error::internal("a value is too long to encrypt"))?;
        let mut sealed = Vec::with_capacity(NONCE_BYTES + encrypted.len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&encrypted);
        Ok(sealed)
    }

    /// Decrypts what [`encrypt_bytes`](Self::encrypt_bytes) has returned, with the key of an id.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence about the value.
    pub fn decrypt_bytes(
        &self,
        key: &str,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, String> {
        let Some(known) = self.keys.iter().find(|known| known.id == key) else {
            return Err(format!(
                "is encrypted with the key {key:?}, which was not given"
            ));
        };
        let refused = || {
            format!(
                "does not decrypt with the key {key:?}: it was changed, or moved from another place, or this is another key"
            )
        };
        let (nonce, encrypted) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(refused)?;
        let data = place.associated_data();
        let payload = Payload {
            msg: encrypted,
            aad: &data,
        };
        let plain = known.cipher.decrypt(&XNonce::from(*nonce), payload);
        plain.map_err(|_| refused())
    }

    /// Encrypts a text as text: the id of the key, a colon and base64.
    ///
    /// # Errors
    /// Those of [`encrypt_bytes`](Self::encrypt_bytes).
    pub(crate) fn encrypt(&self, place: Place<'_>, plain: &str) -> Result<String> {
        let sealed = self.encrypt_bytes(place, plain.as_bytes())?;
        let mut text =
            String::with_capacity(self.current().len() + 1 + sealed.len().div_ceil(3) * 4);
        text.push_str(self.current());
        text.push(':');
        URL_SAFE_NO_PAD.encode_string(sealed, &mut text);
        Ok(text)
    }

    /// Decrypts what [`encrypt`](Self::encrypt) has returned.
    pub(crate) fn decrypt(&self, place: Place<'_>, sealed: &str) -> Result<String, String> {
        let damaged = || "is encrypted, and damaged".to_owned();
        let (key, encoded) = sealed.split_once(':').ok_or_else(damaged)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| damaged())?;
        let plain = self.decrypt_bytes(key, place, &bytes)?;
        String::from_utf8(plain).map_err(|_| damaged())
    }
}

fn no_key() -> Error {
    Error::internal("there is no key to encrypt with")
}
