//! Tests on a separate, small file system. It is mounted in a namespace of a child process, which
//! requires root on Linux. Elsewhere the tests print that they were left out, or fail if `TENURE_FULL`
//! is set.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{process_of, succeed};

/// Mounts a file system of `size` bytes at a folder, visible to the next process only.
const MOUNT: &str = r#"mount -t tmpfs -o size="$1" tenure "$2" && shift 2 && exec "$@""#;

/// Runs the ignored test `name` on the store at `path`, with a file system of this size at `folder`,
/// if one can be mounted.
pub fn on_a_file_system(size: &str, name: &str, folder: &Path, path: &Path) {
    let within = || {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNT, "sh", size]);
        command.arg(folder);
        command
    };
    let probe = within().arg("true").stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        let everything = std::env::var("TENURE_FULL").is_ok_and(|full| full == "1");
        assert!(!everything, "file systems cannot be mounted here");
        println!("left out: file systems cannot be mounted here");
        return;
    }
    succeed(process_of(within(), name, path));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
