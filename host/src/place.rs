//! The places of stores that URLs name. This module opens nothing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use tenure_core::Result;
use tenure_core::value::address::{self, unsupported_store};
use tenure_postgres::Address;

use crate::metrics::size::{database_size, folder_size};
use crate::registry::{earlier, registry_path};

/// The place of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A store in the memory of this process.
    Memory,
    /// A SQLite database.
    Sqlite(PathBuf),
    /// The registry that the processes of this user share, a SQLite database.
    Registry(PathBuf),
    /// A folder of files.
    File(PathBuf),
    /// A git repository, by the name of a remote or by an address. It stores no sessions, and its
    /// size cannot be measured.
    Git(String),
    /// A PostgreSQL database, with its credentials.
    Postgres(Box<Address>),
}

impl Place {
    /// The place that a URL names; `None` for an unknown scheme.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE` for a URL that names no place on this machine, and for `registry:` the
    /// errors of [`registry_path`].
    pub fn of(url: &str) -> Result<Option<Self>> {
        Ok(match url.split_once(':') {
            Some(("memory", "")) => Some(Self::Memory),
            // A path with a host, such as `//./file.db`, would be one at the root of the file system, and
            // one with credentials would show them in messages.
            Some(("sqlite", path))
                if path.starts_with("//")
                    && (!path.starts_with("///") || address::shown(url) != url) =>
            {
                let problem = "expected a path without a host and a query, as in sqlite:./file.db";
                return Err(unsupported_store(url, problem));
            }
            // The store validates the path.
            Some(("sqlite", path)) => Some(Self::Sqlite(path.into())),
            Some(("file", rest)) => Some(Self::File(directory(rest)?)),
            // A URL of the `git:` protocol is an address itself.
            Some(("git", rest)) if rest.starts_with("//") => Some(Self::Git(url.to_owned())),
            Some(("git", rest)) => Some(Self::Git(rest.to_owned())),
            Some(("registry", "")) => Some(Self::Registry(registry_path()?)),
            Some(("postgres" | "postgresql", _)) => {
                Some(Self::Postgres(Box::new(Address::parse(url)?)))
            }
            _ => None,
        })
    }
}

impl Place {
    /// The size of the store on disk in bytes, if it is on a disk of this machine. That of a store of files takes as long
    /// as reading all of its folders.
    pub fn size_on_disk(&self) -> Option<u64> {
        match self {
            Self::Memory | Self::Git(_) | Self::Postgres(_) => None,
            Self::File(folder) => folder_size(folder).ok(),
            Self::Sqlite(path) | Self::Registry(path) => database_size(path),
        }
    }

    /// Whether its store keeps the user data of sessions encrypted, given a key. The registry and git keep none.
    pub fn can_be_encrypted(&self) -> bool {
        match self {
            Self::Sqlite(_) | Self::File(_) | Self::Postgres(_) => true,
            Self::Memory | Self::Registry(_) | Self::Git(_) => false,
        }
    }

