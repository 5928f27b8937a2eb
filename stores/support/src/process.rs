//! Child processes of tests. Each runs an ignored test of the same program on the same store.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The environment variable with the path of the store for a child process.
const PATH: &str = "TENURE_TEST_PATH";

/// Starts a process that runs the ignored test `name`, which includes the path of its module, on
/// the store at `path`.
pub fn process(name: &str, path: &Path) -> Child {
    start(Command::new(std::env::current_exe().unwrap()), name, path)
}

/// The same, with `command` as a wrapper of the process.
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

/// Waits for a process, in which the test must have passed. Returns its output.
pub fn succeed(process: Child) -> String {
    let output = process.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    // An unknown test name would succeed, because no test runs then.
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

/// The path of the store, in a child process.
pub fn given_path() -> PathBuf {
    std::env::var_os(PATH)
        .expect("this runs as a process of another test")
        .into()
}
