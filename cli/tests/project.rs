//! Where the default store of a command is: of a repository and its worktrees, of a folder below the
//! home folder, and of the project that the host of a hook names.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{CommandOutput, bare, output_of};

/// Folders in which commands run without `--store`. `home` is the home folder.
struct Folders {
    root: TempDir,
}

impl Folders {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        Self { root }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Creates a folder.
    fn make(&self, path: &str) -> PathBuf {
        let folder = self.at(path);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn command(&self, folder: &str, args: &[&str]) -> Command {
        let mut command = bare(&self.at(folder), args);
        command.env("HOME", self.at("home"));
        command
    }

    fn run(&self, folder: &str, args: &[&str]) -> CommandOutput {
        output_of(self.command(folder, args))
    }

    fn start(&self, folder: &str, id: &str) {
        let output = self.run(folder, &["start", "t", "--id", id]);
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{folder}");
    }

    /// The ids of the sessions that a command in a folder sees.
    fn ids(&self, folder: &str) -> Vec<String> {
        let output = self.run(folder, &["list"]);
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{folder}");
        let id = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
        let mut ids: Vec<String> = output.out.lines().map(id).collect();
        ids.sort();
        ids
    }

    fn has_store(&self, folder: &str) -> bool {
        self.at(folder).join(".tenure").exists()
    }

    /// The reply of a hook that runs in a folder, with these variables.
    fn hook(&self, folder: &str, env: &[(&str, &Path)], args: &[&str], input: &Value) -> Value {
        let mut command = self.command(folder, &[&["hook"], args].concat());
        command.envs(env.iter().copied());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Some shells begin what they pipe with a byte order mark.
        let input = format!("\u{feff}{input}");
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn git(folder: &Path, args: &[&str]) {
    let mut git = Command::new("git");
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
    let git = git.current_dir(folder).args(identity).args(args).output();
    let git = git.unwrap();
    assert!(git.status.success(), "{args:?} {git:?}");
}

#[test]
fn the_search_ends_at_the_root_of_the_repository() {
    let folders = Folders::new();
    folders.make(".tenure");
    folders.make("repository/.git");
    folders.make("repository/src");
    folders.start("repository/src", "a");
    assert!(folders.has_store("repository") && !folders.has_store("repository/src"));
    assert_eq!(folders.ids("repository"), ["a"]);
    assert!(!folders.at(".tenure/tenure.db").exists());
}

#[test]
fn the_search_ends_at_the_home_folder() {
    let folders = Folders::new();
    folders.make(".tenure");
    folders.make(".git");
    folders.make("home/notes/old");
    folders.start("home/notes/old", "a");
    assert!(folders.has_store("home/notes/old"));
    folders.start("home", "b");
    assert!(folders.has_store("home"));
    assert_eq!(folders.ids("home/notes"), ["b"]);
    assert!(!folders.at(".tenure/tenure.db").exists());
}

#[test]
fn the_search_does_not_enter_a_folder_that_every_user_may_write_to() {
    use std::os::unix::fs::PermissionsExt;

    let folders = Folders::new();
    let open = folders.make("open");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    folders.make("open/.tenure");
    folders.make("open/mine/deep");
    folders.start("open/mine", "a");
    assert!(folders.has_store("open/mine"));
    assert_eq!(folders.ids("open/mine/deep"), ["a"]);
}

#[test]
fn the_store_of_another_user_is_refused_unless_it_is_allowed() {
    use std::os::unix::fs::{chown, lchown, symlink};

    // Only root can give a folder to another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folders = Folders::new();
    let theirs = folders.make("theirs/.tenure");
    folders.make("theirs/deep");
    let linked = folders.make("linked").join(".tenure");
    symlink(folders.make("own"), &linked).unwrap();
    let given = folders.make("given/.tenure").join("tenure.db");
    fs::write(&given, "").unwrap();
    chown(&theirs, Some(1234), None).unwrap();
    lchown(&linked, Some(1234), None).unwrap();
    chown(&given, Some(1234), None).unwrap();
    for folder in ["theirs", "theirs/deep", "linked", "given"] {
        for args in [&["start", "t"][..], &["list"], &["agent", "list"]] {
            let output = folders.run(folder, args);
            assert_eq!(output.code, 3, "{folder} {args:?} {output:?}");
            let allow = "TENURE_SAFE_DIRECTORY=";
            assert!(output.err.contains("the user 1234"), "{output:?}");
            assert!(output.err.contains(allow), "{output:?}");
        }
        let reply = folders.hook(folder, &[], &["pre-delegate"], &json!({"agent_id": "a"}));
        assert_eq!(reply["reason"], "store_unavailable");
        assert!(!folders.has_store("theirs/deep"));
    }
    assert!(!folders.at("theirs/.tenure/tenure.db").exists());

    let allowed = |safe: &str| {
        let mut command = folders.command("theirs/deep", &["list"]);
        command.env("TENURE_SAFE_DIRECTORY", safe);
        output_of(command).code
    };
    let theirs = folders.at("theirs").display().to_string();
    assert_eq!(allowed("*"), 0);
    assert_eq!(allowed(&format!("/elsewhere:{theirs}")), 0);
    assert_eq!(allowed("/elsewhere"), 3);
    // A store that is named may belong to another user.
    let url = format!("sqlite:{theirs}/.tenure/tenure.db");
    assert_eq!(
        folders.run("theirs", &["start", "t", "--store", &url]).code,
        0
    );

    // For root, the user who ran sudo is no other.
    let mut command = folders.command("theirs/deep", &["list"]);
    command.env("SUDO_UID", "1234");
    assert_eq!(output_of(command).code, 0);
}

#[test]
fn a_repository_and_its_worktrees_have_one_store() {
    let folders = Folders::new();
    let main = folders.make("main");
    git(&main, &["init", "-q"]);
    git(&main, &["commit", "-q", "--allow-empty", "-m", "m"]);
    git(&main, &["worktree", "add", "-q", "../linked"]);
    folders.make("linked/src");
    folders.start("linked/src", "a");
    assert!(folders.has_store("main") && !folders.has_store("linked"));
    assert_eq!(folders.ids("main"), ["a"]);
    // The store of the worktree itself is not one of the repository.
    folders.make("linked/.tenure");
    assert_eq!(folders.ids("linked"), ["a"]);
    fs::remove_dir(folders.at("linked/.tenure")).unwrap();
    git(&main, &["worktree", "remove", "--force", "../linked"]);
    assert_eq!(folders.ids("main"), ["a"]);
}

#[test]
fn the_worktrees_of_a_bare_repository_and_of_a_submodule_have_one_store() {
    let folders = Folders::new();
    let source = folders.make("source");
    git(&source, &["init", "-q"]);
    git(&source, &["commit", "-q", "--allow-empty", "-m", "m"]);
    let root = folders.root.path();
    git(root, &["clone", "-q", "--bare", "source", "bare.git"]);
    let bare = folders.at("bare.git");
    for name in ["one", "two"] {
        git(&bare, &["worktree", "add", "-q", &format!("../{name}")]);
    }
    folders.start("one", "a");
    assert_eq!(folders.ids("two"), ["a"]);
    assert_eq!(folders.ids("bare.git"), ["a"]);
    assert!(!folders.has_store("one") && !folders.has_store("two"));

    let above = folders.make("above");
    git(&above, &["init", "-q"]);
    let add = ["submodule", "--quiet", "add", "../source", "part"];
    git(
        &above,
        &[&["-c", "protocol.file.allow=always"], &add[..]].concat(),
    );
    let part = folders.at("above/part");
    git(&part, &["worktree", "add", "-q", "../../apart"]);
    folders.start("apart", "b");
    assert_eq!(folders.ids("above/part"), ["b"]);
    assert!(folders.has_store("above/part") && !folders.has_store("apart"));
    assert_eq!(folders.ids("above"), [""; 0]);
}

#[test]
fn a_git_file_that_leads_nowhere_is_the_root_of_a_repository() {
    let folders = Folders::new();
    folders.make("moved/src");
    for link in ["gitdir: /nowhere/.git/worktrees/moved\n", "", "gitdir:"] {
        fs::write(folders.at("moved/.git"), link).unwrap();
        folders.start("moved/src", "a");
        assert!(folders.has_store("moved") && !folders.has_store("moved/src"));
        fs::remove_dir_all(folders.at("moved/.tenure")).unwrap();
    }
}

#[test]
fn a_hook_asks_the_project_of_its_host_before_that_of_its_input() {
    let folders = Folders::new();
    let (of_host, of_input) = (folders.make("host/deep"), folders.make("input/deep"));
    folders.make("elsewhere");
    let metadata = r#"{"task_id":"T1"}"#;
    for folder in ["host", "input"] {
        folders.make(&format!("{folder}/.git"));
        let args = ["agent", "create", "--agent", folder, "--metadata", metadata];
        let id = folders.run(folder, &args).out.trim_end().to_owned();
        let args = ["agent", "update", &id, "--phase", "planning"];
        assert_eq!(folders.run(folder, &args).code, 0);
    }
    let found = |env: &[(&str, &Path)], agent: &str| {
        let input = json!({"agent_name": agent, "task_id": "T1", "cwd": of_input});
        let reply = folders.hook("elsewhere", env, &["pre-delegate"], &input);
        reply["should_resume"] == json!(true)
    };
    assert!(found(&[], "input") && !found(&[], "host"));
    for variable in [
        "CLAUDE_PROJECT_DIR",
        "GEMINI_PROJECT_DIR",
        "CURSOR_PROJECT_DIR",
    ] {
        let env = [(variable, &*of_host)];
        assert!(found(&env, "host") && !found(&env, "input"), "{variable}");
        // Folders that are no folders are skipped.
        let env = [(variable, Path::new("/nowhere"))];
        assert!(found(&env, "input"), "{variable}");
    }
    // A project without a store does not hide the next one.
    let elsewhere = folders.at("elsewhere");
    assert!(found(&[("CLAUDE_PROJECT_DIR", &*elsewhere)], "input"));
    assert!(!folders.has_store("elsewhere"));
}

#[test]
fn a_negative_answer_creates_no_store() {
    let folders = Folders::new();
    folders.make("here");
    for name in ["pre-delegate", "subagent-stop"] {
        for input in [json!({"agent_id": "a"}), json!({"agent_name": "b"})] {
            let reply = folders.hook("here", &[], &[name], &input);
            assert_eq!(reply["reason"], "no_existing_session");
        }
    }
    for (code, args) in [
        (1, &["pause", "a"][..]),
        (1, &["resume", "a"]),
        (1, &["complete", "a"]),
        (1, &["rm", "a"]),
        (1, &["agent", "get", "a"]),
        (1, &["agent", "update", "a", "--phase", "planning"]),
        (1, &["agent", "finalize", "a", "completed"]),
        (1, &["agent", "should-resume", "a"]),
        (0, &["agent", "cleanup"]),
        (0, &["cleanup", "--max-age", "1d"]),
        (0, &["list"]),
        (2, &["start", "t", "--id", "../a"]),
        (1, &["run", "--resume", "a", "--", "true"]),
    ] {
        let output = folders.run("here", args);
        assert_eq!(output.code, code, "{args:?} {output:?}");
        assert!(!folders.has_store("here"), "{args:?}");
    }
    // What is stored creates it.
    folders.start("here", "a");
    assert_eq!(folders.ids("here"), ["a"]);
}

#[test]
fn only_events_that_are_recorded_create_the_store() {
    let folders = Folders::new();
    let event = |folder: &str, name: &str| {
        let input = json!({
            "hook_event_name": name, "session_id": "conversation", "agent_id": "a1", "agent_type": "b",
            "cwd": folders.at(folder), "tool_name": "Task", "tool_use_id": "toolu_1",
            "tool_input": {"subagent_type": "b", "description": "d", "prompt": "p"}
        });
        for hook in ["event", "pre-delegate"] {
            folders.hook("here", &[], &[hook], &input);
        }
    };
    folders.make("here");
    for name in [
        "SubagentStart",
        "SubagentStop",
        "Stop",
        "SessionEnd",
        "Notification",
    ] {
        folders.make("project");
        event("project", name);
        assert!(!folders.has_store("project"), "{name}");
    }
    for name in ["PreToolUse", "SessionStart"] {
        folders.make(name);
        event(name, name);
        assert!(folders.has_store(name), "{name}");
        assert_eq!(folders.ids(name).len(), 1, "{name}");
    }
    assert!(!folders.has_store("here"));
}

#[test]
fn the_audit_of_a_run_creates_the_store() {
    let folders = Folders::new();
    folders.make("here");
    let run = ["key", "push", "CI", "1", "01234567", "true", "success"];
    let output = folders.run("here", &[&["dedup", "audit"], &run[..]].concat());
    assert_eq!(output.code, 0, "{output:?}");
    assert!(folders.at("here/.tenure/tenure.db").exists());
}
