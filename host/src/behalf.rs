//! A process of this machine on whose behalf this process acts. A short-lived command cannot hold
//! leases itself; it acquires them for the shell or the agent that ran it.

use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::process::{Host, Liveness, Process};

use crate::process::{HOST, OWN, described, uuid};

/// The host of a call that is made on behalf of another process.
#[derive(Debug)]
pub struct OnBehalf(Process);

impl OnBehalf {
    /// The process with this PID and session id; `None` if no process has the PID. Without a session id
    /// one is derived from the identity of the process: it is the same for all calls on its behalf, and
    /// differs from that of the next process with the PID.
    pub fn of(pid: u32, session: Option<&str>) -> Option<Self> {
        let process = described(pid);
        if HOST.liveness(&process) == Liveness::Dead {
            return None;
        }
        let session = match session {
            Some(session) => session.to_owned(),
            None => name(&process),
        };
        Some(Self(Process {
            session: session.into(),
            ..process
        }))
    }

    /// The parent process; `None` if it is not visible.
    pub fn parent(session: Option<&str>) -> Option<Self> {
        Self::of(parent()?, session)
    }
}

impl Host for OnBehalf {
    fn process(&self) -> Option<&Process> {
        Some(&self.0)
    }

    fn liveness(&self, process: &Process) -> Liveness {
        HOST.liveness(process)
    }
}

/// A session id derived from the identity of a process, which no other process has.
fn name(process: &Process) -> String {
    let plain = |text: &Option<tenure_core::Text>| text.clone().unwrap_or_default().into_string();
    let parts = [
        plain(&process.boot_id),
        plain(&process.pid_namespace),
        process.pid.unwrap_or_default().to_string(),
        process.start_time.unwrap_or_default().to_string(),
        plain(&process.hostname),
    ];
    let digest = Fingerprint::of("process", parts.join("\n")).bits();
    uuid(digest.to_be_bytes(), OWN)
}

/// The PID of the parent process. A process of another container has the PID 0.
#[cfg(unix)]
fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id()).filter(|&pid| pid > 0)
}

#[cfg(not(unix))]
fn parent() -> Option<u32> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn session(behalf: &OnBehalf) -> String {
        behalf.0.session.as_str().to_owned()
    }

    #[test]
    fn a_derived_session_id_is_stable_and_unique_to_a_process() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let of = |pid| OnBehalf::of(pid, None);
        let (first, again) = (of(child.id()).unwrap(), of(child.id()).unwrap());
        let own = of(std::process::id()).unwrap();
        assert_eq!(first.0, again.0);
        assert_ne!(session(&first), session(&own));
        assert_eq!(first.liveness(&first.0), Liveness::Alive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(first.liveness(&first.0), Liveness::Dead);
        assert!(of(child.id()).is_none());
    }

    #[test]
    fn a_process_with_a_reused_pid_has_another_session_id() {
        let own = OnBehalf::of(std::process::id(), None).unwrap().0;
        let next = Process {
            start_time: own.start_time.map(|start| start + 1),
            ..own.clone()
        };
        assert_ne!(name(&own), name(&next));
        assert_eq!(own.session.as_str(), name(&own));
    }

    #[test]
    fn a_given_session_id_is_used() {
        let parent = OnBehalf::parent(Some("5f0c")).unwrap();
        assert_eq!(session(&parent), "5f0c");
        assert_eq!(parent.0.pid, Some(std::os::unix::process::parent_id()));
    }
}
