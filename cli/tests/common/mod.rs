//! Helpers of the tests: they run the real binary in a temporary folder, with and without a terminal.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "some tests are about Linux alone")
)]

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use snapbox::data::Inline;
use snapbox::{Assert, IntoData};
use tempfile::TempDir;
use tenure_bridge::Options;
use tenure_host::Local;

/// The clock override of the tests, so that the output is the same every time.
pub(crate) const NOW: &str = "2026-01-08T18:05:30Z";

/// A temporary folder with a store, in which commands run.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

/// The exit code and the output of a command.
#[derive(Debug, PartialEq)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    /// A place with a session `a` whose text has several parts.
    pub(crate) fn with_large_session() -> Self {
        let place = Self::new();
        let store = place.store();
        store.perform("start", r#"{"id":"a","task":"t","mode":"m"}"#, 0.0);
        let text = "\\u202e\\\"".repeat(120_000);
        let event = format!(r#"{{"type":"note","data":{{"text":"{text}"}}}}"#);
        let events = vec![event; 6].join(",");
        for _ in 0..4 {
            let params = format!(r#"{{"id":"a","events":[{events}]}}"#);
            let added = store.perform("addEvents", &params, 0.0);
            assert!(added.starts_with(r#"{"ok""#), "{added}");
        }
        place
    }

    /// The URL of the store.
    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("tenure.db").display())
    }

    /// The store, opened by the test itself.
    pub(crate) fn store(&self) -> Local {
        Local::open(&self.url(), &Options::default()).unwrap()
    }

    /// A place whose store exists, and is empty.
    pub(crate) fn with_empty_store() -> Self {
        let place = Self::new();
        drop(place.store());
        place
    }

    /// The command in this folder, with the clock override.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bare(self.folder.path(), args);
        command.env("TENURE_STORE", self.url());
        // The folder of the registry, and that of earlier versions.
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        command.env("XDG_RUNTIME_DIR", self.folder.path().join("runtime"));
        if !args.contains(&"--now") {
            command.args(["--now", NOW]);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> CommandOutput {
        output_of(self.command(args))
    }

    /// Runs a command that must succeed, and returns its output without the final line break.
    pub(crate) fn run_ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{args:?}");
        output.out.trim_end().to_owned()
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &str) -> CommandOutput {
        let mut command = self.command(args);
        let child = command.stdin(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let given = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        // A command that refuses its arguments may end before it reads.
        if let Err(error) = given {
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
        of(child.wait_with_output().unwrap())
    }

    /// The output of a command on a terminal of 80 columns, with the codes for colours.
    #[cfg(target_os = "linux")]
    pub(crate) fn on_terminal(&self, args: &[&str]) -> String {
        terminal(self.command(args))
    }
}

/// Makes the files of a folder old by the clock of the disk.
pub(crate) fn make_old(folder: &Path) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
}

/// The command with these arguments and an empty environment.
pub(crate) fn bare(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenure"));
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn output_of(mut command: Command) -> CommandOutput {
    of(command.output().unwrap())
}

fn of(output: std::process::Output) -> CommandOutput {
    CommandOutput {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command on a terminal of 80 columns.
#[cfg(target_os = "linux")]
pub(crate) fn terminal(command: Command) -> String {
    terminal_typing(command, "").1
}

/// Runs a command on a terminal of 80 columns with typed input. Returns its exit code, and the output
/// without the echo of the input.
#[cfg(target_os = "linux")]
pub(crate) fn terminal_typing(mut command: Command, typed: &str) -> (i32, String) {
    use std::io::Read;

    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = || open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let (input, output, error) = (slave(), slave(), slave());
    let mut master = std::fs::File::from(master);
    // The terminal buffers the input.
    master.write_all(typed.as_bytes()).unwrap();
    command.stdin(input).stdout(output).stderr(error);
    let mut child = command.spawn().unwrap();
    // Closes the command's ends in this process, so that the terminal hangs up when the command ends.
    drop(command);
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // A hangup is an error, and not the end of the file.
    while let Ok(count @ 1..) = master.read(&mut part) {
        bytes.extend_from_slice(&part[..count]);
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    let shown = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    (code, shown.strip_prefix(typed).unwrap_or(&shown).to_owned())
}

/// Asserts that an output equals a snapshot, backslashes included. `SNAPSHOTS=overwrite` updates the
/// snapshots.
#[track_caller]
pub(crate) fn assert_snapshot(output: impl IntoData, snapshot: Inline) {
    let assert = Assert::new().normalize_paths(false);
    assert.action_env("SNAPSHOTS").eq(output, snapshot);
}

/// Text without the codes for colours.
pub(crate) fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}
