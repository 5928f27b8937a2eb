//! What the tests of the command share: the real binary, run in a folder of its own, with and
//! without a terminal.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "some tests are about Linux alone")
)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tenure_bridge::Options;
use tenure_host::Local;

/// A present for tests, so that what is printed stays the same.
pub(crate) const NOW: &str = "2026-01-08T18:05:30Z";

/// A folder with a store, and the command in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

/// What a command has come to.
#[derive(Debug, PartialEq)]
pub(crate) struct Ended {
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

    /// The URL of the store that commands here use.
    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("tenure.db").display())
    }

    /// The store, opened without the command.
    pub(crate) fn store(&self) -> Local {
        Local::open(&self.url(), &Options::default()).unwrap()
    }

    /// The command in this folder, at a fixed time.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bare(self.folder.path(), args);
        command.env("TENURE_STORE", self.url());
        // Where the processes of this machine meet, for these tests.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        if !args.contains(&"--now") {
            command.args(["--now", NOW]);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    /// What a command prints that must succeed, without the line break at its end.
    pub(crate) fn says(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{args:?}");
        ended.out.trim_end().to_owned()
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &str) -> Ended {
        let mut command = self.command(args);
        let child = command.stdin(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(stdin.as_bytes())
            .unwrap();
        of(child.wait_with_output().unwrap())
    }

    /// What a command prints on a terminal of 80 columns, with the codes for colours.
    #[cfg(target_os = "linux")]
    pub(crate) fn on_terminal(&self, args: &[&str]) -> String {
        terminal(self.command(args))
    }
}

/// The command with nothing but its arguments.
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

pub(crate) fn ended(mut command: Command) -> Ended {
    of(command.output().unwrap())
}

fn of(output: std::process::Output) -> Ended {
    Ended {
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

/// Runs a command on a terminal of 80 columns at which something has been typed: its exit code, and
/// what it shows after what was typed.
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
    // The terminal keeps it until somebody reads it.
    master.write_all(typed.as_bytes()).unwrap();
    command.stdin(input).stdout(output).stderr(error);
    let mut child = command.spawn().unwrap();
    // The command's ends are closed here, so that the terminal hangs up when it ends.
    drop(command);
    let mut said = Vec::new();
    let mut part = [0; 4096];
    // A terminal that hangs up is an error, not an end.
    while let Ok(count @ 1..) = master.read(&mut part) {
        said.extend_from_slice(&part[..count]);
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    let shown = String::from_utf8(said).unwrap().replace("\r\n", "\n");
    (code, shown.strip_prefix(typed).unwrap_or(&shown).to_owned())
}

/// Text without the codes for colours.
pub(crate) fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}
