//! A server of a test's own, which can be stopped, killed and started again, and the programs of servers.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server.
pub(crate) struct Server {
    pub(crate) folder: TempDir,
    programs: PathBuf,
    pub(crate) port: u16,
    pub(crate) settings: Vec<String>,
}

impl Server {
    /// A server that is not started yet.
    pub(crate) fn new() -> Self {
        let programs = std::env::var("TENURE_TEST_POSTGRES_BIN")
            .expect("TENURE_TEST_POSTGRES_BIN is not set; run `node scripts/postgres.mjs ...`");
        let server = Self {
            folder: folder(),
            programs: programs.into(),
            port: free_port(),
            settings: Vec::new(),
        };
        let made = program(&server.programs.join("initdb"))
            .current_dir(server.folder.path())
            .args([
                "-U",
                "postgres",
                "--auth=trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(server.data())
            .status();
        assert!(made.unwrap().success());
        server
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn control(&self, arguments: &[&str]) -> bool {
        let status = program(&self.programs.join("pg_ctl"))
            .current_dir(self.folder.path())
            .arg("-D")
            .arg(self.data())
            .args(arguments)
            .status();
        status.unwrap().success()
    }

    pub(crate) fn start(&self) {
        assert!(self.try_start(), "{}", self.log());
    }

    /// Starts it; `false` if it does not start.
    fn try_start(&self) -> bool {
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.path().display()),
            "fsync=off".to_owned(),
        ];
        let settings = settings.iter().chain(&self.settings);
        let settings: Vec<String> = settings.map(|setting| format!("-c {setting}")).collect();
        let log = self.log_path();
        let log = log.to_str().unwrap();
        self.control(&[
            "-w",
            "-t",
            "60",
            "-l",
            log,
            "-o",
            &settings.join(" "),
            "start",
        ])
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What it has written to its log.
    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Ends the server as if it had crashed.
    pub(crate) fn kill(&self) {
        assert!(self.control(&["-w", "-m", "immediate", "stop"]));
    }

    /// Kills the server's first process, as the system does when memory runs out, and starts it again. The processes
    /// of its connections end when they notice; until then a server does not start in the same folder.
    pub(crate) fn kill_and_start(&self) {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = text.lines().next().unwrap().trim();
        let killed = Command::new("sh")
            .args(["-c", &format!("kill -9 {pid}")])
            .status();
        assert!(killed.unwrap().success());
        let began = Instant::now();
        while !self.try_start() {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control(&["-w", "-m", "immediate", "stop"]);
    }
}

/// A program as the user that may run a server: this one, unless it is root.
pub(crate) fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.env("LC_ALL", "C");
    #[cfg(unix)]
    if let Some((user, group)) = other_user() {
        use std::os::unix::process::CommandExt;
        command.uid(user).gid(group);
    }
    command
}

/// The user and the group `postgres`, if this process is root.
fn other_user() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse::<u32>()
            .unwrap()
    };
    (number(&["-u"]) == 0).then(|| (number(&["-u", "postgres"]), number(&["-g", "postgres"])))
}

/// A folder that the user of a server may write to.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("tenure-pg-")
        .tempdir()
        .unwrap();
    give(folder.path());
    folder
}

pub(crate) fn give(path: &Path) {
    #[cfg(unix)]
    if let Some((user, group)) = other_user() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
