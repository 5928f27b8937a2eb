//! The project of a folder: where its default store is. The store of a repository is shared by its
//! worktrees. It is searched for from the folder upwards, up to the root of the repository, or else up
//! to the home folder, and not into a folder that every user may write to. As git does, the search
//! refuses a store of another user, who could read along and change what is stored.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tenure_core::Result;
use tenure_core::error::Cause;
use tenure_regular::read_to_string;

/// The greatest size of a file of git that is read, in bytes.
const MAX_GIT_BYTES: u64 = 1 << 20;

/// The folder of a project's store.
const FOLDER: &str = ".tenure";
/// The database in it.
const DATABASE: &str = "tenure.db";
/// The variable with the folders whose stores may belong to other users, or `*`.
const SAFE: &str = "TENURE_SAFE_DIRECTORY";

/// The default store of a project.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProjectStore {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The database in it.
    pub(crate) database: PathBuf,
    /// Whether the folder exists and is one for sessions.
    pub(crate) exists: bool,
}

impl ProjectStore {
    /// The store of the project that contains a folder.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if it belongs to another user.
    pub(crate) fn of(here: &Path) -> Result<Self> {
        let home = env::home_dir().map(|home| canonical(&home));
        Self::within(&canonical(here), home.as_deref())
    }

    fn within(here: &Path, home: Option<&Path>) -> Result<Self> {
        let highest = home.filter(|home| here.starts_with(home));
        let repository = Repository::around(here, highest);
        for folder in up_to(here, highest) {
            let rooted = repository.as_ref().filter(|found| found.root == folder);
            let found = Self::new(rooted.map_or(folder, |rooted| &rooted.main));
            if found.exists {
                found.check_owner()?;
                return Ok(found);
            }
            let may_go_on = match folder.parent() {
                Some(above) => repository.is_some() || !is_open_to_all(above),
                None => false,
            };
            if rooted.is_some() || !may_go_on {
                break;
            }
        }
        Ok(Self::new(
            repository.as_ref().map_or(here, |found| &found.main),
        ))
    }

    /// The store beside the contents of a folder.
    fn new(project: &Path) -> Self {
        let folder = project.join(FOLDER);
        let database = folder.join(DATABASE);
        // A file store has a folder of the same name with its lock.
        let exists = folder.is_dir() && (database.exists() || !folder.join("lock").exists());
        Self {
            folder,
            database,
            exists,
        }
    }

    fn check_owner(&self) -> Result<()> {
        let project = self.folder.parent().unwrap_or(&self.folder);
        let paths = [&self.folder, &self.database];
        let Some(owner) = paths.into_iter().find_map(|path| owner::other(path)) else {
            return Ok(());
        };
        if is_safe(project) {
            return Ok(());
        }
        let (folder, project) = (self.folder.display(), project.display());
        Err(Cause::StoreUnavailable {
            problem: format!(
                "{folder} belongs to the user {owner}, who can read and change what is stored in it; \
                 to allow that, set {SAFE}={project}, or name a store with --store"
            ),
        }
        .into())
    }
}

/// Whether the user has allowed the store of a project to belong to another user.
fn is_safe(project: &Path) -> bool {
    let safe = env::var_os(SAFE).unwrap_or_default();
    env::split_paths(&safe).any(|safe| safe == Path::new("*") || canonical(&safe) == project)
}

/// The path without links, where it exists.
fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A folder and those above it, up to `highest`.
fn up_to<'p>(here: &'p Path, highest: Option<&Path>) -> impl Iterator<Item = &'p Path> {
    let end = highest.map_or(usize::MAX, |highest| {
        here.components().count() - highest.components().count() + 1
    });
    here.ancestors().take(end)
}

/// A git repository, as it is seen from a folder in it.
#[derive(Debug, PartialEq, Eq)]
struct Repository {
    /// The root of the worktree that contains the folder.
    root: PathBuf,
    /// The root of the main worktree. A repository without one is represented by its own folder.
    main: PathBuf,
}

impl Repository {
    /// The repository whose worktree contains a folder, unless its root is above `highest`.
    fn around(here: &Path, highest: Option<&Path>) -> Option<Self> {
        let mut folders = up_to(here, highest);
        let root = folders.find(|folder| folder.join(".git").exists())?;
        Some(Self {
            root: root.to_owned(),
            main: main_worktree(root).unwrap_or_else(|| root.to_owned()),
        })
    }
}

/// The root of the main worktree of a repository, for the root of one of its worktrees whose `.git` is
/// a file. `None` where `.git` is a folder, or the file leads nowhere.
fn main_worktree(root: &Path) -> Option<PathBuf> {
    let link = root.join(".git");
    // A file of another user could name any repository.
    if !link.is_file() || (owner::other(&link).is_some() && !is_safe(root)) {
        return None;
    }
    let link = read_to_string(&link, MAX_GIT_BYTES).ok()?;
    let private = root.join(link.strip_prefix("gitdir:")?.trim());
    let common = match read_to_string(&private.join("commondir"), MAX_GIT_BYTES) {
        Ok(common) => private.join(common.trim_end_matches(['\r', '\n'])),
        // The file is in the main worktree: of a submodule, or with a separate folder of git.
        Err(_) => private,
    };
    let common = fs::canonicalize(common)
        .ok()
        .filter(|found| found.is_dir())?;
    let configured = configured_worktree(&common).map(|path| canonical(&common.join(path)));
    let beside = || match common.file_name()?.to_str()? {
        ".git" => common.parent().map(Path::to_owned),
        _ => None,
    };
    Some(configured.or_else(beside).unwrap_or(common))
}

/// The value of `core.worktree` in the configuration of a repository, which git writes for submodules.
fn configured_worktree(common: &Path) -> Option<PathBuf> {
    let config = read_to_string(&common.join("config"), MAX_GIT_BYTES).ok()?;
    let mut section = "";
    let mut worktree = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section.eq_ignore_ascii_case("[core]")
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case("worktree")
        {
            worktree = Some(value.trim().trim_matches('"').into());
        }
    }
    worktree
}

#[cfg(unix)]
mod owner {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// The owner of an existing path, or of what it links to, if that is another user. For root, the
    /// user who ran `sudo` is none.
    pub(super) fn other(path: &Path) -> Option<u32> {
        let own = rustix::process::geteuid();
        let caller = match own.is_root() {
            true => std::env::var("SUDO_UID").ok(),
            false => None,
        };
        let caller: Option<u32> = caller.and_then(|caller| caller.parse().ok());
        let found = [fs::symlink_metadata(path), fs::metadata(path)];
        let owners = found.into_iter().flatten().map(|found| found.uid());
        owners
            .into_iter()
            .find(|&owner| owner != own.as_raw() && Some(owner) != caller)
    }
}

/// On other systems the owners of files are not compared.
#[cfg(not(unix))]
mod owner {
    use std::path::Path;

    pub(super) fn other(_: &Path) -> Option<u32> {
        None
    }
}

/// Whether every user may create files in a folder, as in the one for temporary files.
#[cfg(unix)]
fn is_open_to_all(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}
