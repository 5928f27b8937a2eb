//! What this process uses: its CPU time, and its memory. Linux says it in `/proc`, and safe Rust reads it there;
//! elsewhere it is unknown.

use tenure_apps::metrics::own::ProcessUse;
use tenure_core::Host;

use crate::process::HOST;

/// Reads what this process uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessMeter;

impl ProcessMeter {
    /// What this process uses now.
    pub fn read(self) -> ProcessUse {
        ProcessUse {
            name: name(),
            cpu_us: cpu_us(),
            resident_bytes: resident_bytes(),
            pool: None,
        }
    }
}

/// The name of the machine, and the PID. Two containers may have one name and one PID; their host names differ as a
/// rule.
fn name() -> String {
    let host = HOST.process().and_then(|process| process.hostname.as_ref());
    let host = host.map_or("localhost", |host| host.as_str());
    format!("{host}:{}", std::process::id())
}

#[cfg(target_os = "linux")]
fn cpu_us() -> Option<u64> {
    use rustix::time::{ClockId, clock_gettime};
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(used.tv_sec).ok()?;
    let micros = u64::try_from(used.tv_nsec).ok()? / 1000;
    Some(seconds.saturating_mul(1_000_000).saturating_add(micros))
}

#[cfg(not(target_os = "linux"))]
fn cpu_us() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> Option<u64> {
    resident_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

#[cfg(not(target_os = "linux"))]
fn resident_bytes() -> Option<u64> {
    None
}

/// The resident memory that a `/proc/PID/status` states.
#[cfg(target_os = "linux")]
fn resident_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1024))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_cpu_time_and_memory() {
        let first = ProcessMeter.read();
        // Some work, whose result is looked at.
        let sum = (0..3_000_000_u64).fold(0_u64, |sum, n| sum ^ n.wrapping_mul(sum | 1));
        let second = ProcessMeter.read();
        assert!(second.cpu_us > first.cpu_us, "{first:?} {second:?} {sum}");
        assert!(first.resident_bytes.unwrap() > 1 << 18, "{first:?}");
        assert!(first.name.ends_with(&format!(":{}", std::process::id())));
    }

    #[test]
    fn the_resident_memory_is_read_from_its_line() {
        let status = "Name:\tnode\nVmPeak:\t  99 kB\nVmRSS:\t    2048 kB\nThreads:\t9\n";
        assert_eq!(resident_of(status), Some(2 << 20));
        for other in ["", "VmRSS:\t\n", "VmRSS:\t1 MB\n", "VmRSS:\t-1 kB\n"] {
            assert_eq!(resident_of(other), None, "{other:?}");
        }
    }
}
