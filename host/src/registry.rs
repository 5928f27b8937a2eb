//! The registry that the processes of a user share: one database for each user, in a private folder that
//! logins, services and cron jobs find alike, and that outlives a login.

use std::env;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use tenure_core::error::Cause;
use tenure_core::store::{Changes, Commit, Expect, RecordChange, Scan};
use tenure_core::{Error, Result, SyncStore, audit, lease};
use tenure_permissions::FileMode;
use tenure_sqlite::{SqliteOptions, SqliteStore};

const FOLDER: &str = "tenure";
const FILE: &str = "registry.db";
const OF_ANOTHER: &str =
    "this folder belongs to another user; set XDG_STATE_HOME to a folder of your own";
/// The records of one step of taking over a registry.
const STEP: u32 = 1000;

/// The path of the database that all processes of this user on this machine share: in
/// `$XDG_STATE_HOME`, or else in `.local/state` of the home folder, or else, for a user without a home
/// folder, in the directory for temporary files. Nothing is created.
///
/// # Errors
/// `STORE_UNAVAILABLE` if the folder belongs to another user.
pub fn registry_path() -> Result<PathBuf> {
    let home = || Some(env::home_dir()?.join(".local/state"));
    let state = folder_in("XDG_STATE_HOME").or_else(|| home().filter(|_| has_home()));
    let path = match state {
        Some(state) => state.join(FOLDER).join(FILE),
        None => env::temp_dir().join(own_name()).join(FILE),
    };
    if path
        .parent()
        .is_some_and(|folder| folder.symlink_metadata().is_ok())
    {
        create_folder(&path)?;
    }
    Ok(path)
}

/// Creates the folder of the registry at a path, unless it exists.
///
/// # Errors
/// `STORE_UNAVAILABLE` if the folder cannot be created, or belongs to another user.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let temporary = env::temp_dir();
    if folder == temporary.join(own_name()) {
        return own_folder(&temporary).map(drop);
    }
    FileMode::PRIVATE
        .create_folders(folder)
        .map_err(|error| unavailable(folder, &error.to_string()))?;
    match is_own(fs::metadata(folder)) {
        true => Ok(()),
        false => Err(unavailable(folder, OF_ANOTHER)),
    }
}

/// The folder that a variable names.
fn folder_in(variable: &str) -> Option<PathBuf> {
    let folder = env::var_os(variable).map(PathBuf::from);
    folder.filter(|folder| folder.is_absolute())
}

/// Whether the home folder is one of the user's own. In containers and with `sudo` it may be another's.
fn has_home() -> bool {
    env::home_dir().is_some_and(|home| home.is_dir() && is_own(fs::metadata(home)))
}

/// Takes over the leases and the audit log of the registry that earlier versions would have used here:
/// in `$XDG_RUNTIME_DIR`, or else in the directory for temporary files. Its file is renamed afterwards.
/// If that fails it is tried again when the registry is next opened.
pub(crate) fn take_over(registry: &SqliteStore, path: &Path) {
    if let Some(earlier) = earlier(path)
        && move_records(&earlier, registry).is_ok()
    {
        // If another process has renamed it, it is done.
        let _ = fs::rename(&earlier, earlier.with_extension("db.moved"));
    }
}

/// The registry that earlier versions would have used in place of that at a path, if it exists.
pub(crate) fn earlier(path: &Path) -> Option<PathBuf> {
    let folder = match folder_in("XDG_RUNTIME_DIR") {
        Some(runtime) => runtime.join(FOLDER),
        None => env::temp_dir().join(own_name()),
    };
    let earlier = folder.join(FILE);
    // All users may write to the directory for temporary files.
    let is_own = is_own(fs::symlink_metadata(&folder)) && is_own(fs::symlink_metadata(&earlier));
    Some(earlier).filter(|earlier| earlier != path && is_own)
}

