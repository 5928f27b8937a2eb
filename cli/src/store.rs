//! The default store of a command: the database in the nearest `.tenure` folder, searched upwards.
//! Where none exists, the first command that writes creates it at the root of the repository. A command
//! that only reads uses an empty store in memory and creates nothing.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tenure_bridge::Options;
use tenure_core::Limits;
use tenure_core::error::Cause;
use tenure_core::work::operation::Access;
use tenure_host::Local;

use crate::exit::Failure;

const FOLDER: &str = ".tenure";
const DATABASE: &str = "tenure.db";

/// Opens a store by its URL.
pub(crate) fn open(url: &str) -> Result<Local, Failure> {
    open_with(url, &Limits::default())
}

/// Opens a store by its URL, with these limits.
pub(crate) fn open_with(url: &str, limits: &Limits) -> Result<Local, Failure> {
    let options = Options {
        limits: limits.clone(),
        ..Options::default()
    };
    Ok(Local::open(url, &options)?)
}

/// The open store of a command.
pub(crate) struct OpenStore {
    pub(crate) local: Local,
    /// Whether this is an empty store in memory, used while no store exists.
    is_placeholder: bool,
}

impl OpenStore {
    /// Opens the given store, or else the default one, for operations of this access.
    pub(crate) fn for_access(
        named: Option<&str>,
        access: Access,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let is_placeholder = access == Access::Read && named.is_none() && found()?.is_none();
        let local = match is_placeholder {
            true => open_with("memory:", limits)?,
            false => open_with(&url(named)?, limits)?,
        };
        Ok(Self {
            local,
            is_placeholder,
        })
    }

    /// Whether this store serves operations of this access.
    pub(crate) fn serves(&self, access: Access) -> bool {
        !self.is_placeholder || access == Access::Read
    }
}

/// The URL of the given store, or else of the default one, whose folder is created.
pub(crate) fn url(named: Option<&str>) -> Result<String, Failure> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let folder = match found()? {
        Some(folder) => folder,
        None => root(&here()?).join(FOLDER),
    };
    let database = folder.join(DATABASE);
    if !database.exists() {
        create(&folder).map_err(|error| Cause::StoreUnavailable {
            problem: format!("{}: {error}", folder.display()),
        })?;
    }
    match database.into_os_string().into_string() {
        Ok(path) => Ok(format!("sqlite:{path}")),
        Err(path) => Err(Cause::StoreUnavailable {
            problem: format!(
                "{}: the path is not valid UTF-8; name a store with --store",
                path.display()
            ),
        }
        .into()),
    }
}

/// The nearest folder, searched upwards, that holds sessions.
fn found() -> Result<Option<PathBuf>, Failure> {
    let here = here()?;
    let mut folders = here.ancestors().map(|folder| folder.join(FOLDER));
    Ok(folders.find(|folder| holds_sessions(folder)))
}

/// Whether a `.tenure` folder holds sessions. A file store has a folder of the same name with its lock.
fn holds_sessions(folder: &Path) -> bool {
    folder.is_dir() && (folder.join(DATABASE).exists() || !folder.join("lock").exists())
}

/// The root of the repository that contains a folder, or else the folder.
fn root(here: &Path) -> &Path {
    let mut folders = here.ancestors();
    folders
        .find(|folder| folder.join(".git").exists())
        .unwrap_or(here)
}

fn here() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| {
        let problem =
            format!("the working directory cannot be read: {error}; name a store with --store");
        Cause::StoreUnavailable { problem }.into()
    })
}

/// Creates the folder, with a `.gitignore` that keeps it out of version control.
fn create(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    match fs::File::create_new(folder.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"*\n"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
