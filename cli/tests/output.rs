//! Snapshots of the output, on a terminal of 80 columns and without a terminal.

use crate::common::{Place, assert_snapshot, plain};
use snapbox::str;

/// A store with sessions of several statuses.
fn filled() -> Place {
    let place = Place::new();
    let at = |now: &str, args: &[&str]| {
        let args = [args, &["--now", now]].concat();
        let output = place.run(&args);
        assert_eq!((output.code, &*output.err), (0, ""), "{args:?}");
    };
    let long = "Find out why the nightly build takes twice as long since last week, and mend it";
    at(
        "2026-01-02T03:04:05Z",
        &["start", long, "--id", "old", "--mode", "developer"],
    );
    at(
        "2026-01-02T04:00:00Z",
        &["fail", "old", "The build server is gone"],
    );
    at(
        "2026-01-08T17:00:00Z",
        &[
            "start",
            "Fix the login page\nand its tests",
            "--id",
            "session_mk5x3f0a_0123456789abc",
            "--user",
            "u42",
            "--channel",
            "c7",
            "--workspace",
            "/srv/app",
            "--max-iterations",
            "20",
            "--context",
            r#"{"branch":"login","files":["a.ts","b.ts"]}"#,
            "--metadata",
            r#"{"model":"small","tokens":{"prompt":1200,"completion":300},"cost":0.25}"#,
        ],
    );
    let id = "session_mk5x3f0a_0123456789abc";
    at(
        "2026-01-08T17:30:00Z",
        &["pause", id, "--reason", "Waiting for approval of the plan"],
    );
    at(
        "2026-01-08T18:05:00Z",
        &["start", "日本語のテスト", "--id", "wide"],
    );
    at(
        "2026-01-08T18:05:29Z",
        &["start", "Say hello", "--id", "done", "--mode", "developer"],
    );
    at("2026-01-08T18:05:30Z", &["complete", "done", "Hello"]);
    place
}