/// Copies the records of a registry that are missing in another one.
fn move_records(earlier: &Path, registry: &SqliteStore) -> Result<()> {
    let earlier = SqliteStore::open(earlier, SqliteOptions::default())?;
    for kind in [lease::KIND, audit::entry::KIND] {
        let mut after = None;
        loop {
            let records = earlier.scan(&Scan {
                kind: kind.to_owned(),
                after,
                limit: STEP,
            })?;
            let Some(last) = records.last() else {
                break;
            };
            after = Some(last.key.clone());
            registry.transaction(|registry| {
                let mut changes = Changes::default();
                for record in records {
                    if registry.record(kind, &record.key)?.is_none() {
                        changes
                            .records
                            .push(RecordChange::put(Expect::Absent, record));
                    }
                }
                match registry.commit(&changes)? {
                    Commit::Applied => Ok(()),
                    _ => Err(Error::internal("a record appeared within a transaction")),
                }
            })??;
        }
    }
    Ok(())
}

fn unavailable(folder: &Path, problem: &str) -> Error {
    Cause::StoreUnavailable {
        problem: format!("{}: {problem}", folder.display()),
    }
    .into()
}

/// The name of the user's folder in the directory for temporary files.
#[cfg(unix)]
fn own_name() -> String {
    format!("{FOLDER}-{}", rustix::process::geteuid().as_raw())
}

/// On other systems each user has a private directory for temporary files.
#[cfg(not(unix))]
fn own_name() -> String {
    FOLDER.to_owned()
}

/// Whether something exists and belongs to this user.
#[cfg(unix)]
fn is_own(found: io::Result<Metadata>) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    found.is_ok_and(|found| found.uid() == user)
}

/// On other systems the owners of files are not compared.
#[cfg(not(unix))]
fn is_own(found: io::Result<Metadata>) -> bool {
    found.is_ok()
}

/// The user's private folder in the directory for temporary files. All users may write there, so another
/// user may have created a folder or a link of that name to read what is written into it.
#[cfg(unix)]
fn own_folder(temporary: &Path) -> Result<PathBuf> {
    use std::fs::{DirBuilder, Permissions, set_permissions, symlink_metadata};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    const PRIVATE: u32 = 0o700;
    let folder = temporary.join(own_name());
    let unavailable = |problem: &str| unavailable(&folder, problem);
    let made = DirBuilder::new().mode(PRIVATE).create(&folder);
    let found = symlink_metadata(&folder).map_err(|error| {
        // The error of the creation is more informative than that of reading the metadata.
        unavailable(&made.err().unwrap_or(error).to_string())
    })?;
    if !found.is_dir() {
        return Err(unavailable(
            "expected a folder; remove what is there, or set XDG_STATE_HOME",
        ));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(unavailable(OF_ANOTHER));
    }
    if found.mode() & 0o777 != PRIVATE {
        set_permissions(&folder, Permissions::from_mode(PRIVATE))
            .map_err(|error| unavailable(&error.to_string()))?;
    }
    Ok(folder)
}

/// On other systems each user has a private directory for temporary files.
#[cfg(not(unix))]
fn own_folder(temporary: &Path) -> Result<PathBuf> {
    Ok(temporary.join(own_name()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(folder: &Path) -> Option<u32> {
        let found = fs::metadata(folder).ok()?;
        Some(found.permissions().mode() & 0o777)
    }

    #[test]
    fn the_folder_is_private_and_reused() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = own_folder(temporary.path()).unwrap();
        assert_eq!(folder, temporary.path().join(own_name()));
        assert_eq!(mode(&folder), Some(0o700));
        assert_eq!(own_folder(temporary.path()), Ok(folder));
    }

    #[test]
    fn a_folder_that_others_can_read_is_made_private() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join(own_name());
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        own_folder(temporary.path()).unwrap();
        assert_eq!(mode(&folder), Some(0o700));
    }

    #[test]
    fn a_link_or_a_file_in_place_of_the_folder_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = temporary.path().join(own_name());
        symlink(elsewhere.path(), &folder).unwrap();
        assert_eq!(
            own_folder(temporary.path()).unwrap_err().code(),
            "STORE_UNAVAILABLE"
        );
        fs::remove_file(&folder).unwrap();
        fs::write(&folder, "").unwrap();
        assert_eq!(
            own_folder(temporary.path()).unwrap_err().code(),
            "STORE_UNAVAILABLE"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_reported_with_the_reason() {
        let temporary = tempfile::tempdir().unwrap();
        let error = own_folder(&temporary.path().join("missing")).unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(error.to_string().contains("missing"), "{error}");
    }
}
