//! How the addresses of stores and servers are shown. A URL may hold a password or a token: before the
//! host, in the query or in the fragment. Messages and logs show the rest.

use crate::error::{Cause, Error, cut};

/// The error for a URL of a store that cannot be opened.
pub fn unsupported_store(url: &str, problem: &str) -> Error {
    Cause::UnsupportedStore {
        url: cut(shown(url)),
        problem: problem.to_owned(),
    }
    .into()
}

/// A URL, or an address such as `git:https://host/path`, without credentials, query and fragment. A
/// path remains as it is.
pub fn shown(address: &str) -> String {
    let Some(start) = authority(address) else {
        // PostgreSQL's programs also take words such as `host=db password=secret`.
        let end = address.find("password=").unwrap_or(address.len());
        return address.get(..end).unwrap_or_default().to_owned();
    };
    let (before, rest) = address.split_at(start);
    let host = rest.get(credentials(rest)..).unwrap_or_default();
    let end = host.find(['?', '#']).unwrap_or(host.len());
    format!("{before}{}", host.get(..end).unwrap_or_default())
}

/// A text in which every URL with `://` is shown without what may be secret.
pub fn shown_in(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || "'\"`<>".contains(c);
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(ends) {
        let word = part.strip_suffix(ends).unwrap_or(part);
        match word.contains("://") {
            true => out.push_str(&shown(word)),
            false => out.push_str(word),
        }
        out.push_str(part.get(word.len()..).unwrap_or_default());
    }
    out
}

/// Where the host and the credentials before it begin; `None` in a path.
fn authority(address: &str) -> Option<usize> {
    const AFTER_SCHEME: &str = "://";
    if let Some(at) = address.find(AFTER_SCHEME) {
        return Some(at + AFTER_SCHEME.len());
    }
    // Without slashes only `scheme:user:password@` is no path.
    let start = address.find(':')? + 1;
    let rest = address.get(start..)?;
    let user = rest.get(..rest.find(['/', '\\', '@'])?)?;
    (rest.as_bytes().get(user.len()) == Some(&b'@') && user.contains(':')).then_some(start)
}

/// The length of the credentials at the start of a text, with their `@`.
fn credentials(rest: &str) -> usize {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..end).unwrap_or_default();
    if let Some(at) = host.rfind('@') {
        return at + 1;
    }
    // A password that is not percent-encoded may have these characters itself. What is no port ends it.
    let is_password = host.rsplit_once(':').is_some_and(|(_, port)| {
        !host.ends_with(']') && !port.bytes().all(|byte| byte.is_ascii_digit())
    });
    match is_password {
        true => rest.rfind('@').map_or(0, |at| at + 1),
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_the_host_and_the_path_are_shown() {
        for (address, expected) in [
            ("https://user:secret@host/a@b", "https://host/a@b"),
            ("https://secret@host", "https://host"),
            ("https://host/a?key=secret#secret", "https://host/a"),
            ("https://host?key=secret@x", "https://host"),
            ("git:https://user:secret@host/a", "git:https://host/a"),
            (
                "postgres://user:sec/ret@host:5432/db",
                "postgres://host:5432/db",
            ),
            ("postgres://user:sec#ret@host/db", "postgres://host/db"),
            ("postgres:user:secret@host/db", "postgres:host/db"),
            ("https://host:443/a@b", "https://host:443/a@b"),
            ("https://[::1]:443/a@b", "https://[::1]:443/a@b"),
            ("https://[::1]/a@b", "https://[::1]/a@b"),
            ("git@host:a", "git@host:a"),
            ("git:git@host:a", "git:git@host:a"),
            ("sqlite:./a b@c.db", "sqlite:./a b@c.db"),
            (r"sqlite:C:\a@b.db", r"sqlite:C:\a@b.db"),
            ("/a/b?c#d", "/a/b?c#d"),
            ("host=db password=secret", "host=db "),
            ("", ""),
        ] {
            assert_eq!(shown(address), expected, "{address}");
        }
    }

    #[test]
    fn urls_in_a_text_are_shown_without_secrets() {
        assert_eq!(
            shown_in("fatal: unable to access 'https://u:secret@h/a/?t=secret': x\n at ssh://s@h"),
            "fatal: unable to access 'https://h/a/': x\n at ssh://h"
        );
        assert_eq!(shown_in("no URL: a@b"), "no URL: a@b");
    }
}
