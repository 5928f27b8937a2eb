//! The identity of this process, and the liveness of other processes on this machine. Everything is
//! read when it is first needed.
//!
//! On Linux a process is identified by its PID, its start time, the boot ID and the PID namespace, which
//! `/proc` shows. Other systems need calls that safe Rust does not have: there the liveness of other
//! processes is unknown, and a lease ends when it expires.

use std::sync::{Arc, OnceLock};

use tenure_core::value::process::{Host, Liveness, Process};

/// This machine as a host.
pub static HOST: ThisHost = ThisHost(OnceLock::new());

/// The host of this machine, to be shared by calls.
pub fn this_host() -> Arc<dyn Host> {
    static SHARED: OnceLock<Arc<dyn Host>> = OnceLock::new();
    Arc::clone(SHARED.get_or_init(|| Arc::new(Shared)))
}

/// [`HOST`], as a value that can be shared.
#[derive(Debug)]
struct Shared;

impl Host for Shared {
    fn process(&self) -> Option<&Process> {
        HOST.process()
    }

    fn liveness(&self, process: &Process) -> Liveness {
        HOST.liveness(process)
    }
}

/// The host of this machine: the identity of this process, and the liveness of others.
#[derive(Debug)]
pub struct ThisHost(OnceLock<Option<Process>>);

impl Host for ThisHost {
    fn process(&self) -> Option<&Process> {
        self.0.get_or_init(this_process).as_ref()
    }

    fn liveness(&self, process: &Process) -> Liveness {
        let Some(pid) = process.pid else {
            return Liveness::Unknown;
        };
        // The boot ID and the PID namespace identify this machine, and are read once.
        let Some(here) = self.process() else {
            return Liveness::Unknown;
        };
        let same_namespace = here.boot_id.is_some()
            && here.pid_namespace.is_some()
            && here.boot_id == process.boot_id
            && here.pid_namespace == process.pid_namespace;
        if same_namespace {
            observed_liveness(pid, process.start_time)
        } else {
            Liveness::Unknown
        }
    }
}

/// This process; `None` without random bits for its session id, because a process without a unique
/// id must not hold leases.
fn this_process() -> Option<Process> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(Process {
        session: uuid(bits, RANDOM).into(),
        ..described(std::process::id())
    })
}

/// The UUID version for random bits.
const RANDOM: u128 = 4;
/// The UUID version for custom formats.
pub(crate) const OWN: u128 = 8;

/// A UUID with these bits.
pub(crate) fn uuid(bits: [u8; 16], version: u128) -> String {
    const VARIANT: u128 = 0x2 << 62;
    let bits = u128::from_be_bytes(bits) & !(0xf << 76) & !(0x3 << 62);
    let bits = bits | version << 76 | VARIANT;
    let digits = format!("{bits:032x}");
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    parts.join("-")
}

/// The identity of a process in the PID namespace of this one.
#[cfg(target_os = "linux")]
pub(crate) fn described(pid: u32) -> Process {
    let line = |path| {
        let text = std::fs::read_to_string(path).ok()?;
        Some(text.trim_end().into()).filter(|text: &tenure_core::Text| !text.as_str().is_empty())
    };
    Process {
        pid: Some(pid),
        start_time: std::fs::read(format!("/proc/{pid}/stat"))
            .ok()
            .and_then(|stat| linux::Stat::read(&stat))
            .map(|stat| stat.start_time),
        boot_id: line("/proc/sys/kernel/random/boot_id"),
        pid_namespace: std::fs::read_link("/proc/self/ns/pid")
            .ok()
            .map(|target| target.to_string_lossy().into_owned().into()),
        hostname: line("/proc/sys/kernel/hostname"),
        ..Process::default()
    }
}

/// The identity of a process without a boot ID: its PID is for display and is not compared.
#[cfg(not(target_os = "linux"))]
pub(crate) fn described(pid: u32) -> Process {
    let hostname = std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME"));
    Process {
        pid: Some(pid),
        hostname: hostname.ok().map(|name| name.as_str().into()),
        ..Process::default()
    }
}

#[cfg(target_os = "linux")]
use linux::observed_liveness;

#[cfg(not(target_os = "linux"))]
fn observed_liveness(_: u32, _: Option<u64>) -> Liveness {
    Liveness::Unknown
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};

    use super::Liveness;

    /// The fields of `/proc/<pid>/stat` that identify a process and show whether it runs.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Stat {
        state: u8,
        /// The start time in clock ticks since the machine started.
        pub(super) start_time: u64,
    }

    impl Stat {
        /// Parses a `stat` file. The second field is the name of the program in parentheses. The
        /// name may contain any characters, so the other fields are read after the last
        /// parenthesis.
        pub(super) fn read(stat: &[u8]) -> Option<Self> {
            let name_end = stat.iter().rposition(|&byte| byte == b')')?;
            let rest = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
            let mut fields = rest.split_ascii_whitespace();
            let state = fields.next()?.bytes().next()?;
            // The state is the third field, and the start time is the 22nd.
            let start_time = fields.nth(18)?.parse().ok()?;
            Some(Self { state, start_time })
        }
    }

    /// Whether the process with this PID and start time runs.
    pub(super) fn observed_liveness(pid: u32, start_time: Option<u64>) -> Liveness {
        let stat = std::fs::read(format!("/proc/{pid}/stat"))
            .ok()
            .and_then(|stat| Stat::read(&stat));
        match stat {
            // A zombie has ended, and its parent has not read its exit code yet.
            Some(Stat {
                state: b'Z' | b'X' | b'x',
                ..
            }) => Liveness::Dead,
            Some(stat) if start_time.is_some_and(|start| start != stat.start_time) => {
                Liveness::Dead
            }
            Some(_) => Liveness::Alive,
            None => signal(pid),
        }
    }

    /// Checks without `/proc`, which may hide the processes of other users.
    fn signal(pid: u32) -> Liveness {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        match pid.map(test_kill_process) {
            // The process runs, and this process may not signal it.
            Some(Ok(()) | Err(Errno::PERM)) => Liveness::Alive,
            Some(Err(Errno::SRCH)) | None => Liveness::Dead,
            Some(Err(_)) => Liveness::Unknown,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_program_name_with_parentheses_and_spaces_is_parsed() {
            let fields = (4..=30).map(|field| field.to_string());
            let fields: Vec<String> = fields.collect();
            let stat = format!("7 (a) Z 1 (b)) S {}", fields.join(" "));
            let read = Stat::read(stat.as_bytes());
            assert_eq!(
                read,
                Some(Stat {
                    state: b'S',
                    start_time: 22
                })
            );
            for broken in ["", "7 (a", "7 (a) S", "7 (a) S 1 2 3"] {
                assert_eq!(Stat::read(broken.as_bytes()), None, "{broken}");
            }
        }

        #[test]
        fn an_unused_pid_is_dead() {
            // A PID above the maximum of Linux.
            assert_eq!(observed_liveness(u32::MAX, Some(1)), Liveness::Dead);
            assert_eq!(observed_liveness(1 << 30, Some(1)), Liveness::Dead);
            assert_eq!(observed_liveness(0, None), Liveness::Dead);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_version_of_its_bits() {
        let (none, all) = ([0; 16], [0xff; 16]);
        assert_eq!(uuid(none, RANDOM), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(all, RANDOM), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(all, OWN), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}
