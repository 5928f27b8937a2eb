//! What a host tells of real processes: this one, ones that have ended, and ones that only seem to
//! be the one that is meant.

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

    /// It as this host would describe it.
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
fn this_process_has_one_name_and_lives() {
    assert_eq!(this().pid, Some(std::process::id()));
    assert!(this().boot_id.is_some() && this().pid_namespace.is_some());
    assert!(this().start_time.is_some() && this().hostname.is_some());
    let elsewhere = std::thread::spawn(|| HOST.process().cloned()).join();
    assert_eq!(elsewhere.unwrap().as_ref(), Some(this()));
    assert_eq!(HOST.liveness(this()), Liveness::Alive);
}

#[test]
fn a_process_is_dead_once_it_has_ended_even_before_its_parent_looks() {
    let mut sleeper = Sleeper::start();
    let process = sleeper.process();
    assert_eq!(HOST.liveness(&process), Liveness::Alive);
    sleeper.0.kill().unwrap();
    // Until the parent asks for its exit code it is a zombie.
    while HOST.liveness(&process) == Liveness::Alive {
        std::thread::yield_now();
    }
    assert_eq!(HOST.liveness(&process), Liveness::Dead);
    sleeper.0.wait().unwrap();
    assert_eq!(HOST.liveness(&process), Liveness::Dead);
}

#[test]
fn a_number_that_was_given_again_is_another_process() {
    let sleeper = Sleeper::start();
    let before = Process {
        start_time: sleeper.process().start_time.map(|start| start - 1),
        ..sleeper.process()
    };
    assert_eq!(HOST.liveness(&before), Liveness::Dead);
}

#[test]
fn of_other_machines_starts_and_namespaces_nothing_is_known() {
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
fn the_first_process_is_alive_whosever_it_is() {
    let init = Process {
        pid: Some(1),
        start_time: None,
        ..this().clone()
    };
    assert_eq!(HOST.liveness(&init), Liveness::Alive);
}
