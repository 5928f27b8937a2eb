//! The permissions of files and folders.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The permissions of an existing path.
pub fn permissions(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Sets the permissions of an existing path.
pub fn set_permissions(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

/// The different permissions of the folders, and those of the files, below a folder.
pub fn permissions_below(folder: &Path) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let (mut folders, mut files) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folders.insert(permissions(&path));
            let (mut more, mut others) = permissions_below(&path);
            folders.append(&mut more);
            files.append(&mut others);
        } else {
            files.insert(permissions(&path));
        }
    }
    (folders, files)
}
