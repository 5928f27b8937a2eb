//! Processes of a test: each runs another, ignored test of the same program on the same store.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Names the store's file or folder to a process that a test starts.
const PATH: &str = "TENURE_TEST_PATH";

/// Starts a process that runs the ignored test `name`, with the path of its module, of this program on the
/// store at `path`.
pub fn process(name: &str, path: &Path) -> Child {
    start(Command::new(std::env::current_exe().unwrap()), name, path)
}

/// As [`process`], where `command` runs what is given to it.
pub fn process_of(mut command: Command, name: &str, path: &Path) -> Child {
    command.arg(std::env::current_exe().unwrap());
    start(command, name, path)
}

fn start(mut command: Command, name: &str, path: &Path) -> Child {
    command
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a process, in which the test must have run and passed. Returns what it printed.
pub fn succeed(process: Child) -> String {
    let output = process.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    // A name that no test has ends well, too: it runs none.
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

/// The store's file or folder, in a process that a test has started.
pub fn given_path() -> PathBuf {
    std::env::var_os(PATH)
        .expect("this runs as a process of another test")
        .into()
}
