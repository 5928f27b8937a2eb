//! Commands on a file system without free space. It is mounted in a namespace of a child process, which
//! requires root. Elsewhere the test prints that it was left out, or fails if `TENURE_FULL` is set.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::{Place, output_of};

/// Fills the disk after some sessions and agents were stored, and removes them in every way.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs -o size=16m tenure "$DISK"
cd "$DISK"
for id in a b c d e f; do
    "$TENURE" start t --mode m --id $id > started
    "$TENURE" complete $id "done" > completed
done
for id in w1 w2; do
    "$TENURE" agent create --agent worker --id $id --now 2020-01-01T00:00:00Z > started
done
head -c 64000000 /dev/zero > filling 2> failed || true
head -c 64000 /dev/zero > more 2> failed || true
test "$(stat -f -c %a .)" = 0
if "$TENURE" start t --mode m --context "$BIG" > /dev/null 2>&1; then echo "the disk is not full"; exit 9; fi
"$TENURE" rm --permanent a
"$TENURE" trash b
"$TENURE" purge --older-than 0s
"$TENURE" rm c
"$TENURE" agent cleanup --hours 1
"$TENURE" agent cleanup --hours 1 --purge-after 0s
"$TENURE" cleanup --max-age 0s
"$TENURE" cleanup --records
"$TENURE" cleanup --trash --max-age 0s
"$TENURE" list --json
"#;

#[test]
fn sessions_are_removed_and_cleaned_up_without_free_space() {
    let place = Place::new();
    let disk = place.folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let unshared = |script: &str, store: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", script])
            .env("DISK", &disk)
            .env("TENURE", env!("CARGO_BIN_EXE_tenure"))
            .env("TENURE_STORE", store)
            .env("BIG", format!(r#"{{"x":"{}"}}"#, "x".repeat(100_000)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        output_of(command)
    };
    if unshared("mount -t tmpfs tenure \"$DISK\"", "memory:").code != 0 {
        let everything = std::env::var("TENURE_FULL").is_ok_and(|full| full == "1");
        assert!(!everything, "file systems cannot be mounted here");
        println!("left out: file systems cannot be mounted here");
        return;
    }
    for store in ["sqlite:tenure.db", "file:sessions"] {
        let output = unshared(SCRIPT, store);
        assert_eq!(output.code, 0, "{store}: {output:#?}");
        assert!(
            output.out.contains(r#""items":[]"#),
            "{store}: {}",
            output.out
        );
    }
}
