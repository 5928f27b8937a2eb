//! The completion scripts, in the shells that are installed, and the ids that they ask for.

use std::fs;
use std::process::Command;

use crate::common::{Place, bare, output_of};

/// A place with three sessions, the last of them the newest, and with the command on the path.
fn place() -> Place {
    let place = Place::new();
    for (id, minute) in [
        ("review-one", "1"),
        ("review-two", "2"),
        ("deploy-one", "3"),
    ] {
        let now = format!("2026-01-08T18:0{minute}:00Z");
        place.run_ok(&["start", "t", "--id", id, "--now", &now]);
    }
    let bin = place.folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tenure"), bin.join("tenure")).unwrap();
    place
}

/// The ids for a command line whose last word is completed.
fn ids(place: &Place, words: &[&str]) -> Vec<String> {
    // No other option may follow the words.
    let mut command = bare(
        place.folder.path(),
        &[&["__complete", "--"], words].concat(),
    );
    command.env("TENURE_STORE", place.url());
    let output = output_of(command);
    assert_eq!((output.code, output.err.as_str()), (0, ""), "{words:?}");
    output.out.lines().map(str::to_owned).collect()
}

/// The exit code of a program that runs another one, which is not there.
const NOT_INSTALLED: i32 = 127;

/// Runs a script in a shell, without the user's settings. `None` where the shell is not installed.
fn shell(place: &Place, shell: &[&str], script: &str) -> Option<String> {
    let file = place.folder.path().join("script");
    fs::write(&file, script).unwrap();
    let bin = place.folder.path().join("bin");
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(&file)
        .current_dir(place.folder.path())
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("HOME", place.folder.path())
        .env("TERM", "dumb")
        .env("TENURE_STORE", place.url());
    let output = command.output().ok()?;
    if output.status.code() == Some(NOT_INSTALLED) {
        return None;
    }
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{err}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_ids_of_sessions_are_completed_newest_first() {
    let place = place();
    let all = ["deploy-one", "review-two", "review-one"];
    let reviews = ["review-two", "review-one"];
    assert_eq!(ids(&place, &["show", ""]), all);
    assert_eq!(ids(&place, &["show", "rev"]), reviews);
    assert_eq!(ids(&place, &["rm", "deploy-one", "rev"]), reviews);
    assert_eq!(ids(&place, &["agent", "get", "rev"]), reviews);
    assert_eq!(ids(&place, &["show", "-n", "3", "--json", "rev"]), reviews);
    assert_eq!(ids(&place, &["list", "--parent", "rev"]), reviews);
    assert_eq!(ids(&place, &["run", "--resume", "rev"]), reviews);
    place.run_ok(&["trash", "review-two"]);
    assert_eq!(ids(&place, &["restore", "rev"]), reviews);
    let nothing: [&str; 0] = [];
    for words in [
        &[][..],
        &[""],
        &["start", ""],
        &["show", "review-one", ""],
        &["show", "--"],
        &["list", "--status", ""],
        &["vm", "register", ""],
        &["nothing", ""],
    ] {
        assert_eq!(ids(&place, words), nothing, "{words:?}");
    }
}

#[test]
fn the_store_of_the_command_line_is_asked_and_a_missing_one_is_silent() {
    let place = place();
    let other = format!("sqlite:{}/other.db", place.folder.path().display());
    place.run_ok(&["start", "t", "--id", "other", "--store", &other]);
    assert_eq!(ids(&place, &["--store", &other, "show", ""]), ["other"]);
    let option = format!("--store={other}");
    assert_eq!(ids(&place, &["show", &option, ""]), ["other"]);
    let nothing: [&str; 0] = [];
    for missing in ["sqlite:./typo.db", "no:store", "file:./typo"] {
        assert_eq!(ids(&place, &["show", "--store", missing, ""]), nothing);
    }
    assert!(!place.folder.path().join("typo.db").exists());
}

#[test]
fn scripts_contain_no_hidden_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Place::new().run(&["completions", shell]).out;
        assert!(script.contains("cleanup"), "{shell}");
        assert!(!script.contains("run-child"), "{shell}");
        assert!(!script.contains("_users"), "{shell}");
    }
}

#[test]
fn bash_completes_commands_options_and_ids() {
    let place = place();
    let other = format!("sqlite:{}/other.db", place.folder.path().display());
    place.run_ok(&["start", "t", "--id", "other", "--store", &other]);
    let script = r#"
source <(tenure completions bash)
complete -p tenure | grep -q _tenure_with_ids
try() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _tenure_with_ids tenure "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[*]-}"
}
try tenure show ""
try tenure show rev
try tenure show --store = sqlite : "$PWD/other.db" ""
try tenure show --store sqlite : "$PWD/other.db" o
try tenure compl
try tenure show --ev
"#;
    let shown = shell(&place, &["bash", "--norc"], script).unwrap();
    assert_eq!(
        shown.lines().collect::<Vec<_>>(),
        [
            "deploy-one review-two review-one",
            "review-two review-one",
            "other",
            "other",
            "complete completions",
            "--events",
        ]
    );
}

#[test]
fn fish_completes_commands_options_and_ids() {
    let script = r"
tenure completions fish | source
complete -C 'tenure show '
complete -C 'tenure show rev'
complete -C 'tenure run --resume dep'
complete -C 'tenure complet'
";
    let Some(shown) = shell(&place(), &["fish", "--no-config"], script) else {
        return;
    };
    let words = shown.lines().filter_map(|line| line.split('\t').next());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let ids = ["deploy-one", "review-two", "review-one"];
    let reviews = ["review-two", "review-one"];
    let commands = ["complete", "completions"];
    let expected = [&ids[..], &reviews, &["deploy-one"], &commands].concat();
    assert_eq!(words, expected, "{shown}");
}

#[test]
fn zsh_completes_ids() {
    let place = place();
    let functions = place.folder.path().join("functions");
    fs::create_dir(&functions).unwrap();
    let script = place.run(&["completions", "zsh"]).out;
    fs::write(functions.join("_tenure"), script).unwrap();
    // An interactive shell within the shell, which is typed into.
    let script = r#"
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z 'PS1=; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; bindkey "^I" complete-word; print re""ady'
until [[ $line == *ready* ]]; do zpty -r z line; done
zpty -w -n z $'tenure show dep\t\n'
zpty -w z 'print do""ne'
until [[ $line == *done* ]]; do zpty -r z line; print -r -- "$line"; done
"#;
    let Some(shown) = shell(&place, &["timeout", "20", "zsh", "-f"], script) else {
        return;
    };
    assert!(shown.contains("deploy-one  active"), "{shown}");
}
