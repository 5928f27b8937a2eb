//! The registry of a user: every process of the user finds the same one, however it was started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::{CommandOutput, bare, output_of};

/// The folders of a user.
struct User {
    folder: TempDir,
}

impl User {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["home", "runtime", "temporary"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The command as a cron job runs it.
    fn cron(&self, args: &[&str]) -> Command {
        let mut command = bare(self.folder.path(), args);
        command.env("HOME", self.at("home"));
        command.env("TMPDIR", self.at("temporary"));
        command
    }

    /// The command in a login.
    fn login(&self, args: &[&str]) -> Command {
        let mut command = self.cron(args);
        command.env("XDG_RUNTIME_DIR", self.at("runtime"));
        command
    }

    /// Registers a machine in the registry at a path.
    fn register(&self, path: &Path, vm: &str) {
        let store = format!("sqlite:{}", path.display());
        let args = [
            "vm", "register", vm, "--zone", "z", "--holder", vm, "--store", &store,
        ];
        assert_eq!(output_of(self.cron(&args)).code, 0);
    }

    fn temporary(&self) -> PathBuf {
        let own = format!("temporary/tenure-{}", rustix::process::geteuid().as_raw());
        self.at(&own).join("registry.db")
    }
}

fn acquire(mut command: Command, holder: &str) -> i32 {
    command.args(["lease", "acquire", "k", "--for", "1h", "--holder", holder]);
    output_of(command).code
}

/// The machines that a command lists.
fn machines(mut command: Command) -> Vec<String> {
    command.args(["lease", "list", "--json"]);
    let CommandOutput { code, out, err } = output_of(command);
    assert_eq!((code, err.as_str()), (0, ""));
    let mut found: Vec<String> = ["one", "two"].map(str::to_owned).into();
    found.retain(|vm| out.contains(&format!("vm:{vm}")));
    found
}

#[test]
fn logins_and_cron_jobs_share_one_registry_that_outlives_a_login() {
    let user = User::new();
    assert_eq!(acquire(user.login(&[]), "a"), 0);
    assert_eq!(acquire(user.cron(&[]), "b"), 1);
    // The end of a login removes its runtime folder.
    fs::remove_dir_all(user.at("runtime")).unwrap();
    assert_eq!(acquire(user.login(&[]), "b"), 1);
    assert!(user.at("home/.local/state/tenure/registry.db").exists());
    assert!(!user.temporary().exists());
}

#[test]
fn a_variable_names_another_folder_for_it() {
    let user = User::new();
    let elsewhere = || {
        let mut command = user.cron(&[]);
        command.env("XDG_STATE_HOME", user.at("state"));
        command
    };
    assert_eq!(acquire(elsewhere(), "a"), 0);
    assert_eq!(acquire(elsewhere(), "b"), 1);
    assert_eq!(acquire(user.cron(&[]), "b"), 0);
    assert!(user.at("state/tenure/registry.db").exists());
    // A relative path is no folder.
    let mut command = user.cron(&[]);
    command.env("XDG_STATE_HOME", "relative");
    assert_eq!(acquire(command, "c"), 1);
}

#[test]
fn a_user_without_a_home_has_it_in_the_folder_for_temporary_files() {
    let user = User::new();
    let homeless = || {
        let mut command = user.login(&[]);
        command.env("HOME", user.at("nowhere"));
        command
    };
    assert_eq!(acquire(homeless(), "a"), 0);
    assert_eq!(acquire(homeless(), "b"), 1);
    assert!(user.temporary().exists());
}

#[test]
fn the_registries_of_earlier_versions_are_taken_over() {
    let user = User::new();
    let (of_login, of_cron) = (user.at("runtime/tenure/registry.db"), user.temporary());
    user.register(&of_login, "one");
    user.register(&of_cron, "two");
    assert_eq!(machines(user.login(&[])), ["one"]);
    assert_eq!(machines(user.cron(&[])), ["one", "two"]);
    assert_eq!(machines(user.login(&[])), ["one", "two"]);
    for earlier in [of_login, of_cron] {
        assert!(!earlier.exists() && earlier.with_extension("db.moved").exists());
    }
}

#[test]
fn a_lease_of_the_registry_is_not_replaced_by_that_of_an_earlier_one() {
    let user = User::new();
    assert_eq!(acquire(user.cron(&[]), "a"), 0);
    let store = format!("sqlite:{}", user.at("runtime/tenure/registry.db").display());
    let args = ["--store", &store];
    assert_eq!(acquire(user.cron(&args), "b"), 0);
    assert_eq!(acquire(user.login(&[]), "a"), 0);
    // A broken one does not prevent the use of the registry.
    fs::write(user.at("runtime/tenure/registry.db"), "no database").unwrap();
    assert_eq!(acquire(user.login(&[]), "a"), 0);
    assert_eq!(acquire(user.login(&[]), "b"), 1);
}

#[test]
fn the_registry_of_another_user_is_refused() {
    // Only root can give a folder to another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let user = User::new();
    let folder = user.at("home/.local/state/tenure");
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::chown(&folder, Some(1234), None).unwrap();
    let output = output_of(user.cron(&["lease", "list"]));
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.err.contains("another user"), "{output:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}
