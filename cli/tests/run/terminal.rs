//! A command on a terminal of its own.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command};

use super::{Place, process_in, until, until_gone};

/// Runs a command on a terminal of its own; the other end of it.
fn on_a_terminal(mut command: Command) -> (Child, fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap();
    let terminal = fs::File::options()
        .read(true)
        .write(true)
        .open(path.to_str().unwrap())
        .unwrap();
    let child = command
        .stdin(terminal.try_clone().unwrap())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal)
        .spawn()
        .unwrap();
    (child, controller.into())
}

#[test]
fn on_a_terminal_the_command_reads_it_and_gets_what_is_pressed() {
    let place = Place::new();
    let up_to = |terminal: &mut fs::File, end: &str| {
        let mut said = String::new();
        until(end, || {
            let mut buffer = [0; 1024];
            let length = terminal.read(&mut buffer).unwrap();
            said.push_str(&String::from_utf8_lossy(&buffer[..length]));
            said.contains(end).then_some(())
        });
    };
    for (before, after, code, error) in [
        ("", "exec sleep 1000", 130, "ended by SIGINT"),
        // Whether it ends is its own affair; its trap is set before it says hello.
        ("trap 'echo no' INT;", "read next; exit 4", 4, "exit code 4"),
    ] {
        let script = format!("{before} read name; echo \"hello $name\"; {after}");
        let mut command = Command::new("setsid");
        command
            .args([
                "--ctty",
                "--wait",
                env!("CARGO_BIN_EXE_tenure"),
                "run",
                "-q",
                "--task",
                "t",
            ])
            .args(["--", "sh", "-c", &script])
            .env("TENURE_STORE", &place.url);
        let (mut child, mut terminal) = on_a_terminal(command);
        terminal.write_all(b"you\n").unwrap();
        up_to(&mut terminal, "hello you");
        terminal.write_all(b"\x03").unwrap();
        if code == 4 {
            up_to(&mut terminal, "no");
            terminal.write_all(b"next\n").unwrap();
        }
        let ended = until("the end", || child.try_wait().unwrap());
        assert_eq!(ended.code(), Some(code));
        assert_eq!(place.session()["error"], error);
    }
}

#[test]
fn a_timeout_ends_the_processes_on_a_terminal_too() {
    let place = Place::new();
    let script = "trap '' TERM; sh -c 'trap : TERM; echo $$ > grandchild; while :; do sleep 0.1; done' & \
                  while :; do sleep 0.1; done";
    let mut command = Command::new("setsid");
    command
        .args([
            "--ctty",
            "--wait",
            env!("CARGO_BIN_EXE_tenure"),
            "run",
            "-q",
            "--task",
            "t",
        ])
        .args([
            "--timeout",
            "3s",
            "--grace",
            "300ms",
            "--",
            "sh",
            "-c",
            script,
        ])
        .env("TENURE_STORE", &place.url)
        .current_dir(place.path());
    let (mut child, _terminal) = on_a_terminal(command);
    let ended = until("the end", || child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(124));
    until_gone(process_in(&place.path().join("grandchild")));
}
