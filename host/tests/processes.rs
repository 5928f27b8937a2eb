//! The liveness of real processes: this one, ended ones, and processes with a reused PID.

use std::fs;
use std::process::{Child, Command, Stdio};

use tenure_core::value::process::{Host, Liveness, Process};
use tenure_host::HOST;

/// A process that waits until it is killed.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        let child = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// The process as this host identifies it.
    fn process(&self) -> Process {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let mut fields = stat.rsplit(')').next().unwrap().split_whitespace();
        Process {
            session: "another".into(),
            pid: Some(self.0.id()),
            start_time: Some(fields.nth(19).unwrap().parse().unwrap()),
            ..this().clone()
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn this() -> &'static Process {
    HOST.process().unwrap()
}

#[test]
fn this_process_has_one_identity_and_is_alive() {
    assert_eq!(this().pid, Some(std::process::id()));
    assert!(this().boot_id.is_some() && this().pid_namespace.is_some());
    assert!(this().start_time.is_some() && this().hostname.is_some());
    let elsewhere = std::thread::spawn(|| HOST.process().cloned()).join();
    assert_eq!(elsewhere.unwrap().as_ref(), Some(this()));
    assert_eq!(HOST.liveness(this()), Liveness::Alive);
}

#[test]
fn an_ended_process_is_dead_even_as_a_zombie() {
    let mut sleeper = Sleeper::start();
    let process = sleeper.process();
    assert_eq!(HOST.liveness(&process), Liveness::Alive);
    sleeper.0.kill().unwrap();
    // The process is a zombie until its parent reads its exit code.
    while HOST.liveness(&process) == Liveness::Alive {
        std::thread::yield_now();
    }
    assert_eq!(HOST.liveness(&process), Liveness::Dead);
    sleeper.0.wait().unwrap();
    assert_eq!(HOST.liveness(&process), Liveness::Dead);
}

#[test]
fn a_process_with_a_reused_pid_is_another_process() {
    let sleeper = Sleeper::start();
    let before = Process {
        start_time: sleeper.process().start_time.map(|start| start - 1),
        ..sleeper.process()
    };
    assert_eq!(HOST.liveness(&before), Liveness::Dead);
}

#[test]
fn the_liveness_of_processes_of_other_machines_boots_and_namespaces_is_unknown() {
    let sleeper = Sleeper::start();
    let elsewhere = [
        Process {
            boot_id: Some("another".into()),
            ..sleeper.process()
        },
        Process {
            boot_id: None,
            ..sleeper.process()
        },
        Process {
            pid_namespace: Some("pid:[1]".into()),
            ..sleeper.process()
        },
        Process {
            pid_namespace: None,
            ..sleeper.process()
        },
        Process {
            pid: None,
            ..sleeper.process()
        },
        Process::default(),
    ];
    for process in elsewhere {
        assert_eq!(HOST.liveness(&process), Liveness::Unknown, "{process:?}");
    }
}

#[test]
fn the_first_process_is_alive_for_every_user() {
    let init = Process {
        pid: Some(1),
        start_time: None,
        ..this().clone()
    };
    assert_eq!(HOST.liveness(&init), Liveness::Alive);
}
