//! The permissions of what Tenure creates: files and folders that only their owner may read, unless an
//! option grants more. What exists keeps its permissions. Systems without Unix permissions use their own
//! defaults.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The permissions of new files, as bits. New folders have the same, and may be searched by all who may
/// read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode(u32);

impl Default for FileMode {
    fn default() -> Self {
        Self::PRIVATE
    }
}

impl FileMode {
    /// Only the owner may read and write.
    pub const PRIVATE: Self = Self(0o600);

    /// The permissions with these bits; `None` unless they let the owner read and write, and let nobody
    /// execute.
    pub fn new(bits: u32) -> Option<Self> {
        (bits & 0o600 == 0o600 && bits & !0o666 == 0).then_some(Self(bits))
    }

    /// The bits of a file.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The bits of a folder.
    fn folder_bits(self) -> u32 {
        self.0 | (self.0 & 0o444) >> 2
    }

    /// Creates a file, which must not exist, and opens it for reading and writing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create_new(self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        unix::create_with(&mut options, self.0);
        let file = options.open(path)?;
        if self != Self::PRIVATE {
            // The mask of the process does not limit what an option grants.
            unix::set_bits(path, self.0)?;
        }
        Ok(file)
    }

    /// Opens a file for reading and writing. It is created if it does not exist.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open_or_create(self, path: &Path) -> io::Result<File> {
        loop {
            match OpenOptions::new().read(true).write(true).open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                opened => return opened,
            }
            match self.create_new(path) {
                // Another process has created it in the meantime, or a link leads nowhere.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && !is_dangling(path) => {}
                created => return created,
            }
        }
    }

    /// Creates an empty file if none exists at the path. The file is not opened under this path: when a
    /// process closes a file, it loses the locks that it has on it through another handle.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create_empty(self, path: &Path) -> io::Result<()> {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        if fs::symlink_metadata(path).is_ok() {
            return Ok(());
        }
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        temporary.push(format!(".{}.{count}", process::id()));
        let temporary = path.with_file_name(temporary);
        self.create_new(&temporary)?;
        let linked = fs::hard_link(&temporary, path);
        fs::remove_file(&temporary)?;
        match linked {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // The file system has no hard links.
            Err(_) => self.create_new(path).map(drop).or_else(if_missing),
            Ok(()) => Ok(()),
        }
    }

    /// Creates a folder, if it does not exist. Returns whether it was created.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create_folder(self, path: &Path) -> io::Result<bool> {
        let mut builder = DirBuilder::new();
        unix::create_folder_with(&mut builder, self.folder_bits());
        match builder.create(path) {
            // A link to a folder is accepted as the folder.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match path.is_dir() {
                true => Ok(false),
                false => {
                    let problem = format!("{} is no directory", path.display());
                    Err(io::Error::new(ErrorKind::AlreadyExists, problem))
                }
            },
            Err(error) => Err(error),
            Ok(()) => {
                if self != Self::PRIVATE {
                    unix::set_bits(path, self.folder_bits())?;
                }
                Ok(true)
            }
        }
    }

    /// Creates a folder and its parents, if they do not exist. Returns those that were created, parents
    /// first.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create_folders(self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            .collect();
        let mut created = Vec::new();
        for folder in missing.into_iter().rev() {
            if self.create_folder(folder)? {
                created.push(folder.to_owned());
            }
        }
        Ok(created)
    }

    /// Creates a folder and its parents, if they do not exist. Their names survive the loss of power.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create_lasting_folders(self, path: &Path) -> io::Result<()> {
        let created = self.create_folders(path)?;
        created.iter().try_for_each(|folder| sync_name(folder))
    }

    /// Gives a new file, which was created with these permissions, those of the file that it is about to
    /// replace, if there is one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(self, new: &Path, replaced: &Path) -> io::Result<()> {
        match unix::bits(replaced) {
            Some(bits) if bits != self.0 => unix::set_bits(new, bits),
            _ => Ok(()),
        }
    }
}

/// Makes the name of a file or folder survive the loss of power.
///
/// # Errors
/// Those of the file system.
pub fn sync_name(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    sync_names(folder.unwrap_or(Path::new(".")))
}