    /// Whether no store is there yet. What is neither a file nor a folder of this machine is never
    /// missing, and neither is a path that cannot be examined: opening it says why.
    pub(crate) fn is_missing(&self) -> bool {
        let is_missing = |path: &Path| match path.metadata() {
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        match self {
            Self::Memory | Self::Git(_) | Self::Postgres(_) => false,
            // No file has these names.
            Self::Sqlite(path) if ["", ":memory:"].iter().any(|name| path == Path::new(name)) => {
                false
            }
            Self::Sqlite(path) | Self::File(path) => is_missing(path),
            Self::Registry(path) => is_missing(path) && earlier(path).is_none(),
        }
    }

    /// The same place, of which opening creates no store, where the place itself does not show whether there is one.
    #[must_use]
    pub(crate) fn existing(self) -> Self {
        match self {
            Self::Postgres(address) => Self::Postgres(Box::new(address.existing())),
            place => place,
        }
    }

    /// The identity of the store of a place, which must exist. Different paths of one store have
    /// the same identity. `None` if two places with one name are different stores.
    pub fn identity(&self) -> Option<String> {
        let (scheme, path) = match self {
            Self::Memory => return None,
            Self::Git(address) => return Some(format!("git:{address}")),
            Self::Postgres(address) => return Some(address.identity()),
            Self::Sqlite(path) | Self::Registry(path) => ("sqlite", path),
            Self::File(path) => ("file", path),
        };
        Some(format!("{scheme}:{}", file_identity(path)))
    }
}

/// What identifies an existing file: on Unix also under its hard links.
fn file_identity(path: &Path) -> String {
    #[cfg(unix)]
    if let Ok(found) = std::fs::metadata(path) {
        use std::os::unix::fs::MetadataExt;
        return format!("{}:{}", found.dev(), found.ino());
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    path.display().to_string()
}

/// The folder of a `file:` URL. A path is taken literally. After `//`, as in the URLs that
/// JavaScript makes from paths, it is percent-decoded.
fn directory(rest: &str) -> Result<PathBuf> {
    let unsupported = |problem: &str| unsupported_store(&format!("file:{rest}"), problem);
    let path = match rest.strip_prefix("//") {
        None => rest.to_owned(),
        Some(rest) => {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            if !path.starts_with('/') {
                return Err(unsupported(
                    "expected a directory of this machine, such as file:///var/lib/bot/sessions",
                ));
            }
            let path = percent_decode_str(path)
                .decode_utf8()
                .map_err(|_| unsupported("its path is no text"))?;
            match path.as_bytes() {
                // A path with a drive letter, as in `file:///C:/sessions`.
                [b'/', _, b':', ..] if cfg!(windows) => path[1..].to_owned(),
                _ => path.into_owned(),
            }
        }
    };
    if path.is_empty() {
        return Err(unsupported("name a directory, such as file:./sessions"));
    }
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_literal_and_a_url_is_decoded() {
        let path = |rest| {
            directory(rest)
                .ok()
                .map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(path("./sessions").as_deref(), Some("./sessions"));
        assert_eq!(path("a%20b").as_deref(), Some("a%20b"));
        assert_eq!(path("///a%20b/c").as_deref(), Some("/a b/c"));
        assert_eq!(path("//localhost/c").as_deref(), Some("/c"));
        for refused in ["", "//elsewhere/c", "///%ff"] {
            assert_eq!(path(refused), None, "{refused}");
        }
    }

    #[test]
    fn credentials_in_the_url_of_a_file_are_refused_and_not_shown() {
        for url in [
            "sqlite://user:secret@host/a.db",
            "sqlite://host/a.db?token=secret",
            "file://user:secret@host/a",
        ] {
            let error = Place::of(url).unwrap_err();
            assert_eq!(error.code(), "UNSUPPORTED_STORE");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
        assert!(Place::of("sqlite:///srv/a@b.db").is_ok());
    }

    #[test]
    fn a_database_is_identified_by_its_host_its_name_and_its_schema() {
        let identity = |url| Place::of(url).unwrap().unwrap().identity();
        let own = identity("postgres://user:secret@host/db");
        assert_eq!(
            own,
            identity("postgresql://other@host:5432/db?pool_max=3&schema=tenure")
        );
        for other in [
            "postgres://host/other",
            "postgres://host/db?schema=other",
            "postgres://h/db",
        ] {
            assert_ne!(own, identity(other), "{other}");
        }
        for refused in ["postgres:", "postgres://user:secret@host/db?nothing=1"] {
            let error = Place::of(refused).unwrap_err();
            assert_eq!(error.code(), "UNSUPPORTED_STORE");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_path_after_two_slashes_is_absolute() {
        let place = Place::of("sqlite:///srv/bot.db");
        assert_eq!(place, Ok(Some(Place::Sqlite("///srv/bot.db".into()))));
        for url in ["sqlite://./bot.db", "sqlite://bot.db", "sqlite://"] {
            assert_eq!(Place::of(url).unwrap_err().code(), "UNSUPPORTED_STORE");
        }
    }

    #[test]
    fn a_scheme_names_the_kind_of_place() {
        assert_eq!(Place::of("memory:"), Ok(Some(Place::Memory)));
        assert_eq!(
            Place::of("sqlite:./a.db"),
            Ok(Some(Place::Sqlite("./a.db".into())))
        );
        assert_eq!(Place::of("file:./a"), Ok(Some(Place::File("./a".into()))));
        for (url, place) in [
            ("git:origin", "origin"),
            ("git:git@host:a/b", "git@host:a/b"),
            ("git:https://host/a", "https://host/a"),
            ("git://host/a", "git://host/a"),
        ] {
            assert_eq!(Place::of(url), Ok(Some(Place::Git(place.to_owned()))));
        }
        for unknown in ["", "./a.db", "memory:x", "mysql://h/db", "host:"] {
            assert_eq!(Place::of(unknown), Ok(None), "{unknown}");
        }
    }
}
