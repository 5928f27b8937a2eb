//! The store of a command: the one that it names, or else that of its project. A store that does not
//! exist is created by the first operation that writes something. An operation that only reads refuses a
//! named store that does not exist: its URL may be misspelt. The store of a project is empty until then.

use std::env;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tenure_bridge::Options;
use tenure_core::error::Cause;
use tenure_core::work::operation::Access;
use tenure_host::{Local, Place};
use tenure_permissions::FileMode;

use crate::arguments;
use crate::exit::Failure;
use crate::project::ProjectStore;

/// Opens a store in memory, for a test.
pub(crate) fn temporary() -> Result<Local, Failure> {
    Ok(Local::open("memory:", &Options::default())?)
}

/// The store of a command, which may not exist yet.
#[derive(Debug)]
pub(crate) struct CommandStore {
    url: String,
    /// The store of a project that does not exist yet.
    missing: Option<ProjectStore>,
}

impl CommandStore {
    /// The named store, or else that of the project of the working directory.
    pub(crate) fn of(named: Option<&str>) -> Result<Self, Failure> {
        match named {
            Some(url) => Ok(Self::named(url)),
            None => Self::of_projects(&[here()?]),
        }
    }

    /// The named store.
    pub(crate) fn named(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            missing: None,
        }
    }

    /// The store of the first of the projects of these folders that has one, or else the first of them.
    pub(crate) fn of_projects(folders: &[PathBuf]) -> Result<Self, Failure> {
        let mut missing = None;
        for folder in folders {
            let store = ProjectStore::of(folder)?;
            if store.exists {
                return Self::of_project(store);
            }
            missing.get_or_insert(store);
        }
        let missing = missing.map_or_else(|| Ok(ProjectStore::of(&here()?)?), Ok::<_, Failure>);
        Self::of_project(missing?)
    }

    fn of_project(store: ProjectStore) -> Result<Self, Failure> {
        let path = store.database.to_str().ok_or_else(|| {
            let path = store.database.display();
            Cause::StoreUnavailable {
                problem: format!("{path}: the path is not valid UTF-8; name a store with --store"),
            }
        })?;
        Ok(Self {
            url: format!("sqlite:{path}"),
            missing: (!store.database.exists()).then_some(store),
        })
    }

    /// Refuses the store of a project that does not exist yet.
    pub(crate) fn require_of_project(&self) -> Result<(), Failure> {
        match self.missing {
            Some(_) => {
                let problem = "no project here has a store; name one with --store".to_owned();
                Err(Cause::StoreUnavailable { problem }.into())
            }
            None => Ok(()),
        }
    }

    /// The URL of the store.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The size of the store on disk in bytes, if it is on a disk of this machine.
    pub(crate) fn size_on_disk(&self) -> Option<u64> {
        Place::of(&self.url).ok()??.size_on_disk()
    }

    /// Opens the store, for operations of this access.
    pub(crate) fn open(self, options: &Options, access: Access) -> Result<Local, Failure> {
        let options = &self.applicable(options);
        let Some(ProjectStore {
            folder, database, ..
        }) = self.missing
        else {
            return Ok(match access {
                Access::Read => Local::open_existing(&self.url, options)?,
                Access::Write | Access::WriteMany => Local::open_lazily(&self.url, options)?,
            });
        };
        let mode = options
            .file_mode
            .and_then(FileMode::new)
            .unwrap_or_default();
        Ok(Local::create_lazily(database, options, move || {
            create(&folder, mode).map_err(|error| {
                let problem = format!("{}: {error}", folder.display());
                Cause::StoreUnavailable { problem }.into()
            })
        }))
    }
}

impl CommandStore {
    /// The options without keys from the environment, which are meant for the stores that can be encrypted.
    fn applicable(&self, options: &Options) -> Options {
        let mut options = options.clone();
        let is_for_all = !arguments::is_named("--encryption-key");
        if is_for_all && let Ok(Some(place)) = Place::of(&self.url) {
            options.encryption = options.encryption.filter(|_| place.can_be_encrypted());
        }
        options
    }
}

/// The working directory.
pub(crate) fn here() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| {
        let problem =
            format!("the working directory cannot be read: {error}; name a store with --store");
        Cause::StoreUnavailable { problem }.into()
    })
}

/// Creates the folder, with a `.gitignore` that keeps it out of version control.
fn create(folder: &Path, mode: FileMode) -> std::io::Result<()> {
    mode.create_lasting_folders(folder)?;
    match mode.create_new(&folder.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"*\n"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