/// Makes the names in a folder survive the loss of power. Folders can be opened and synced on Unix; other
/// systems, and file systems that sync no folders, decide themselves when names are durable.
///
/// # Errors
/// Those of the file system.
pub fn sync_names(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

fn if_missing(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        _ => Err(error),
    }
}

/// Whether a path is a link that leads nowhere.
fn is_dangling(path: &Path) -> bool {
    path.is_symlink() && !path.exists()
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    pub(super) fn create_with(options: &mut OpenOptions, bits: u32) {
        options.mode(bits);
    }

    pub(super) fn create_folder_with(builder: &mut DirBuilder, bits: u32) {
        builder.mode(bits);
    }

    pub(super) fn set_bits(path: &Path, bits: u32) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(bits))
    }

    /// The permissions of an existing file.
    pub(super) fn bits(path: &Path) -> Option<u32> {
        let found = fs::symlink_metadata(path).ok()?;
        found.is_file().then(|| found.permissions().mode() & 0o777)
    }
}

/// Systems without these permissions.
#[cfg(not(unix))]
mod unix {
    use std::fs::{DirBuilder, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn create_with(_: &mut OpenOptions, _: u32) {}

    pub(super) fn create_folder_with(_: &mut DirBuilder, _: u32) {}

    pub(super) fn set_bits(_: &Path, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn bits(_: &Path) -> Option<u32> {
        None
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn bits(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn what_is_created_is_private_unless_more_is_granted() {
        let root = tempfile::tempdir().unwrap();
        let shared = FileMode::new(0o664).unwrap();
        for (mode, file, folder) in [(FileMode::default(), 0o600, 0o700), (shared, 0o664, 0o775)] {
            let base = root.path().join(format!("{file:o}"));
            let deep = base.join("a/b");
            assert_eq!(
                mode.create_folders(&deep).unwrap(),
                [base.clone(), base.join("a"), deep.clone()]
            );
            assert_eq!(
                mode.create_folders(&deep).unwrap(),
                [""; 0].map(PathBuf::from)
            );
            for made in [&base, &deep] {
                assert_eq!(bits(made), folder);
            }
            let [one, two, three] = ["1", "2", "3"].map(|name| deep.join(name));
            mode.create_new(&one).unwrap();
            mode.open_or_create(&two).unwrap();
            mode.create_empty(&three).unwrap();
            for made in [&one, &two, &three] {
                assert_eq!(bits(made), file);
            }
            // No temporary file is left.
            assert_eq!(names(&deep), 3);
        }
    }

    #[test]
    fn what_exists_keeps_its_permissions_and_its_content() {
        let root = tempfile::tempdir().unwrap();
        let (file, link) = (root.path().join("file"), root.path().join("link"));
        fs::write(&file, "text").unwrap();
        unix::set_bits(&file, 0o640).unwrap();
        unix::set_bits(root.path(), 0o755).unwrap();
        symlink(root.path(), &link).unwrap();
        let mode = FileMode::PRIVATE;
        mode.open_or_create(&file).unwrap();
        mode.create_empty(&file).unwrap();
        assert!(!mode.create_folder(&link).unwrap());
        assert_eq!((bits(&file), bits(root.path())), (0o640, 0o755));
        assert_eq!(fs::read_to_string(&file).unwrap(), "text");
        let new = root.path().join("new");
        mode.create_new(&new).unwrap();
        mode.keep(&new, &root.path().join("missing")).unwrap();
        assert_eq!(bits(&new), 0o600);
        mode.keep(&new, &file).unwrap();
        assert_eq!(bits(&new), 0o640);
        assert!(mode.create_new(&file).is_err() && mode.create_folder(&file).is_err());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_an_error_and_no_endless_loop() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("link");
        symlink("/nowhere/at/all", &link).unwrap();
        assert!(FileMode::PRIVATE.open_or_create(&link).is_err());
    }

    #[test]
    fn the_owner_reads_and_writes_and_nobody_executes() {
        for bits in [0o600, 0o640, 0o660, 0o664, 0o666] {
            assert!(FileMode::new(bits).is_some(), "{bits:o}");
        }
        for bits in [0, 0o400, 0o200, 0o700, 0o601, 0o060, 0o2600, 600, 660] {
            assert!(FileMode::new(bits).is_none(), "{bits:o}");
        }
    }
}