#[test]
fn a_list_on_a_terminal_is_a_table_that_fits() {
    let shown = plain(&filled().on_terminal(&["list"]));
    assert_snapshot(
        &shown,
        str![[r#"
ID                              STATUS     ITER   AGE  TASK
done                            completed  0/100  0s   Say hello
wide                            active     0/100  30s  日本語のテスト
session_mk5x3f0a_0123456789abc  paused     0/20   35m  Fix the login page and i…
old                             failed     0/100  6d   Find out why the nightly…

"#]],
    );
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_list_without_a_terminal_is_a_line_for_each_session() {
    assert_snapshot(
        filled().run(&["list"]).out,
        str![[r#"
done	completed	developer	0/100	2026-01-08T18:05:30.000Z	Say hello
wide	active	agent	0/100	2026-01-08T18:05:00.000Z	日本語のテスト
session_mk5x3f0a_0123456789abc	paused	agent	0/20	2026-01-08T17:30:00.000Z	Fix the login page and its tests
old	failed	developer	0/100	2026-01-02T04:00:00.000Z	Find out why the nightly build takes twice as long since last week, and mend it

"#]],
    );
}

#[test]
fn a_session_on_a_terminal_shows_its_properties_and_last_events() {
    let shown = filled().on_terminal(&["show", "session_mk5x3f0a_0123456789abc"]);
    assert_snapshot(
        plain(&shown),
        str![[r#"
session_mk5x3f0a_0123456789abc  paused

  Task          Fix the login page
                and its tests
  Mode          agent
  User          u42
  Channel       c7
  Workspace     /srv/app
  Iterations    0 of 20
  Started       2026-01-08 17:00:00 UTC, 1h ago
  Updated       2026-01-08 17:30:00 UTC, 35m ago
  Context       {"branch":"login","files":["a.ts","b.ts"],
                "pausedAt":"2026-01-08T17:30:00.000Z","pauseReason":"Waiting for
                approval of the plan"}
  Metadata      {"model":"small","tokens":{"prompt":1200,"completion":300},
                "cost":0.25}
  Version       2

Events
  2026-01-08
  1  17:00:00  start  {"task":"Fix the login page\nand its tests","mode":"agent…
  2  17:30:00  pause  {"reason":"Waiting for approval of the plan"}

"#]],
    );
}

#[test]
fn a_long_text_wraps_at_spaces() {
    assert_snapshot(
        plain(&filled().on_terminal(&["show", "old"])),
        str![[r#"
old  failed

  Task          Find out why the nightly build takes twice as long since last
                week, and mend it
  Mode          developer
  Iterations    0 of 100
  Started       2026-01-02 03:04:05 UTC, 6d ago
  Updated       2026-01-02 04:00:00 UTC, 6d ago
  Ended         2026-01-02 04:00:00 UTC, 6d ago
  Error         The build server is gone
  Version       2

Events
  2026-01-02
  1  03:04:05  start  {"task":"Find out why the nightly build takes twice as lo…
  2  04:00:00  error  {"error":"The build server is gone"}

"#]],
    );
}

#[test]
fn only_a_terminal_gets_colours() {
    let place = filled();
    assert_snapshot(
        place
            .on_terminal(&["list", "--limit", "1"])
            .replace('\x1b', "ESC"),
        str![[r#"
ESC[2mIDESC[0m    ESC[2mSTATUSESC[0m     ESC[2mITERESC[0m   ESC[2mAGEESC[0m  ESC[2mTASKESC[0m
ESC[1mdoneESC[0m  ESC[34mcompletedESC[0m  0/100  0s   Say hello

"#]],
    );
    assert!(!place.run(&["show", "done"]).out.contains('\x1b'));
    let mut command = place.command(&["show", "done"]);
    command.env("NO_COLOR", "1");
    assert!(!crate::common::terminal(command).contains('\x1b'));
}

#[test]
fn events_are_a_line_each() {
    let place = filled();
    let id = "session_mk5x3f0a_0123456789abc";
    assert_snapshot(
        place.run(&["events", id]).out,
        str![[r#"
1	2026-01-08T17:00:00.000Z	start	{"task":"Fix the login page\nand its tests","mode":"agent","workspace":"/srv/app"}
2	2026-01-08T17:30:00.000Z	pause	{"reason":"Waiting for approval of the plan"}

"#]],
    );
    assert_snapshot(
        plain(&place.on_terminal(&["events", id])),
        str![[r#"
2026-01-08
1  17:00:00  start  {"task":"Fix the login page\nand its tests","mode":"agent",…
2  17:30:00  pause  {"reason":"Waiting for approval of the plan"}

"#]],
    );
}

#[test]
fn a_distribution_shows_the_percentiles_of_each_group_and_the_iterations() {
    assert_snapshot(
        filled().run(&["stats", "--by", "model"]).out,
        str![[r#"
SESSIONS  DURATION P50  P95          COST P50  P95     TOKENS P50  P95   MODEL
4         1.0 s         55 min 55 s  0.0000    0.2500  0           1500  (all)
3         1.0 s         55 min 55 s  0.0000    0.0000  0           0     (none)
1         -             -            0.2500    0.2500  1500        1500  small

ITERATIONS   SESSIONS
0            4
1 to 5       0
6 to 10      0
11 to 20     0
21 to 50     0
51 to 100    0
101 to 200   0
201 or more  0

"#]],
    );
}

#[test]
fn statistics_show_only_statuses_that_occur() {
    assert_snapshot(
        filled().run(&["stats"]).out,
        str![[r#"
Sessions              4
  active              1
  paused              1
  completed           1
  failed              1
Completed of all      25.0 %
Completed of finished 50.0 %
Iterations            0.0 per session
Tokens                1500 (1200 prompt, 300 completion)
Cost                  0.2500

SESSIONS  TOKENS  COST    MODE
2         1500    0.2500  agent
2         0       0.0000  developer

SESSIONS  TOKENS  COST    MODEL
1         1500    0.2500  small

"#]],
    );
}

#[test]
fn an_empty_list_prints_a_message_on_a_terminal_only() {
    let place = Place::with_empty_store();
    assert_snapshot(
        plain(&place.on_terminal(&["list"])),
        str![[r#"
No sessions.

"#]],
    );
    assert_eq!(place.run(&["list"]).out, "");
}

#[test]
fn a_change_prints_one_line() {
    let place = filled();
    let id = "session_mk5x3f0a_0123456789abc";
    let mut transcript = String::new();
    for args in [
        &["resume", id, "--add-iterations", "5"][..],
        &["pause", id],
        &["fail", id, "Nobody answers"],
        &["fork", id, "--new-id", "again"],
        &["rm", "old"],
        &["restore", "old"],
        &["rm", "--permanent", "old"],
        &["cleanup", "--max-age", "0s", "--dry-run"],
        &["cleanup", "--max-age", "0s"],
        &["cleanup", "--trash", "--max-age", "0s"],
        &["check"],
    ] {
        let output = place.run(args);
        transcript += &format!("$ tenure {}\n{}{}", args.join(" "), output.out, output.err);
    }
    assert_snapshot(
        transcript,
        str![[r#"
$ tenure resume session_mk5x3f0a_0123456789abc --add-iterations 5
session_mk5x3f0a_0123456789abc is active, 0 of 25 iterations used
$ tenure pause session_mk5x3f0a_0123456789abc
session_mk5x3f0a_0123456789abc is paused
$ tenure fail session_mk5x3f0a_0123456789abc Nobody answers
session_mk5x3f0a_0123456789abc is failed
$ tenure fork session_mk5x3f0a_0123456789abc --new-id again
again
$ tenure rm old
old is in the trash
$ tenure restore old
old is restored
$ tenure rm --permanent old
old is permanently removed
$ tenure cleanup --max-age 0s --dry-run
session_mk5x3f0a_0123456789abc
done
tenure: 2 sessions would be moved to the trash
$ tenure cleanup --max-age 0s
session_mk5x3f0a_0123456789abc
done
tenure: 2 sessions moved to the trash
$ tenure cleanup --trash --max-age 0s
session_mk5x3f0a_0123456789abc
done
tenure: 2 sessions permanently removed
$ tenure check
2 sessions and 7 records read, no problems

"#]],
    );
}

#[test]
fn an_error_says_what_is_wrong_and_what_to_do() {
    let place = filled();
    let mut transcript = String::new();
    for args in [
        &["show", "nobody"][..],
        &["pause", "nobody"],
        &["pause", "old"],
        &["pause", "../etc"],
        &["start", "t", "--context", "{"],
        &["cleanup", "--max-age", "soon"],
        &["list", "--limit", "1001", "--json"],
        &["list", "--status", "busy"],
        &["list", "--store", "nowhere"],
        &["list", "--now", "today"],
        &["shwo"],
    ] {
        let output = place.run(args);
        let (code, out, err) = (output.code, output.out, output.err);
        transcript += &format!("$ tenure {}\n{out}{err}[{code}]\n", args.join(" "));
    }
    assert_snapshot(
        transcript,
        str![[r#"
$ tenure show nobody
tenure: there is no session nobody
[1]
$ tenure pause nobody
tenure: there is no session nobody
[1]
$ tenure pause old
tenure: session old cannot go from failed to paused; from failed it can go to no other status
[1]
$ tenure pause ../etc
tenure: "../etc" is not a valid session id: use 1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit
[2]
$ tenure start t --context {
tenure: --context: expected JSON; it ends too early at line 1, column 1
[2]
$ tenure cleanup --max-age soon
error: invalid value 'soon' for '--max-age <DURATION>': "soon" is not a duration such as "30d", "24h" or "5m"

For more information, try '--help'.
[2]
$ tenure list --limit 1001 --json
{"error":{"code":"INVALID_ARGUMENT","message":"limit: expected 1 to 1000, got 1001","details":{"what":"limit","problem":"expected 1 to 1000, got 1001"}}}
[2]
$ tenure list --status busy
error: invalid value 'busy' for '--status <STATUS,...>'
  [possible values: active, paused, completed, failed, timeout, abandoned]

For more information, try '--help'.
[2]
$ tenure list --store nowhere
tenure: "nowhere" is not a store that this build can open: expected sqlite:./file.db, file:./directory, postgres://user@host/database, registry: or memory:, or for leases and runs git:origin
[2]
$ tenure list --now today
error: invalid value 'today' for '--now <TIME>': "today" is not a time such as 2026-01-08T18:05:30Z

For more information, try '--help'.
[2]
$ tenure shwo
error: unrecognized subcommand 'shwo'

  tip: a similar subcommand exists: 'show'

Usage: tenure [OPTIONS] <COMMAND>

For more information, try '--help'.
[2]

"#]],
    );
}
