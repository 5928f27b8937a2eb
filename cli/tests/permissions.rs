//! The permissions of every file and folder that the command creates.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::common::{bare, output_of};

fn bits(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The paths below a folder, and their permissions.
fn below(folder: &Path) -> BTreeSet<(String, u32)> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut below(&path));
        }
        found.insert((path.display().to_string(), bits(&path)));
    }
    found
}

/// Commands that create all that the command can create: stores, exports, archives, audit logs, outputs
/// of a step and the registry.
const COMMANDS: &[&[&str]] = &[
    &["start", "t", "--id", "a"],
    &["export", "a", "-o", "a.json"],
    &[
        "slot", "start", "T1", "plan", "--model", "m1", "t", "--id", "b",
    ],
    &["copy", "sqlite:./.tenure/tenure.db", "file:./files/deep"],
    &["copy", "file:./files/deep", "sqlite:./copies/deep/a.db"],
    &["rm", "a"],
    &["purge", "--older-than", "0s", "--archive", "archive/deep"],
    &["dedup", "admit", "push", "CI", "1", "01234567"],
    &[
        "dedup", "audit", "k", "push", "CI", "1", "01234567", "true", "success",
    ],
    &["dedup", "log", "--out", "audit/deep"],
    &["lease", "acquire", "k", "--holder", "h"],
    &["run", "--task", "t", "--", "true"],
    &["start", "t", "--store", "file:./other"],
];

/// The folder in which all commands have run with these arguments.
fn created(args: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_owned();
    for command in COMMANDS {
        let mut command: Command = bare(folder.path(), &[args, command].concat());
        command.env("HOME", &home).env("PATH", "/usr/bin:/bin");
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("XDG_RUNTIME_DIR", home.join("runtime"));
        command.env("GITHUB_OUTPUT", home.join("outputs"));
        let output = output_of(command);
        assert_eq!(output.code, 0, "{output:?}");
    }
    folder
}

#[test]
fn everything_that_is_created_is_private() {
    let folder = created(&[]);
    let all = below(folder.path());
    let shown: Vec<_> = all
        .iter()
        .map(|(path, bits)| format!("{bits:o} {path}"))
        .collect();
    for (path, bits) in &all {
        let expected = match Path::new(path).is_dir() {
            true => 0o700,
            false => 0o600,
        };
        assert_eq!(*bits, expected, "{path}\n{}", shown.join("\n"));
    }
    for made in [
        "a.json",
        "outputs",
        "audit/deep",
        "archive/deep/a.json",
        "copies/deep/a.db",
    ] {
        assert!(folder.path().join(made).exists(), "{made}");
    }
}

#[test]
fn an_option_grants_more() {
    for granted in [&["--file-mode", "660"][..], &["--file-mode=0o660"]] {
        let folder = created(granted);
        for (path, bits) in below(folder.path()) {
            let is_registry = path.contains("/state");
            let expected = match (Path::new(&path).is_dir(), is_registry) {
                (true, false) => 0o770,
                (false, false) => 0o660,
                // The registry is private to its user.
                (true, true) => 0o700,
                (false, true) => 0o600,
            };
            assert_eq!(bits, expected, "{path}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare(folder.path(), &["start", "t"]);
    command.env("TENURE_FILE_MODE", "640");
    assert_eq!(output_of(command).code, 0);
    assert_eq!(bits(&folder.path().join(".tenure/tenure.db")), 0o640);
    assert_eq!(bits(&folder.path().join(".tenure")), 0o750);
    for refused in ["777", "400", "66", "x", "0x180"] {
        let command = bare(folder.path(), &["list", "--file-mode", refused]);
        assert_eq!(output_of(command).code, 2, "{refused}");
    }
}

#[test]
fn what_exists_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let set = |name: &str, bits| {
        let path = folder.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    };
    fs::create_dir_all(folder.path().join(".tenure")).unwrap();
    set(".tenure", 0o755);
    fs::write(folder.path().join("a.json"), "").unwrap();
    set("a.json", 0o644);
    for args in [
        &["start", "t", "--id", "a"][..],
        &["export", "a", "-o", "a.json"],
    ] {
        assert_eq!(output_of(bare(folder.path(), args)).code, 0);
    }
    assert_eq!(bits(&folder.path().join(".tenure")), 0o755);
    assert_eq!(bits(&folder.path().join("a.json")), 0o644);
    assert_eq!(bits(&folder.path().join(".tenure/tenure.db")), 0o600);
}
