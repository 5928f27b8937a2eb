//! Which store a command works on when none is named: the one in the nearest `.tenure` folder
//! upward. Where there is none, the first command that writes makes it at the repository's root;
//! commands that only read find nothing, and leave nothing behind.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tenure_bridge::{Access, Options, access};
use tenure_core::{Error, Limits};
use tenure_host::Local;

use crate::exit::Failure;

const FOLDER: &str = ".tenure";
const DATABASE: &str = "tenure.db";

/// Opens a store by its URL.
pub(crate) fn open(url: &str) -> Result<Local, Failure> {
    open_within(url, &Limits::default())
}

/// Opens a store by its URL, to take nothing beyond these limits.
pub(crate) fn open_within(url: &str, limits: &Limits) -> Result<Local, Failure> {
    let options = Options {
        limits: limits.clone(),
        ..Options::default()
    };
    Ok(Local::open(url, &options)?)
}

/// The store of a command.
pub(crate) struct Opened {
    pub(crate) local: Local,
    /// There is no store yet, and this empty one is as good for reading.
    stand_in: bool,
}

impl Opened {
    /// Opens the store that is named, or else the default one, for an operation.
    pub(crate) fn for_operation(
        named: Option<&str>,
        operation: &str,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let stand_in = only_reads(operation) && named.is_none() && found()?.is_none();
        let local = match stand_in {
            true => open_within("memory:", limits)?,
            false => open_within(&url(named)?, limits)?,
        };
        Ok(Self { local, stand_in })
    }

    /// Whether it will do for an operation, too.
    pub(crate) fn serves(&self, operation: &str) -> bool {
        !self.stand_in || only_reads(operation)
    }
}

fn only_reads(operation: &str) -> bool {
    access(operation) == Some(Access::Read)
}

/// The URL of the store that is named, or else of the default one, whose folder is made.
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
        make(&folder).map_err(|error| Error::StoreUnavailable {
            problem: format!("{}: {error}", folder.display()),
        })?;
    }
    match database.into_os_string().into_string() {
        Ok(path) => Ok(format!("sqlite:{path}")),
        Err(path) => Err(Error::StoreUnavailable {
            problem: format!(
                "{}: this path is no text; name a store with --store",
                path.display()
            ),
        }
        .into()),
    }
}

/// The nearest folder upward that keeps sessions.
fn found() -> Result<Option<PathBuf>, Failure> {
    let here = here()?;
    let mut folders = here.ancestors().map(|folder| folder.join(FOLDER));
    Ok(folders.find(|folder| is_ours(folder)))
}

/// A store of files has a folder of this name for its own things.
fn is_ours(folder: &Path) -> bool {
    folder.is_dir() && (folder.join(DATABASE).exists() || !folder.join("lock").exists())
}

/// The root of the repository that a folder is in, or else the folder.
fn root(here: &Path) -> &Path {
    let mut folders = here.ancestors();
    folders
        .find(|folder| folder.join(".git").exists())
        .unwrap_or(here)
}

fn here() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| {
        let problem = format!("the working directory is gone: {error}; name a store with --store");
        Error::StoreUnavailable { problem }.into()
    })
}

/// Makes the folder. What is in it is nobody else's business, version control's neither.
fn make(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    match fs::File::create_new(folder.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"*\n"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
