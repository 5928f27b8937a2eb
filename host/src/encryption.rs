//! The keys of encrypted stores, from a file, the environment or a command, and the rotation of a PostgreSQL store.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock, Weak};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use tenure_bridge::{EncryptionOptions, KeyOptions, Options};
use tenure_core::error::Cause;
use tenure_core::{Error, Result, Store, Text};
use tenure_postgres::{PostgresStore, Required, Requirement};
use tenure_sealed::{
    CommitUnseen, IN_USE, KEY_BYTES, KEY_RECORDS, Seal, SealKey, SealedAsync, rotate_async,
};
use tokio::runtime::Handle;

use crate::executor::{Rotator, blocking};

/// The longest text that has a key, in bytes. What prints more, such as a device without an end, has none.
const LONGEST_TEXT: u64 = 4096;

/// Reads the keys of options that have some.
///
/// # Errors
/// `INVALID_ARGUMENT` for a key that is named in no way or in several, and `STORE_UNAVAILABLE` for one that cannot be read.
pub(crate) fn seal_of(options: &Options) -> Result<Option<Arc<Seal>>> {
    options.encryption.as_ref().map(read_keys).transpose()
}

/// Rotates a PostgreSQL store. It is called when the store is open.
pub(crate) fn rotator(
    opened: Arc<OnceLock<(Weak<PostgresStore>, Handle)>>,
    seal: Arc<Seal>,
) -> Rotator {
    Box::new(move |rotation| {
        let closed = || Error::from(Cause::Closed);
        let (store, runtime) = opened.get().ok_or_else(closed)?;
        let store = store.upgrade().ok_or_else(closed)?;
        let seal = Arc::clone(&seal);
        blocking(|done| {
            runtime.spawn(async move {
                let below = Arc::clone(&store) as Arc<dyn Store>;
                let commit: CommitUnseen = Box::new(move |changes| {
                    let store = Arc::clone(&store);
                    Box::pin(async move { store.commit_unseen(&changes).await })
                });
                let rotated = async {
                    let sealed = SealedAsync::over(below, seal).await?;
                    rotate_async(&sealed, &commit, rotation).await
                };
                done(rotated.await);
            });
        })
    })
}

/// What the commits of a PostgreSQL store require: that nobody has encrypted it, or replaced the key, since it was opened.
pub(crate) fn required(seal: Option<Arc<Seal>>) -> Requirement {
    let kind = KEY_RECORDS;
    match seal {
        None => Box::new(move || Some(Required::NoRecord { kind })),
        Some(seal) => Box::new(move || {
            seal.is_marked().then(|| Required::Record {
                kind,
                key: seal.current().to_owned(),
                version: IN_USE,
            })
        }),
    }
}

/// Reads keys.
///
/// # Errors
/// `INVALID_ARGUMENT` for a key that is named in no way or in several, and `STORE_UNAVAILABLE` for one that cannot be read. No
/// message shows a key, or what a command has printed.
fn read_keys(options: &EncryptionOptions) -> Result<Arc<Seal>> {
    let keys = options
        .keys
        .iter()
        .map(|key| SealKey::new(key.id.as_str(), &*read(key)?));
    let keys = keys.collect::<Result<Vec<SealKey>>>()?;
    let fill = |bits: &mut [u8]| {
        getrandom::fill(bits)
            .map_err(|error| Error::internal(format!("there are no random bits: {error}")))
    };
    Ok(Arc::new(Seal::new(keys, options.only, Box::new(fill))?))
}

/// The key that an option names.
fn read(key: &KeyOptions) -> Result<Box<[u8; KEY_BYTES]>> {
    let unavailable = |problem: String| {
        Error::from(Cause::StoreUnavailable {
            problem: format!("the encryption key {:?} {problem}", key.id.as_str()),
        })
    };
    let text = match (&key.file, &key.env, &key.command) {
        (Some(file), None, None) => {
            let file = file.as_str();
            File::open(file)
                .and_then(|mut source| text_of(&mut source))
                .map_err(|error| unavailable(format!("cannot be read from {file}: {error}")))?
        }
        (None, Some(name), None) => {
            let name = name.as_str();
            env::var(name)
                .map_err(|_| unavailable(format!("is not in the environment variable {name}")))?
        }
        (None, None, Some(command)) => printed(command).map_err(unavailable)?,
        _ => {
            let problem = format!(
                "expected one of `file`, `env` and `command` for the key {:?}",
                key.id.as_str()
            );
            return Err(Error::invalid("encryption.keys", problem));
        }
    };
    let bytes = decoded(text.trim()).ok_or_else(|| {
        unavailable(
            "is no key: expected 32 random bytes as 64 hexadecimal digits or as base64".to_owned(),
        )
    })?;
    Ok(Box::new(bytes))
}

/// What a command prints. It gets no input, and what it says of errors goes where this process's errors go.
fn printed(command: &[Text]) -> Result<String, String> {
    let (program, arguments) = command.split_first().ok_or("has an empty command")?;
    let program = program.as_str();
    let failed = |error: io::Error| format!("cannot be had from {program}: {error}");
    let mut child = Command::new(program)
        .args(arguments.iter().map(Text::as_str))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(failed)?;
    let text = match child.stdout.take() {
        Some(mut stdout) => text_of(&mut stdout),
        None => Ok(String::new()),
    };
    if text.is_err() {
        // It may go on for ever.
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    let text = text.map_err(failed)?;
    match status.success() {
        true => Ok(text),
        false => Err(format!("cannot be had from {program}: {status}")),
    }
}

/// The text that has a key, without the mark that some editors begin a file with.
fn text_of(source: &mut dyn Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(LONGEST_TEXT + 1).read_to_string(&mut text)?;
    match text.len() as u64 > LONGEST_TEXT {
        true => Err(io::Error::other("it has more text than a key")),
        false => Ok(text.trim_start_matches('\u{feff}').to_owned()),
    }
}

/// A key as hexadecimal digits or base64.
fn decoded(text: &str) -> Option<[u8; KEY_BYTES]> {
    if text.len() == 2 * KEY_BYTES {
        let mut key = [0; KEY_BYTES];
        for (place, byte) in key.iter_mut().enumerate() {
            let digits = text
                .get(2 * place..2 * place + 2)
                .filter(|digits| !digits.starts_with('+'))?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        return Some(key);
    }
    let text = text.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text));
    bytes.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_digits_and_as_base64() {
        let digits = "00".repeat(31) + "fF";
        let base64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8";
        let mut key = [0; KEY_BYTES];
        key[31] = 255;
        for text in [&*digits, base64, &format!("{base64}=")] {
            assert_eq!(decoded(text), Some(key), "{text}");
        }
        for text in [
            "",
            "secret",
            &"g".repeat(64),
            &"+f".repeat(32),
            &base64[1..],
        ] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn no_error_shows_a_key() {
        let command = |command: &[&str]| KeyOptions {
            id: "k".into(),
            command: Some(command.iter().map(|part| Text::from(*part)).collect()),
            ..KeyOptions::default()
        };
        for key in [
            command(&["echo", "secret"]),
            command(&["no-such-program", "secret"]),
            command(&[]),
            KeyOptions {
                id: "k".into(),
                env: Some("TENURE_NO_SUCH_KEY".into()),
                ..KeyOptions::default()
            },
            KeyOptions {
                id: "k".into(),
                ..KeyOptions::default()
            },
        ] {
            let options = EncryptionOptions {
                keys: vec![key],
                only: false,
            };
            let error = read_keys(&options).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
