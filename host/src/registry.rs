//! The path of the registry that the processes of a user share: one database for each user, in a private
//! folder.

use std::env;
use std::path::{Path, PathBuf};

use tenure_core::Result;
use tenure_core::error::Cause;

const FILE: &str = "registry.db";

/// The path of the database that all processes of this user on this machine share: in
/// `$XDG_RUNTIME_DIR`, or else in a private folder in the directory for temporary files, which is
/// created if it does not exist.
///
/// # Errors
/// `STORE_UNAVAILABLE` if the folder cannot be created, or belongs to another user.
pub fn registry_path() -> Result<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|folder| folder.is_absolute()) {
        Some(folder) => Ok(folder.join("tenure").join(FILE)),
        None => own_folder(&env::temp_dir()).map(|folder| folder.join(FILE)),
    }
}

/// The user's private folder in the directory for temporary files. All users may write there, so another
/// user may have created a folder or a link of that name to read what is written into it.
#[cfg(unix)]
fn own_folder(temporary: &Path) -> Result<PathBuf> {
    use std::fs::{DirBuilder, Permissions, set_permissions, symlink_metadata};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    const PRIVATE: u32 = 0o700;
    let user = rustix::process::geteuid().as_raw();
    let folder = temporary.join(format!("tenure-{user}"));
    let unavailable = |problem: &str| {
        Cause::StoreUnavailable {
            problem: format!("{}: {problem}", folder.display()),
        }
        .into()
    };
    let made = DirBuilder::new().mode(PRIVATE).create(&folder);
    let found = symlink_metadata(&folder).map_err(|error| {
        // The error of the creation is more informative than that of reading the metadata.
        unavailable(&made.err().unwrap_or(error).to_string())
    })?;
    if !found.is_dir() {
        return Err(unavailable(
            "expected a folder; remove what is there, or set XDG_RUNTIME_DIR",
        ));
    }
    if found.uid() != user {
        return Err(unavailable(
            "this folder belongs to another user; set XDG_RUNTIME_DIR to a folder of your own",
        ));
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
    Ok(temporary.join("tenure"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn name() -> String {
        format!("tenure-{}", rustix::process::geteuid().as_raw())
    }

    fn mode(folder: &Path) -> Option<u32> {
        let found = fs::metadata(folder).ok()?;
        Some(found.permissions().mode() & 0o777)
    }

    #[test]
    fn the_folder_is_private_and_reused() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = own_folder(temporary.path()).unwrap();
        assert_eq!(folder, temporary.path().join(name()));
        assert_eq!(mode(&folder), Some(0o700));
        assert_eq!(own_folder(temporary.path()), Ok(folder));
    }

    #[test]
    fn a_folder_that_others_can_read_is_made_private() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join(name());
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        own_folder(temporary.path()).unwrap();
        assert_eq!(mode(&folder), Some(0o700));
    }

    #[test]
    fn a_link_or_a_file_in_place_of_the_folder_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = temporary.path().join(name());
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
