//! Concurrent starts in one slot.

use super::{REFUSED, plan};
use crate::common::Place;

#[test]
fn a_pessimistic_start_waits_while_the_slot_is_locked() {
    let place = Place::new();
    let url = place.url();
    let lease = |command: &str| {
        let args = [
            "lease",
            command,
            "slot:T1/plan",
            "--holder",
            "x",
            "--store",
            &url,
        ];
        place.run(&args)
    };
    assert_eq!(lease("acquire").code, 0);
    let busy = plan(&place, "opus", &["--pessimistic", "--retries", "1"]);
    assert_eq!((busy.code, busy.out.as_str()), (REFUSED, ""));
    assert!(busy.err.starts_with("tenure: busy: "), "{busy:?}");
    // A start without `--pessimistic` does not need the lock.
    assert_eq!(plan(&place, "opus", &["--id", "old"]).out, "old\n");
    let args = [
        "slot",
        "start",
        "T1",
        "plan",
        "it",
        "--model",
        "opus",
        "--pessimistic",
    ];
    let waits = place
        .command(&[&args[..], &["--retries", "1000"]].concat())
        .spawn();
    let waits = waits.unwrap();
    assert_eq!(lease("release").code, 0);
    let waited = waits.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(waited.stdout).unwrap(), "old\n");
}

#[test]
fn one_of_two_concurrent_starts_creates_the_session() {
    let scale: f64 = std::env::var("TENURE_TEST_SCALE").map_or(0.1, |scale| scale.parse().unwrap());
    let rounds = (100.0 * scale).ceil() as u32;
    for url in ["sqlite:tenure.db", "file:sessions"] {
        for locking in [&[][..], &["--pessimistic", "--retries", "1000"]] {
            let place = Place::new();
            for round in 0..rounds {
                let task = format!("T{round}");
                let args = [
                    "slot", "start", &task, "plan", "it", "--model", "opus", "--store", url,
                ];
                let args = [&args[..], locking].concat();
                let running: Vec<_> = (0..2)
                    .map(|_| place.command(&args).spawn().unwrap())
                    .collect();
                let outputs: Vec<_> = running
                    .into_iter()
                    .map(|child| child.wait_with_output().unwrap())
                    .collect();
                let messages = outputs
                    .iter()
                    .map(|output| String::from_utf8_lossy(&output.stderr));
                let created = messages.filter(|message| message.starts_with("tenure: created: "));
                assert_eq!(created.count(), 1, "{url} {outputs:?}");
                assert_eq!(outputs[0].stdout, outputs[1].stdout, "{url} {outputs:?}");
                assert!(
                    outputs.iter().all(|output| output.status.success()),
                    "{url} {outputs:?}"
                );
            }
            let all = place.run_ok(&["list", "--trash", "include", "--store", url]);
            assert_eq!(all.lines().count(), rounds as usize);
        }
    }
}
