//! Every message that a person reads from the command: the command line, the output with the exact
//! message, and the exit code. The last test reads the sources of the command, and fails if a text of
//! theirs has no row here.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use snapbox::str;

use crate::common::{CommandOutput, NOW, Place, assert_snapshot, make_old, plain, terminal_typing};
use crate::webhooks::receiver;

/// Rows: command lines, and what each of them prints.
struct Rows {
    place: Place,
    text: String,
}

impl Rows {
    fn new() -> Self {
        Self {
            place: Place::with_empty_store(),
            text: String::new(),
        }
    }

    /// Rows after these commands, which succeed.
    fn after(lines: &[&str]) -> Self {
        let rows = Self::new();
        for line in lines {
            let output = rows.output_of(line, "");
            assert_eq!(output.code, 0, "{line}: {output:?}");
        }
        rows
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Adds a row for each command line.
    fn add(&mut self, lines: &[&str]) {
        for line in lines {
            let CommandOutput { code, out, err } = self.output_of(line, "");
            self.row(line, &(out + &err), code);
        }
    }

    /// Adds the row of a command line with this standard input.
    fn given(&mut self, input: &str, line: &str) {
        let CommandOutput { code, out, err } = self.output_of(line, input);
        self.row(&format!("{line} < input"), &(out + &err), code);
    }

    /// Adds the row of a command line on a terminal, with typed input.
    fn typed(&mut self, typed: &str, line: &str) {
        let (code, shown) = terminal_typing(self.command(line), typed);
        self.row(&format!("{line} (on a terminal)"), &plain(&shown), code);
    }

    fn row(&mut self, line: &str, shown: &str, code: i32) {
        let folder = self.place.folder.path().display().to_string();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let process = format!("process {} on {}", std::process::id(), host.trim());
        let shown = shown
            .replace(&folder, "[FOLDER]")
            .replace(&process, "process [PID] on [HOST]");
        let shown = without_generated(&shown, "held by session ", "[ID]");
        let shown = without_generated(&shown, "session_mk5", "[ID]");
        let shown = without_generated(&shown, "/msg_", "[ID]");
        let shown = without_generated(&shown, "would post to it (", "[N]");
        let shown = without_generated(&shown, "next attempt is due at 2026-01-08T18:05:", "[S]");
        let shown = without_generated(&shown, "18:05:[S].", "[MS]");
        let shown = without_generated(&shown, "agent-20260108-180530-", "[ID]");
        let shown = without_generated(&shown, "--cursor 2026-01-08T18:05:29.000Z/", "[ID]");
        let lines = shown.split_inclusive('\n').map(|line| match line {
            line if line.starts_with("size on disk") => "size on disk  [SIZE]\n",
            line => line,
        });
        let shown: String = lines.collect();
        let end = match shown.ends_with('\n') || shown.is_empty() {
            true => "",
            false => "\n",
        };
        self.text += &format!("$ {line}\n{shown}{end}[{code}]\n");
    }

    fn output_of(&self, line: &str, input: &str) -> CommandOutput {
        use std::io::Write;
        use std::process::Stdio;

        let mut command = self.command(line);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // A command that refuses its arguments may end before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        CommandOutput {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The command of a line such as `NAME=VALUE tenure start 'a task'`.
    fn command(&self, line: &str) -> std::process::Command {
        let (variables, line) = line.split_once("tenure").unwrap();
        let (line, target) = line.split_once(" > ").unwrap_or((line, ""));
        let mut words: Vec<&str> = Vec::new();
        for (index, part) in line.split('\'').enumerate() {
            match index % 2 {
                0 => words.extend(part.split_whitespace()),
                _ => words.push(part),
            }
        }
        let mut command = match words.contains(&"--now") {
            true => self.place.command(&words),
            false => self.place.command(&[&["--now", NOW], &words[..]].concat()),
        };
        if !target.is_empty() {
            let file = fs::File::create(self.path(target)).unwrap();
            command.stdout(file);
        }
        for variable in variables.split_whitespace() {
            let (name, value) = variable.split_once('=').unwrap();
            command.env(name, value);
        }
        command
    }
}

/// A text in which the letters and digits after each `start` are replaced: they are generated.
fn without_generated(text: &str, start: &str, by: &str) -> String {
    let is_generated = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let mut parts = text.split(start);
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + start + by + part.trim_start_matches(is_generated)
    })
}

#[test]
fn messages_about_arguments() {
    let mut rows = Rows::after(&[
        "tenure start 'Fix the login page' --id login-1",
        "tenure start 'Fix the login page' --id login-2",
    ]);
    rows.add(&[
        "tenure",
        "tenure shwo",
        "tenure show",
        "tenure show --evnts 3 login-1",
        "tenure list --limit 0",
        "tenure list --limit many",
        "tenure list --status busy",
        "tenure list --created-after yesterday",
        "tenure list --slot-phase think",
        "tenure list --cursor x --limit 1",
        "tenure list --now today",
        "tenure list --file-mode 777",
        "tenure lease acquire k --holder x --session y",
        "tenure lease acquire k --session ''",
        "tenure lease acquire k --for 5parsecs",
        "tenure purge --batch 0 login-1",
        "tenure list --store nowhere",
        "tenure list --store sqlite:missing.db",
        "tenure list --json --all",
        "tenure agent list --json --all",
        "tenure slot show T1 plan --events 3 --json",
        "tenure lease list --holder x --json",
        "tenure context get login-1 branch --json",
        "tenure context get login-1 --recent 3",
        "tenure lease list --limit 3",
        "tenure completions bash --json",
        "tenure completions bash --store memory:",
        "tenure copy memory: memory: --store memory:",
        "tenure dedup self-test --store memory:",
        "tenure hook --test --store memory:",
        "tenure show login",
        "tenure show login-",
        "tenure show nobody",
        "tenure list > /dev/full",
        "tenure pause ../etc",
        "tenure start t --id ../etc",
        "tenure start t --context {",
        "tenure start t --context []",
        "tenure start t --context @missing.json",
        "tenure start t --context @.",
        "tenure usage login-1",
        "tenure usage login-1 --cost -1",
        "tenure usage login-1 --cost much",
        "tenure usage login-1 --prompt many",
        "tenure start t --max-iterations many",
        "tenure start t --max-iterations 5000000000",
        "tenure lease acquire k --owner-pid me",
        "tenure context set login-1 branch",
        "tenure context set login-1 =main",
        "tenure context set login-1 attempts:=three",
        "TENURE_OWNER_PID=me tenure lease acquire k",
        "tenure lease acquire k --owner-pid 4000000000",
    ]);
    rows.given("{}", "tenure start - --context -");
    for number in 3..14 {
        let line = format!("tenure start t --id login-{number}");
        assert_eq!(rows.output_of(&line, "").code, 0);
    }
    rows.add(&["tenure show login-"]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure
error: 'tenure' requires a subcommand but one was not provided
  [subcommands: start, list, show, events, pause, resume, complete, fail, abandon, iterate, tool, usage, event, context, fork, export, import, trash, restore, rm, purge, archive, cleanup, jobs, stats, metrics, watch, ui, copy, backup, check, rotate-key, agent, hook, slot, lease, dedup, audit, vm, webhooks, run, completions]

Usage: tenure [OPTIONS] <COMMAND>

For more information, try '--help'.
[2]
$ tenure shwo
error: unrecognized subcommand 'shwo'

  tip: a similar subcommand exists: 'show'

Usage: tenure [OPTIONS] <COMMAND>

For more information, try '--help'.
[2]
$ tenure show
error: the following required arguments were not provided:
  <ID>

Usage: tenure show <ID>

For more information, try '--help'.
[2]
$ tenure show --evnts 3 login-1
error: unexpected argument '--evnts' found

  tip: a similar argument exists: '--events'

Usage: tenure show --events <N> <ID>

For more information, try '--help'.
[2]
$ tenure list --limit 0
error: invalid value '0' for '--limit <N>': expected a number of 1 or more

For more information, try '--help'.
[2]
$ tenure list --limit many
error: invalid value 'many' for '--limit <N>': expected a number of 1 or more

For more information, try '--help'.
[2]
$ tenure list --status busy
error: invalid value 'busy' for '--status <STATUS,...>'
  [possible values: active, paused, completed, failed, timeout, abandoned]

For more information, try '--help'.
[2]
$ tenure list --created-after yesterday
error: invalid value 'yesterday' for '--created-after <TIME>': "yesterday" is not a time such as 2026-01-08T18:05:30Z

For more information, try '--help'.
[2]
$ tenure list --slot-phase think
error: invalid value 'think' for '--slot-phase <PHASE,...>': expected plan, run, verify or debug, or a title such as "Plan: the parser"

For more information, try '--help'.
[2]
$ tenure list --cursor x --limit 1
tenure: --cursor: expected the cursor of the page before, with the same options
[2]
$ tenure list --now today
error: invalid value 'today' for '--now <TIME>': "today" is not a time such as 2026-01-08T18:05:30Z

For more information, try '--help'.
[2]
$ tenure list --file-mode 777
error: invalid value '777' for '--file-mode <BITS>': expected octal permissions such as 600, 640 or 660: the owner may read and write, and nobody may execute

For more information, try '--help'.
[2]
$ tenure lease acquire k --holder x --session y
error: the argument '--holder <NAME>' cannot be used with '--session <UUID>'

Usage: tenure lease acquire --holder <NAME> <KEY>

For more information, try '--help'.
[2]
$ tenure lease acquire k --session ''
error: a value is required for '--session <UUID>' but none was supplied

For more information, try '--help'.
[2]
$ tenure lease acquire k --for 5parsecs
error: invalid value '5parsecs' for '--for <DURATION>': "5parsecs" is not a duration such as "30d", "24h" or "5m"

For more information, try '--help'.
[2]
$ tenure purge --batch 0 login-1
error: invalid value '0' for '--batch <N>': expected 1 to 1000

For more information, try '--help'.
[2]
$ tenure list --store nowhere
tenure: "nowhere" is not a store that this build can open: expected sqlite:./file.db, file:./directory, postgres://user@host/database, registry: or memory:, or for leases and runs git:origin
[2]
$ tenure list --store sqlite:missing.db
tenure: the store is unavailable: there is no store sqlite:missing.db
[3]
$ tenure list --json --all
{"error":{"code":"INVALID_ARGUMENT","message":"--all: not possible with --json, which prints one page, and a cursor for the next one","details":{"what":"--all","problem":"not possible with --json, which prints one page, and a cursor for the next one"}}}
[2]
$ tenure agent list --json --all
{"error":{"code":"INVALID_ARGUMENT","message":"--all: not possible with --json, which prints one page, and a cursor for the next one","details":{"what":"--all","problem":"not possible with --json, which prints one page, and a cursor for the next one"}}}
[2]
$ tenure slot show T1 plan --events 3 --json
{"error":{"code":"INVALID_ARGUMENT","message":"--events: not possible with --json, which prints the session without its events","details":{"what":"--events","problem":"not possible with --json, which prints the session without its events"}}}
[2]
$ tenure lease list --holder x --json
{"error":{"code":"INVALID_ARGUMENT","message":"--holder: not possible with --json, which names the holder of each lease","details":{"what":"--holder","problem":"not possible with --json, which names the holder of each lease"}}}
[2]
$ tenure context get login-1 branch --json
{"error":{"code":"INVALID_ARGUMENT","message":"KEY: not possible with --json, which prints the whole context","details":{"what":"KEY","problem":"not possible with --json, which prints the whole context"}}}
[2]
$ tenure context get login-1 --recent 3
tenure: --recent: possible only with --json
[2]
$ tenure lease list --limit 3
tenure: --limit: possible only with --json
[2]
$ tenure completions bash --json
{"error":{"code":"INVALID_ARGUMENT","message":"completions: not possible with --json, because it prints a script","details":{"what":"completions","problem":"not possible with --json, because it prints a script"}}}
[2]
$ tenure completions bash --store memory:
tenure: --store: not possible here: no store is used
[2]
$ tenure copy memory: memory: --store memory:
tenure: --store: not possible here: the stores are FROM and TO
[2]
$ tenure dedup self-test --store memory:
tenure: --store: not possible here: the test has a temporary store
[2]
$ tenure hook --test --store memory:
tenure: --store: not possible here: the test has a temporary store
[2]
$ tenure show login
tenure: there is no session login; an id can be shortened to 6 characters or more
[1]
$ tenure show login-
tenure: ID: login- is the beginning of several ids: login-2, login-1; give more of it
[2]
$ tenure show nobody
tenure: there is no session nobody
[1]
$ tenure list > /dev/full
tenure: the output cannot be written: No space left on device (os error 28)
[3]
$ tenure pause ../etc
tenure: "../etc" is not a valid session id: use 1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit
[2]
$ tenure start t --id ../etc
tenure: "../etc" is not a valid session id: use 1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit
[2]
$ tenure start t --context {
tenure: --context: expected JSON; it ends too early at line 1, column 1
[2]
$ tenure start t --context []
tenure: --context: expected an object, got a list
[2]
$ tenure start t --context @missing.json
tenure: --context missing.json: cannot be read: No such file or directory (os error 2)
[2]
$ tenure start t --context @.
tenure: --context .: cannot be read: is a directory
[2]
$ tenure usage login-1
tenure: usage: expected tokens or a cost, such as --prompt 1200 or --cost 0.0042
[2]
$ tenure usage login-1 --cost -1
tenure: --cost: expected 0 to 9007199
[2]
$ tenure usage login-1 --cost much
error: invalid value 'much' for '--cost <NUMBER>': expected a number

For more information, try '--help'.
[2]
$ tenure usage login-1 --prompt many
error: invalid value 'many' for '--prompt <TOKENS>': expected a whole number

For more information, try '--help'.
[2]
$ tenure start t --max-iterations many
error: invalid value 'many' for '--max-iterations <N>': expected a whole number

For more information, try '--help'.
[2]
$ tenure start t --max-iterations 5000000000
error: invalid value '5000000000' for '--max-iterations <N>': expected 0 to 4294967295

For more information, try '--help'.
[2]
$ tenure lease acquire k --owner-pid me
error: invalid value 'me' for '--owner-pid <PID>': expected a whole number

For more information, try '--help'.
[2]
$ tenure context set login-1 branch
tenure: KEY=VALUE: expected KEY=TEXT or KEY:=JSON, got branch
[2]
$ tenure context set login-1 =main
tenure: KEY=VALUE: expected a name before the =, got =main
[2]
$ tenure context set login-1 attempts:=three
tenure: attempts: expected JSON; it is wrong at line 1, column 2; texts and names need double quotes
[2]
$ TENURE_OWNER_PID=me tenure lease acquire k
tenure: TENURE_OWNER_PID: expected a PID, got "me"
[2]
$ tenure lease acquire k --owner-pid 4000000000
tenure: --owner-pid: there is no process 4000000000 here
[2]
$ tenure start - --context - < input
tenure: --context: standard input is read by another argument; only one can be -
[2]
$ tenure show login-
tenure: ID: login- is the beginning of several ids: login-9, login-8, login-7, login-6, login-5, login-4, login-3, login-2, login-13, login-12, and others; give more of it
[2]

"#]],
    );
}

#[test]
fn messages_about_sessions() {
    let mut rows = Rows::new();
    rows.add(&[
        "tenure start 'Fix the login page' --id a --max-iterations 2",
        "tenure start t --id a",
        "tenure start t --id b --max-iterations 0",
        "tenure start t --id c --idempotency-key k",
        "tenure start other --idempotency-key k",
        "tenure pause a",
        "tenure pause a",
        "tenure resume a",
        "tenure iterate a",
        "tenure iterate a",
        "tenure iterate a --data 7",
        "tenure iterate a",
        "tenure resume a",
        "tenure resume a --add-iterations 5",
        "tenure resume a --add-iterations 4000000000",
        "tenure event add a note",
        "tenure event add a '' ",
        "tenure event add a start",
        "tenure event add a note text",
        "tenure event add a context_change",
        "tenure events a --type contextChange",
        "tenure tool a Bash",
        "tenure tool a Bash --start --call-id c",
        "tenure tool a Bash --start --call-id c",
        "tenure tool a --finish b",
        "tenure tool a --finish c",
        "tenure usage a --prompt 1200 --cost 0.5",
        "tenure usage a --cached 1000",
        "tenure context get nobody",
        "tenure context get a branch",
        "tenure fork a --at 999",
        "tenure fork a --new-id a",
        "tenure context unset a",
        "tenure context set a branch=main",
        "tenure context set a attempts=:3",
        "tenure context unset a branch=x",
        "tenure context get a --json --recent 5000",
        "tenure pause a --token 7",
        "tenure complete a Done --data '{\"pr\":123}'",
        "tenure fail a late",
        "tenure event add a note",
        "tenure show a",
        "tenure trash a",
        "tenure trash a",
        "tenure show a",
        "tenure pause a",
        "tenure trash nobody",
        "tenure restore a",
        "tenure restore a",
        "tenure rm --permanent a",
        "tenure rm --permanent a",
    ]);
    rows.write("large.json", &format!("{:?}", "x".repeat(5000)));
    for line in [
        "tenure start t --id large --context '{\"large\":1}'",
        "tenure context set large large:=@large.json",
        "tenure context set large large:=@large.json small:=1",
        "tenure context unset large large",
    ] {
        assert_eq!(rows.output_of(line, "").code, 0, "{line}");
    }
    rows.add(&["tenure fork large --at 2"]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure start 'Fix the login page' --id a --max-iterations 2
a
[0]
$ tenure start t --id a
tenure: session a exists already
[1]
$ tenure start t --id b --max-iterations 0
tenure: --max-iterations: expected 1 or more
[2]
$ tenure start t --id c --idempotency-key k
c
[0]
$ tenure start other --idempotency-key k
tenure: idempotency key "k" was used before with other parameters, for session c; use a new key for a new call
[1]
$ tenure pause a
a is paused
[0]
$ tenure pause a
tenure: session a is already paused; from paused it can go to active, completed, failed, abandoned
[1]
$ tenure resume a
a is active, 0 of 2 iterations used
[0]
$ tenure iterate a
a is active, 1 of 2 iterations used
[0]
$ tenure iterate a
a has timed out
[1]
$ tenure iterate a --data 7
tenure: session a has used 2 of 2 iterations; resume it with `tenure resume ID --add-iterations N`, or complete, fail or abandon it
[1]
$ tenure iterate a
tenure: session a has used 2 of 2 iterations; resume it with `tenure resume ID --add-iterations N`, or complete, fail or abandon it
[1]
$ tenure resume a
tenure: session a has used 2 of 2 iterations; resume it with `tenure resume ID --add-iterations N`, or complete, fail or abandon it
[1]
$ tenure resume a --add-iterations 5
a is active, 2 of 7 iterations used
[0]
$ tenure resume a --add-iterations 4000000000
a is active, 2 of 4000000007 iterations used
[0]
$ tenure event add a note
9
[0]
$ tenure event add a '' 
tenure: TYPE: expected the name of an event type
[2]
$ tenure event add a start
tenure: TYPE: "start" is recorded by `start` alone
[2]
$ tenure event add a note text
tenure: JSON: expected JSON; it is wrong at line 1, column 2; texts and names need double quotes
[2]
$ tenure event add a context_change
tenure: TYPE: "context_change" is recorded by `tenure context set` alone
[2]
$ tenure events a --type contextChange
tenure: no event of the type contextChange
[0]
$ tenure tool a Bash
10
[0]
$ tenure tool a Bash --start --call-id c
c
[0]
$ tenure tool a Bash --start --call-id c
tenure: --call-id: the call of this id is unfinished
[2]
$ tenure tool a --finish b
tenure: --finish: b is no unfinished call; `tenure context get ID --json` lists those
[2]
$ tenure tool a --finish c
12
[0]
$ tenure usage a --prompt 1200 --cost 0.5
a: 1200 tokens (1200 prompt; 0 completion), cost 0.5
[0]
$ tenure usage a --cached 1000
a: 1200 tokens (1200 prompt, 1000 of them cached; 0 completion), cost 0.5
[0]
$ tenure context get nobody
tenure: there is no session nobody
[1]
$ tenure context get a branch
tenure: the context of a has no property branch
[1]
$ tenure fork a --at 999
tenure: --at: expected at most 12, the last event
[2]
$ tenure fork a --new-id a
tenure: session a exists already
[1]
$ tenure context unset a
error: the following required arguments were not provided:
  <KEY>...

Usage: tenure context unset <ID> <KEY>...

For more information, try '--help'.
[2]
$ tenure context set a branch=main
{"branch":"main"}
[0]
$ tenure context set a attempts=:3
{"branch":"main","attempts":":3"}
tenure: attempts is the text :3; attempts:=JSON sets JSON
[0]
$ tenure context unset a branch=x
{"branch":"main","attempts":":3"}
[0]
$ tenure context get a --json --recent 5000
{"error":{"code":"INVALID_ARGUMENT","message":"recent: expected at most 1,000","details":{"what":"recent","problem":"expected at most 1,000"}}}
[2]
$ tenure pause a --token 7
tenure: the lease "session:a" is lost: it is released; stop what it guards
[1]
$ tenure complete a Done --data '{"pr":123}'
a is completed
[0]
$ tenure fail a late
tenure: session a cannot go from completed to failed; from completed it can go to no other status
[1]
$ tenure event add a note
tenure: session a is completed: it takes no more events
[1]
$ tenure show a
a  completed

  Task          Fix the login page
  Mode          agent
  Iterations    2 of 4000000007
  Started       2026-01-08 18:05:30 UTC, 0s ago
  Updated       2026-01-08 18:05:30 UTC, 0s ago
  Ended         2026-01-08 18:05:30 UTC, 0s ago
  Context       {"branch":"main","attempts":":3"}
  Metadata      {"toolsUsed":["Bash"],"tokens":{"prompt":1200,"completion":0,
                "total":1200,"cached":1000},"cost":0.5}
  Result        Done
  Result data   {"pr":123}
  Version       16

Events, the last 10 of 15
  2026-01-08
   6  18:05:30  timeout          {"iterations":2,"maxIterations":2}
   7  18:05:30  resume           {"pausedDuration":0,"addIterations":5}
   8  18:05:30  resume           {"pausedDuration":0,"recovered":true,"addItera…
   9  18:05:30  note
  10  18:05:30  tool_call        {"tool":"Bash","args":{},"result":null}
  11  18:05:30  tool_call_start  {"tool":"Bash","args":{},"callId":"c"}
  12  18:05:30  tool_call        {"tool":"Bash","args":{},"result":null,"callId…
  13  18:05:30  context_change   {"set":{"branch":"main"}}
  14  18:05:30  context_change   {"set":{"attempts":":3"}}
  15  18:05:30  complete         {"result":"Done","resultData":{"pr":123}}
[0]
$ tenure trash a
a is in the trash
[0]
$ tenure trash a
a is in the trash
[0]
$ tenure show a
a  completed

  Task          Fix the login page
  Mode          agent
  Iterations    2 of 4000000007
  Started       2026-01-08 18:05:30 UTC, 0s ago
  Updated       2026-01-08 18:05:30 UTC, 0s ago
  Ended         2026-01-08 18:05:30 UTC, 0s ago
  In trash      2026-01-08 18:05:30 UTC, 0s ago
  Context       {"branch":"main","attempts":":3"}
  Metadata      {"toolsUsed":["Bash"],"tokens":{"prompt":1200,"completion":0,
                "total":1200,"cached":1000},"cost":0.5}
  Result        Done
  Result data   {"pr":123}
  Version       17

Events, the last 10 of 15
  2026-01-08
   6  18:05:30  timeout          {"iterations":2,"maxIterations":2}
   7  18:05:30  resume           {"pausedDuration":0,"addIterations":5}
   8  18:05:30  resume           {"pausedDuration":0,"recovered":true,"addItera…
   9  18:05:30  note
  10  18:05:30  tool_call        {"tool":"Bash","args":{},"result":null}
  11  18:05:30  tool_call_start  {"tool":"Bash","args":{},"callId":"c"}
  12  18:05:30  tool_call        {"tool":"Bash","args":{},"result":null,"callId…
  13  18:05:30  context_change   {"set":{"branch":"main"}}
  14  18:05:30  context_change   {"set":{"attempts":":3"}}
  15  18:05:30  complete         {"result":"Done","resultData":{"pr":123}}
[0]
$ tenure pause a
tenure: session a is in the trash; restore it first
[1]
$ tenure trash nobody
tenure: there is no session nobody
[1]
$ tenure restore a
a is restored
[0]
$ tenure restore a
a is restored
[0]
$ tenure rm --permanent a
a is permanently removed
[0]
$ tenure rm --permanent a
tenure: there is no session a; an id can be shortened to 6 characters or more
[1]
$ tenure fork large --at 2
tenure: --at: the history does not have the value of `large` in the context of then, which was too large for it; give one with --context
[2]

"#]],
    );
}

#[test]
fn messages_about_lists_and_removal() {
    let mut rows = Rows::new();
    for line in [
        "tenure list",
        "tenure slot list T1",
        "tenure agent list",
        "tenure lease list",
        "tenure lease sweep",
    ] {
        rows.typed("", line);
    }
    rows.add(&[
        "tenure start t --id a --now 2026-01-01T00:00:00Z",
        "tenure start t --id b --now 2026-01-01T00:00:00Z",
        "tenure stats",
        "tenure stats --distribution",
        "tenure stats --by task",
        "tenure stats --groups 2",
        "tenure stats --by mode --users 2",
        "tenure check",
    ]);
    rows.add(&[
        "tenure cleanup",
        "tenure cleanup --max-age soon",
        "tenure complete a",
        "tenure complete b",
        "tenure cleanup --max-age 0s --measure born",
        "tenure cleanup --max-age 0s --dry-run",
        "tenure cleanup --max-age 0s",
        "tenure cleanup --max-age 0s --permanent",
        "tenure purge",
        "tenure purge --older-than 1d a",
        "tenure purge a --archive archive",
        "tenure cleanup --trash --max-age 0s",
        "tenure cleanup --records --dry-run",
        "tenure cleanup --records --keep-audit 1d",
        "tenure dedup audit k push ci 1 3f2a true success --now 2026-01-08T18:05:29Z",
        "tenure dedup audit k push ci 2 3f2a false skipped",
        "tenure audit --limit 1 --kind dedup",
        "tenure audit --purge 1d --dry-run",
        "tenure audit --purge 0s",
        "tenure start t --id A",
        "tenure trash A",
    ]);
    rows.write("archive/A.json", "{\"id\":\"a\"}");
    rows.write("file", "");
    rows.add(&[
        "tenure purge A --archive archive",
        "tenure purge A --archive file/archive",
    ]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure list (on a terminal)
No sessions.
[0]
$ tenure slot list T1 (on a terminal)
No sessions.
[0]
$ tenure agent list (on a terminal)
No agents.
[0]
$ tenure lease list (on a terminal)
No leases.
[0]
$ tenure lease sweep (on a terminal)
No orphans.
[0]
$ tenure start t --id a --now 2026-01-01T00:00:00Z
a
[0]
$ tenure start t --id b --now 2026-01-01T00:00:00Z
b
[0]
$ tenure stats
Sessions              2
  active              2
Completed of all      0.0 %
Completed of finished 0.0 %
Iterations            0.0 per session
Tokens                0 (0 prompt, 0 completion)
Cost                  0.0000

SESSIONS  TOKENS  COST    MODE
2         0       0.0000  agent
[0]
$ tenure stats --distribution
SESSIONS  DURATION P50  P95  COST P50  P95     TOKENS P50  P95
2         -             -    0.0000    0.0000  0           0

ITERATIONS   SESSIONS
0            2
1 to 5       0
6 to 10      0
11 to 20     0
21 to 50     0
51 to 100    0
101 to 200   0
201 or more  0
[0]
$ tenure stats --by task
error: invalid value 'task' for '--by <GROUP>'
  [possible values: mode, model, user]

For more information, try '--help'.
[2]
$ tenure stats --groups 2
error: the following required arguments were not provided:
  --by <GROUP>

Usage: tenure stats --by <GROUP> --groups <NUMBER>

For more information, try '--help'.
[2]
$ tenure stats --by mode --users 2
error: the argument '--by <GROUP>' cannot be used with '--users <NUMBER>'

Usage: tenure stats --by <GROUP>

For more information, try '--help'.
[2]
$ tenure check
2 sessions and 0 records read, no problems
[0]
$ tenure cleanup
error: the following required arguments were not provided:
  --max-age <DURATION>

Usage: tenure cleanup --max-age <DURATION>

For more information, try '--help'.
[2]
$ tenure cleanup --max-age soon
error: invalid value 'soon' for '--max-age <DURATION>': "soon" is not a duration such as "30d", "24h" or "5m"

For more information, try '--help'.
[2]
$ tenure complete a
a is completed
[0]
$ tenure complete b
b is completed
[0]
$ tenure cleanup --max-age 0s --measure born
error: invalid value 'born' for '--measure <FIELD>'
  [possible values: created, updated]

For more information, try '--help'.
[2]
$ tenure cleanup --max-age 0s --dry-run
a
b
tenure: 2 sessions would be moved to the trash
[0]
$ tenure cleanup --max-age 0s
a
b
tenure: 2 sessions moved to the trash
[0]
$ tenure cleanup --max-age 0s --permanent
tenure: 0 sessions permanently removed
[0]
$ tenure purge
error: the following required arguments were not provided:
  <ID>...

Usage: tenure purge <ID>...

For more information, try '--help'.
[2]
$ tenure purge --older-than 1d a
tenure: 0 sessions permanently removed
tenure: a was not removed: it is not in the trash, not old enough, or its process is running
[1]
$ tenure purge a --archive archive
a
tenure: 1 session permanently removed
[0]
$ tenure cleanup --trash --max-age 0s
b
tenure: 1 session permanently removed
[0]
$ tenure cleanup --records --dry-run
tenure: 0 runs and 0 entries of the audit log would be removed
[0]
$ tenure cleanup --records --keep-audit 1d
tenure: 0 runs and 0 entries of the audit log removed
[0]
$ tenure dedup audit k push ci 1 3f2a true success --now 2026-01-08T18:05:29Z
[0]
$ tenure dedup audit k push ci 2 3f2a false skipped
[0]
$ tenure audit --limit 1 --kind dedup
2026-01-08T18:05:29.000Z	dedup.run	k	{"kind":"dedup.run","time":"2026-01-08T18:05:29.000Z","subject":"k","event_type":"push","workflow":"ci","run_id":"1","commit_sha":"3f2a","executed":true,"job_status":"success","duplicate_prevented":false}
tenure: more entries may exist: --cursor 2026-01-08T18:05:29.000Z/[ID]
[0]
$ tenure audit --purge 1d --dry-run
0 entries would be removed
[0]
$ tenure audit --purge 0s
6 entries removed
[0]
$ tenure start t --id A
A
[0]
$ tenure trash A
A is in the trash
[0]
$ tenure purge A --archive archive
tenure: A was not removed: archive/A.json: the file exists and belongs to another session
tenure: 0 sessions permanently removed, 1 could not be
[1]
$ tenure purge A --archive file/archive
tenure: --archive: file/archive cannot be created: file is no directory
[2]

"#]],
    );
}

#[test]
fn messages_about_agents() {
    let mut rows = Rows::new();
    rows.add(&[
        "tenure agent create --agent ''",
        "tenure agent create --agent worker --id w1",
        "tenure agent create --agent worker --id w2 --max-iterations 0",
        "tenure agent update w1 --phase planning",
        "tenure agent update w1 --phase resting",
        "tenure show w1",
        "tenure agent update w1",
        "tenure agent update nobody --phase planning",
        "tenure agent get nobody",
        "tenure agent should-resume w1",
        "tenure agent should-resume nobody",
        "tenure agent approve w1 --by alice",
        "tenure agent request-approval w1",
        "tenure agent update w1 --phase executing",
        "tenure agent finalize w1 completed",
        "tenure agent finalize w1 resting",
        "tenure resume w1",
        "tenure complete w1",
        "tenure event add w1 phase",
        "tenure agent approve w1 --by alice",
        "tenure agent approve w1 --by alice",
        "tenure agent deny w1 --by bob",
        "tenure agent finalize w1 completed",
        "tenure agent finalize w1 failed",
        "tenure agent update w1 --phase executing",
        "tenure agent stats --store memory:",
        "tenure agent cleanup --hours 0 --dry-run",
        "tenure agent cleanup --hours 0",
        "tenure agent get w1",
        "tenure agent cleanup --hours 0 --purge-after 0s --dry-run",
        "tenure agent cleanup --hours 0 --purge-after 0s",
    ]);
    for number in 0..22 {
        let line = format!("tenure agent create --agent worker-{number} --id w{number}");
        assert_eq!(rows.output_of(&line, "").code, 0);
    }
    rows.typed("", "tenure agent list --limit 1");
    rows.add(&["tenure agent stats"]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure agent create --agent ''
tenure: --agent: expected the agent's name
[2]
$ tenure agent create --agent worker --id w1
w1
[0]
$ tenure agent create --agent worker --id w2 --max-iterations 0
tenure: --max-iterations: expected 1 or more
[2]
$ tenure agent update w1 --phase planning
w1 is in phase planning, ready to resume
[0]
$ tenure agent update w1 --phase resting
error: invalid value 'resting' for '--phase <PHASE>'
  [possible values: initializing, investigating, planning, approval, executing, validating, completed, failed, abandoned]

  tip: a similar value exists: 'executing'

For more information, try '--help'.
[2]
$ tenure show w1
w1  active, planning

  Task          
  Mode          worker
  Iterations    0 of 100
  Started       2026-01-08 18:05:30 UTC, 0s ago
  Updated       2026-01-08 18:05:30 UTC, 0s ago
  Resume ready  yes
  Errors        0
  Version       2

Events
  2026-01-08
  1  18:05:30  start  {"task":"","mode":"worker"}
  2  18:05:30  phase  {"from":"initializing","to":"planning"}
[0]
$ tenure agent update w1
w1 is in phase planning, ready to resume
[0]
$ tenure agent update nobody --phase planning
tenure: there is no session nobody
[1]
$ tenure agent get nobody
tenure: there is no session nobody
[1]
$ tenure agent should-resume w1
yes: resumable: it was active 0 s ago and can go on; its phase: planning
[0]
$ tenure agent should-resume nobody
no: not_found: there is no such session, or it is in the trash
[1]
$ tenure agent approve w1 --by alice
tenure: the phase of agent w1 is planning: it does not wait for approval; ask for it with `tenure agent request-approval` first
[1]
$ tenure agent request-approval w1
w1 is in phase approval, waiting for approval
[0]
$ tenure agent update w1 --phase executing
tenure: agent w1 waits for an approval; approve or deny it first, or override the request with --override
[1]
$ tenure agent finalize w1 completed
tenure: agent w1 waits for an approval; approve or deny it first, or override the request with --override
[1]
$ tenure agent finalize w1 resting
error: invalid value 'resting' for '<OUTCOME>'
  [possible values: completed, failed, abandoned]

For more information, try '--help'.
[2]
$ tenure resume w1
tenure: agent w1 waits for an approval; approve or deny it first, or override the request with --override
[1]
$ tenure complete w1
tenure: agent w1 waits for an approval; approve or deny it first, or override the request with --override
[1]
$ tenure event add w1 phase
tenure: TYPE: "phase" is recorded of an agent by `tenure agent update`, `tenure agent approve` and `tenure agent deny` alone
[2]
$ tenure agent approve w1 --by alice
w1 is in phase approval, ready to resume
[0]
$ tenure agent approve w1 --by alice
w1 is in phase approval, ready to resume
[0]
$ tenure agent deny w1 --by bob
tenure: the request of agent w1 was approved by alice at 2026-01-08T18:05:30.000Z, which is final; request an approval again
[1]
$ tenure agent finalize w1 completed
w1 is in phase completed
[0]
$ tenure agent finalize w1 failed
tenure: the phase of agent w1 is completed: it is final and leads to no other; create a new agent, or fork this one
[1]
$ tenure agent update w1 --phase executing
tenure: the phase of agent w1 is completed: it is final and leads to no other; create a new agent, or fork this one
[1]
$ tenure agent stats --store memory:
Agents          0, 0 not finalized
Created         0.0 per day
Resumed         0 of 0 times
Last cleanup    never

METRIC                VALUE  TARGET        
resumed               -      > 60.0 %      
resumed successfully  -      > 80.0 %      
median duration       -      < 5 min 0 s   
95th percentile       -      < 30 min 0 s  
error rate            -      < 10.0 %      
stored text           -      < 100.0 MB    
[0]
$ tenure agent cleanup --hours 0 --dry-run
w1
tenure: 1 session would be moved to the trash
[0]
$ tenure agent cleanup --hours 0
w1
tenure: 1 session moved to the trash
[0]
$ tenure agent get w1
{
  "agent_id": "w1",
  "agent_name": "worker",
  "purpose": "",
  "created_at": "2026-01-08T18:05:30Z",
  "last_updated": "2026-01-08T18:05:30Z",
  "phase": "completed",
  "metadata": {},
  "resume_ready": false,
  "history": [
    {
      "from_phase": "initializing",
      "to_phase": "planning",
      "timestamp": "2026-01-08T18:05:30Z"
    },
    {
      "from_phase": "planning",
      "to_phase": "approval",
      "timestamp": "2026-01-08T18:05:30Z"
    },
    {
      "from_phase": "approval",
      "to_phase": "completed",
      "timestamp": "2026-01-08T18:05:30Z"
    }
  ],
  "error_count": 0,
  "last_error": null,
  "finalized_at": "2026-01-08T18:05:30Z",
  "duration_seconds": 0.0,
  "summary": null,
  "deleted_at": "2026-01-08T18:05:30Z",
  "approval": {
    "state": "approved",
    "requested_at": "2026-01-08T18:05:30Z",
    "by": "alice",
    "decided_at": "2026-01-08T18:05:30Z"
  }
}
tenure: the agent is in the trash; `tenure restore w1` restores it
[0]
$ tenure agent cleanup --hours 0 --purge-after 0s --dry-run
tenure: 0 sessions would be moved to the trash
tenure: 1 session would be permanently removed from the trash
[0]
$ tenure agent cleanup --hours 0 --purge-after 0s
tenure: 0 sessions moved to the trash
tenure: 1 session permanently removed from the trash
[0]
$ tenure agent list --limit 1 (on a terminal)
ID  PHASE         AGE  ERR  AGENT     PURPOSE
w9  initializing  0s   0    worker-9  
More agents exist: use --all or --limit N.
[0]
$ tenure agent stats
Agents          22, 22 not finalized
  initializing  22
Created         22.0 per day
Resumed         0 of 0 times
Stored text     694 B
Last cleanup    2026-01-08T18:05:30.000Z

METRIC                VALUE     TARGET        
resumed               -         > 60.0 %      
resumed successfully  -         > 80.0 %      
median duration       -         < 5 min 0 s   
95th percentile       -         < 30 min 0 s  
error rate            0.0 %     < 10.0 %      ok
size on disk  [SIZE]

SESSIONS  AGENT
1         worker-0
1         worker-1
1         worker-10
1         worker-11
1         worker-12
1         worker-13
1         worker-14
1         worker-15
1         worker-16
1         worker-17
1         worker-18
1         worker-19
1         worker-2
1         worker-20
1         worker-21
1         worker-3
1         worker-4
1         worker-5
1         worker-6
1         worker-7
and 2 more agents
[0]

"#]],
    );
}

#[test]
fn messages_about_slots() {
    let mut rows = Rows::new();
    rows.add(&[
        "tenure slot show T1 plan",
        "tenure slot show T1 think",
        "tenure slot start T1 plan 'Plan it' --model opus --id old",
        "tenure slot start T1 plan 'Plan it' --model opus",
        "tenure slot start '' plan 'Plan it' --model opus",
        "tenure slot start T1 plan 'Plan it' --model haiku",
        "tenure slot start T1 plan 'Plan it' --model haiku --confirm old",
        "tenure slot start T1 plan 'Plan it' --model haiku --confirm old@9",
        "tenure slot start T1 plan 'Plan it' --model haiku --on-model-change reject",
        "tenure slot start T1 plan 'Plan it' --model {",
        "tenure slot start T1 plan 'Plan it' --model haiku --retries 2",
        "tenure slot replace T1 plan 'Plan it' --model haiku --export-old missing/old.json",
    ]);
    rows.typed("n\n", "tenure slot start T1 plan 'Plan it' --model haiku");
    rows.typed(
        "n\n",
        "tenure slot start T1 plan 'Plan it' --model haiku --export-old old.json",
    );
    rows.add(&[
        "tenure slot replace T1 plan 'Plan it' --model haiku --id new",
        "tenure restore old",
        "tenure slot start T1 plan 'Plan it' --model haiku --models opus",
        "tenure pause new --models opus",
        "tenure show new --models opus",
        "tenure slot list T1 --models opus",
        "tenure list --models opus",
    ]);
    rows.typed("", "tenure list --models opus");
    rows.typed("", "tenure slot list T1 --models opus");
    rows.add(&[
        "tenure slot replace T1 plan 'Plan it' --model sonnet --id last --export-old /dev/full",
    ]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure slot show T1 plan
tenure: slot T1/plan is free
[1]
$ tenure slot show T1 think
error: invalid value 'think' for '<PHASE>': expected plan, run, verify or debug, or a title such as "Plan: the parser"

For more information, try '--help'.
[2]
$ tenure slot start T1 plan 'Plan it' --model opus --id old
old
tenure: created: The session was started.
[0]
$ tenure slot start T1 plan 'Plan it' --model opus
old
tenure: existing: This model is already at work on it. Open the session to follow its progress.
[0]
$ tenure slot start '' plan 'Plan it' --model opus
tenure: TASK_ID: expected 1 to 500 bytes, got 0
[2]
$ tenure slot start T1 plan 'Plan it' --model haiku
tenure: needs_confirmation: Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it?
tenure: slot T1/plan holds old with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
tenure: to replace it: tenure --now 2026-01-08T18:05:30Z slot start T1 plan 'Plan it' --model haiku --confirm old@1
[1]
$ tenure slot start T1 plan 'Plan it' --model haiku --confirm old
error: invalid value 'old' for '--confirm <ID@VERSION>': expected an id and a version, such as session_1@3

For more information, try '--help'.
[2]
$ tenure slot start T1 plan 'Plan it' --model haiku --confirm old@9
tenure: busy: This session is being changed right now. Wait a moment and try again.
tenure: slot T1/plan holds old with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
[1]
$ tenure slot start T1 plan 'Plan it' --model haiku --on-model-change reject
tenure: rejected: Another model has begun this, and its session may not be replaced.
tenure: slot T1/plan holds old with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
[1]
$ tenure slot start T1 plan 'Plan it' --model {
tenure: --model: expected JSON; it ends too early at line 1, column 1
[2]
$ tenure slot start T1 plan 'Plan it' --model haiku --retries 2
error: the following required arguments were not provided:
  --pessimistic

Usage: tenure slot start --model <MODEL> --pessimistic --retries <N> <TASK_ID> <PHASE> <TASK>

For more information, try '--help'.
[2]
$ tenure slot replace T1 plan 'Plan it' --model haiku --export-old missing/old.json
tenure: --export-old: missing/old.json cannot be written: No such file or directory (os error 2)
[2]
$ tenure slot start T1 plan 'Plan it' --model haiku (on a terminal)
tenure: slot T1/plan holds old with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N, e to export it first) tenure: the session is unchanged
[1]
$ tenure slot start T1 plan 'Plan it' --model haiku --export-old old.json (on a terminal)
tenure: slot T1/plan holds old with the model opus: version 1, active, 0 of 100 iterations used, updated 0s ago
Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it? (y/N) tenure: the session is unchanged
[1]
$ tenure slot replace T1 plan 'Plan it' --model haiku --id new
new
tenure: replaced: The session was started. The one before it is in the trash.
[0]
$ tenure restore old
tenure: session old cannot take the slot plan of task "T1": session new occupies it; put that one into the trash first
[1]
$ tenure slot start T1 plan 'Plan it' --model haiku --models opus
tenure: the model "haiku" is not available, so no session was started; choose one of the available models
[1]
$ tenure pause new --models opus
new is paused
[0]
$ tenure show new --models opus
new  paused

  Task          Plan it
  Mode          agent
  Slot          T1/plan
  Model         haiku (model not found)
  Iterations    0 of 100
  Started       2026-01-08 18:05:30 UTC, 0s ago
  Updated       2026-01-08 18:05:30 UTC, 0s ago
  Context       {"pausedAt":"2026-01-08T18:05:30.000Z"}
  Version       2

Events
  2026-01-08
  1  18:05:30  start  {"task":"Plan it","mode":"agent"}
  2  18:05:30  pause
[0]
$ tenure slot list T1 --models opus
new	T1	plan	paused	haiku	missing	2026-01-08T18:05:30.000Z	Plan it
[0]
$ tenure list --models opus
new	paused	agent	0/100	2026-01-08T18:05:30.000Z	Plan it
[0]
$ tenure list --models opus (on a terminal)
ID   STATUS  ITER   AGE  TASK
new  paused  0/100  0s   (model not found) Plan it
[0]
$ tenure slot list T1 --models opus (on a terminal)
TASK  PHASE  ID   STATUS  AGE  MODEL
T1    plan   new  paused  0s   haiku (not found)
[0]
$ tenure slot replace T1 plan 'Plan it' --model sonnet --id last --export-old /dev/full
last
tenure: replaced: The session was started. The one before it is in the trash.
tenure: the output cannot be written: /dev/full: No space left on device (os error 28); the session was replaced, and `tenure export new` prints it
[3]

"#]],
    );
}

#[test]
fn messages_about_leases_and_machines() {
    let mut rows = Rows::new();
    rows.add(&[
        "tenure lease acquire deploy --holder ci --for 10m",
        "tenure lease acquire deploy --holder other",
        "tenure lease acquire deploy",
        "tenure lease acquire build",
        "tenure lease acquire build --holder other",
        "tenure lease acquire '' --holder ci",
        "tenure lease acquire deploy --holder ''",
        "tenure lease acquire deploy --holder ci --for 0s",
        "tenure lease acquire deploy --holder ci --data []",
        "tenure lease renew deploy --token 7 --holder ci",
        "tenure lease release deploy --holder other",
        "tenure lease release deploy --holder ci",
        "tenure lease release deploy --holder ci",
        "tenure lease list --cursor x",
        "tenure lease list --json --limit 0",
        "tenure lease clear",
        "tenure lease clear --force",
        "tenure lease stats --holder ci",
        "tenure vm show --holder ci",
        "tenure vm register '' --zone a --holder ci",
        "tenure vm register builder-1 --zone a --holder ci",
        "tenure vm register builder-2 --zone a --holder ci",
        "tenure vm unregister builder-2 --holder ci",
        "tenure vm unregister builder-1 --holder ci",
        "tenure vm unregister --holder ci",
        "tenure lease sweep --exec ''",
        "tenure lease sweep --exec 'rm \"x'",
        "tenure lease sweep --exec 'rm \\'",
        "tenure lease sweep --exec 'rm x'",
        "tenure vm register builder-3 --zone a --holder ci",
        "tenure lease sweep --now 2026-02-08T18:05:30Z",
        "tenure lease sweep --exec 'false {vmId}' --now 2026-02-08T18:05:30Z",
        "tenure lease sweep --exec 'no-such-program {vmId}' --now 2026-02-08T18:05:30Z",
        "tenure lease sweep --exec 'sh -c \"exec sleep 600\" sh {vmId}' --timeout 100ms --now 2026-02-08T18:05:30Z",
        "tenure lease sweep --exec 'true {vmId}' --timeout 0s",
        "tenure lease sweep --timeout 1m",
    ]);
    let other = env!("CARGO_BIN_EXE_tenure");
    let other = format!("'{other}' lease sweep --exec 'true {{vmId}}' --now 2026-02-08T18:05:30Z");
    rows.write("other.sh", &other);
    rows.add(&[
        "tenure lease sweep --exec 'sh other.sh {vmId}' --now 2026-02-08T18:05:30Z",
        "tenure lease sweep --exec 'true {vmId}' --now 2026-02-08T18:05:30Z",
    ]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure lease acquire deploy --holder ci --for 10m
1
[0]
$ tenure lease acquire deploy --holder other
tenure: deploy is held by ci, until 2026-01-08T18:15:30.000Z
[1]
$ tenure lease acquire deploy
tenure: deploy is held by ci, until 2026-01-08T18:15:30.000Z
[1]
$ tenure lease acquire build
1
[0]
$ tenure lease acquire build --holder other
tenure: build is held by session [ID], process [PID] on [HOST]
[1]
$ tenure lease acquire '' --holder ci
tenure: KEY: expected 1 to 512 bytes, got 0
[2]
$ tenure lease acquire deploy --holder ''
tenure: --holder: expected 1 to 512 bytes, got 0
[2]
$ tenure lease acquire deploy --holder ci --for 0s
tenure: --for: expected a duration above 0
[2]
$ tenure lease acquire deploy --holder ci --data []
tenure: --data: expected an object, got a list
[2]
$ tenure lease renew deploy --token 7 --holder ci
tenure: deploy is no longer held with this token
[1]
$ tenure lease release deploy --holder other
tenure: deploy is held by ci with the token 1
[1]
$ tenure lease release deploy --holder ci
deploy is released
[0]
$ tenure lease release deploy --holder ci
tenure: deploy was not held
[0]
$ tenure lease list --cursor x
tenure: --cursor: possible only with --json
[2]
$ tenure lease list --json --limit 0
error: invalid value '0' for '--limit <N>': expected a number of 1 or more

For more information, try '--help'.
[2]
$ tenure lease clear
tenure: --force: required, because it takes leases of running owners, too
[2]
$ tenure lease clear --force
1 lease cleared
[0]
$ tenure lease stats --holder ci
Sessions      0
VMs           0
Orphans       0
Leases        0 held, 0 stale, 2 released
Own session   ci
  process     -
  host        -
  VM          no VM
[0]
$ tenure vm show --holder ci
tenure: this owner has no VM
[1]
$ tenure vm register '' --zone a --holder ci
tenure: ID: expected 1 to 509 bytes, got 0
[2]
$ tenure vm register builder-1 --zone a --holder ci
builder-1 is registered
[0]
$ tenure vm register builder-2 --zone a --holder ci
tenure: builder-2 is not registered: its owner has another machine, or it has another owner
[1]
$ tenure vm unregister builder-2 --holder ci
tenure: builder-2 is not registered to this owner
[1]
$ tenure vm unregister builder-1 --holder ci
builder-1 is unregistered
[0]
$ tenure vm unregister --holder ci
tenure: the machine is not registered to this owner
[1]
$ tenure lease sweep --exec ''
tenure: --exec: expected a command, but it is empty
[2]
$ tenure lease sweep --exec 'rm "x'
tenure: --exec: expected a command, but the quote " is not closed
[2]
$ tenure lease sweep --exec 'rm \'
tenure: --exec: expected a command, but it ends with a backslash
[2]
$ tenure lease sweep --exec 'rm x'
tenure: --exec: expected {vmId} in the command, to name the machine
[2]
$ tenure vm register builder-3 --zone a --holder ci
builder-3 is registered
[0]
$ tenure lease sweep --now 2026-02-08T18:05:30Z
builder-3	orphaned	a	2026-01-08T18:05:30.000Z
[1]
$ tenure lease sweep --exec 'false {vmId}' --now 2026-02-08T18:05:30Z
builder-3	orphaned	a	2026-01-08T18:05:30.000Z
tenure: builder-3 was not removed: false ended with exit status: 1
[1]
$ tenure lease sweep --exec 'no-such-program {vmId}' --now 2026-02-08T18:05:30Z
builder-3	orphaned	a	2026-01-08T18:05:30.000Z
tenure: builder-3 was not removed: no-such-program cannot be run: No such file or directory (os error 2)
[1]
$ tenure lease sweep --exec 'sh -c "exec sleep 600" sh {vmId}' --timeout 100ms --now 2026-02-08T18:05:30Z
builder-3	orphaned	a	2026-01-08T18:05:30.000Z
tenure: builder-3 was not removed: sh was stopped after 0.1 s
[1]
$ tenure lease sweep --exec 'true {vmId}' --timeout 0s
error: invalid value '0s' for '--timeout <DURATION>': expected more than 0

For more information, try '--help'.
[2]
$ tenure lease sweep --timeout 1m
error: the following required arguments were not provided:
  --exec <COMMAND>

Usage: tenure lease sweep --exec <COMMAND> --timeout <DURATION>

For more information, try '--help'.
[2]
$ tenure lease sweep --exec 'sh other.sh {vmId}' --now 2026-02-08T18:05:30Z
builder-3	orphaned	a	2026-01-08T18:05:30.000Z
tenure: builder-3 is claimed by another sweep
builder-3	sweeping	a	2026-01-08T18:05:30.000Z
tenure: builder-3 was not removed: sh ended with exit status: 1
[1]
$ tenure lease sweep --exec 'true {vmId}' --now 2026-02-08T18:05:30Z
builder-3 is removed
[0]

"#]],
    );
}

#[test]
fn messages_about_runs_of_workflows() {
    let mut rows = Rows::new();
    rows.add(&[
        "tenure dedup admit push ci 3f2a",
        "tenure dedup admit push ci 3f2a 1",
        "tenure dedup admit push ci 3f2a 2 --exit-code",
        "tenure dedup admit push ci 3f2a 2 --by branch",
        "tenure dedup admit push ci 3f2a 2 --by ref",
        "tenure dedup admit push '' 3f2a 2",
        "tenure dedup check push ci 3f2a --key ''",
        "tenure dedup list --limit 1",
        "tenure dedup cleanup ci-push-3f2a --run-id 2",
        "CI=true tenure dedup cleanup ci-push-3f2a",
        "tenure dedup cleanup ci-push-3f2a --run-attempt 2",
        "tenure dedup cleanup ci-push-3f2a --run-id 1",
        "tenure dedup cleanup other --run-id 1",
        "tenure dedup audit k push ci 1 3f2a yes success",
        "tenure dedup audit k push ci 1 3f2a true success",
        "tenure dedup log",
        "tenure dedup log --date today",
        "tenure dedup stats --from 2026-01-08 --to 2026-01-09",
        "tenure dedup stats --from tomorrow",
        "tenure dedup log --out missing",
        "tenure dedup clear",
        "tenure dedup clear --ended",
        "tenure dedup clear --force",
        "GITHUB_OUTPUT=. tenure dedup check push ci 3f2a",
        "GITHUB_OUTPUT=nowhere/output tenure dedup check push ci 3f2a",
        "tenure dedup check push ci 3f2a --store nowhere",
        "tenure dedup self-test",
    ]);
    rows.write("file", "");
    rows.add(&[
        "tenure dedup log --out file/audit",
        "tenure dedup audit k push ci 1 3f2a true success --out file/audit",
        "tenure dedup audit k push ci 1 3f2a true success --out file/audit --exit-code",
        "tenure dedup check push ci 3f2a --store sqlite:file/x.db --exit-code",
        "tenure dedup cleanup k --run-id 1 --store sqlite:file/x.db",
    ]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure dedup admit push ci 3f2a
tenure: RUN_ID: expected the id of the run
[2]
$ tenure dedup admit push ci 3f2a 1
SESSION_KEY=ci-push-3f2a
SKIP_EXECUTION=false
REASON=ci-push-3f2a is not blocked by another run
[0]
$ tenure dedup admit push ci 3f2a 2 --exit-code
SESSION_KEY=ci-push-3f2a
SKIP_EXECUTION=true
REASON=run 1 has ci-push-3f2a since 2026-01-08T18:05:30.000Z, until 2026-01-08T18:15:30.000Z
[1]
$ tenure dedup admit push ci 3f2a 2 --by branch
error: invalid value 'branch' for '--by <commit|ref>'
  [possible values: commit, ref]

For more information, try '--help'.
[2]
$ tenure dedup admit push ci 3f2a 2 --by ref
tenure: --ref: expected the ref of the run, which is part of its identity
[2]
$ tenure dedup admit push '' 3f2a 2
SESSION_KEY=-push-3f2a
SKIP_EXECUTION=false
REASON=-push-3f2a is not blocked by another run
[0]
$ tenure dedup check push ci 3f2a --key ''
tenure: --key: expected 1 to 512 bytes, got 0
[2]
$ tenure dedup list --limit 1
-push-3f2a	2	2026-01-08T18:05:30.000Z	2026-01-08T18:15:30.000Z	held
tenure: more records exist: use --limit, or --json for a cursor
[0]
$ tenure dedup cleanup ci-push-3f2a --run-id 2
tenure: ci-push-3f2a belongs to another run
[0]
$ CI=true tenure dedup cleanup ci-push-3f2a
tenure: --run-id: expected the id of the run
[2]
$ tenure dedup cleanup ci-push-3f2a --run-attempt 2
tenure: --run-attempt: expected the run of the attempt, too: --run-id
[2]
$ tenure dedup cleanup ci-push-3f2a --run-id 1
ci-push-3f2a has ended; its window goes on until 2026-01-08T18:10:30.000Z
[0]
$ tenure dedup cleanup other --run-id 1
tenure: other belongs to no run
[0]
$ tenure dedup audit k push ci 1 3f2a yes success
error: invalid value 'yes' for '<EXECUTED>': expected true or false

For more information, try '--help'.
[2]
$ tenure dedup audit k push ci 1 3f2a true success
[0]
$ tenure dedup log
2026-01-08T18:05:30.000000Z	k	1	executed	success
tenure: 0 of 1 run prevented: 0 % saved
[0]
$ tenure dedup log --date today
tenure: --date: expected a day such as 2026-01-08 or 20260108
[2]
$ tenure dedup stats --from 2026-01-08 --to 2026-01-09
DAY         RUNS  PREVENTED
2026-01-08  1     0
2026-01-09  0     0
tenure: 0 of 1 run prevented
[0]
$ tenure dedup stats --from tomorrow
tenure: --from: expected a day such as 2026-01-08 or 20260108
[2]
$ tenure dedup log --out missing
missing/session_audit_20260108.json
[0]
$ tenure dedup clear
tenure: --force: required, because it allows duplicates of running runs; or use --ended
[2]
$ tenure dedup clear --ended
0 keys cleared
[0]
$ tenure dedup clear --force
2 keys cleared
[0]
$ GITHUB_OUTPUT=. tenure dedup check push ci 3f2a
SESSION_KEY=ci-push-3f2a
SKIP_EXECUTION=false
REASON=ci-push-3f2a is not blocked by another run
tenure: $GITHUB_OUTPUT cannot be written: it is not a regular file
[0]
$ GITHUB_OUTPUT=nowhere/output tenure dedup check push ci 3f2a
SESSION_KEY=ci-push-3f2a
SKIP_EXECUTION=false
REASON=ci-push-3f2a is not blocked by another run
tenure: $GITHUB_OUTPUT cannot be written: No such file or directory (os error 2)
[0]
$ tenure dedup check push ci 3f2a --store nowhere
tenure: "nowhere" is not a store that this build can open: expected sqlite:./file.db, file:./directory, postgres://user@host/database, registry: or memory:, or for leases and runs git:origin
[2]
$ tenure dedup self-test
ok: the first run is admitted
ok: a concurrent run is skipped
ok: a tag of its commit is admitted
ok: a run after the window is admitted
ok: a pull request is admitted
ok: a push of its commit is skipped
ok: a push an hour later is admitted
ok: the audit log holds every decision
[0]
$ tenure dedup log --out file/audit
tenure: the output cannot be written: file/audit/session_audit_20260108.json: file is no directory
[3]
$ tenure dedup audit k push ci 1 3f2a true success --out file/audit
tenure: the output cannot be written: file/audit/session_audit_20260108.json: file is no directory
[0]
$ tenure dedup audit k push ci 1 3f2a true success --out file/audit --exit-code
tenure: the output cannot be written: file/audit/session_audit_20260108.json: file is no directory
[3]
$ tenure dedup check push ci 3f2a --store sqlite:file/x.db --exit-code
SESSION_KEY=ci-push-3f2a
SKIP_EXECUTION=false
REASON=ci-push-3f2a runs, as nobody can say whether others do: the store is unavailable: file/x.db: [FOLDER]/file is no directory
[3]
$ tenure dedup cleanup k --run-id 1 --store sqlite:file/x.db
tenure: the store is unavailable: file/x.db: [FOLDER]/file is no directory
[0]

"#]],
    );
}

#[test]
fn messages_of_hooks() {
    let mut rows = Rows::new();
    rows.add(&[
        "tenure hook",
        "tenure hook pre-delegate --idle 2h --test",
        "tenure hook pre-delegate",
    ]);
    rows.add(&["tenure hook --test"]);
    rows.given("[]", "tenure hook event");
    rows.given("{\"hook_event_name\":\"Stop\"}", "tenure hook event");
    rows.given(&" ".repeat((8 << 20) + 1), "tenure hook pre-delegate");
    rows.typed("\u{4}", "tenure hook pre-delegate");
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure hook
tenure: hook: expected pre-delegate, subagent-stop or event, or --test
[2]
$ tenure hook pre-delegate --idle 2h --test
tenure: --idle: not possible with --test, which has a policy of its own
[2]
$ tenure hook pre-delegate
{"should_resume":false,"reason":"invalid_json","agent_id":null,"resume_metadata":null,"details":{"code":"invalid_json","message":"expected JSON; it ends too early at line 1, column 0"},"original_context":null}
[1]
$ tenure hook --test
An agent waits for approval. Its task resumes its session.
$ tenure hook pre-delegate
< {"agent_name":"tester","agent_id":"agent-20260108-180530-[ID]","task_id":"T001"}
> {"should_resume":true,"reason":"session_resumable","agent_id":"agent-20260108-180530-[ID]","resume_metadata":{"previous_phase":"approval","created_at":"2026-01-08T18:05:30Z","history":[{"from_phase":"initializing","to_phase":"approval","timestamp":"2026-01-08T18:05:30Z"}],"session_metadata":{"task_id":"T001"}},"details":{"code":"resumable","message":"it was active 0 s ago and can go on; its phase: approval","status":"active","phase":"approval","resume_ready":true,"error_count":0,"max_errors":3,"idle_ms":0,"idle_limit_ms":1800000},"original_context":{"agent_name":"tester","agent_id":"agent-20260108-180530-[ID]","task_id":"T001"}}

The agent has stopped. Its session waits to be resumed.
$ tenure hook subagent-stop
< {"task_info":{"agent_id":"agent-20260108-180530-[ID]"},"workflow_metrics":{"exit_code":0}}
> {"finalized":false,"reason":"session_waiting","agent_id":"agent-20260108-180530-[ID]","outcome":null,"details":{"code":"resumable","message":"the agent can be resumed; its phase: approval"}}

It has stopped for good. Its session is finalized.
$ tenure hook subagent-stop --finalize always
< {"task_info":{"agent_id":"agent-20260108-180530-[ID]"},"workflow_metrics":{"exit_code":0}}
> {"finalized":true,"reason":"session_finalized","agent_id":"agent-20260108-180530-[ID]","outcome":"completed","details":{"code":"finalized","message":"the agent's work has ended"}}

The same task arrives again. It starts a new session.
$ tenure hook pre-delegate
< {"agent_name":"tester","agent_id":"agent-20260108-180530-[ID]","task_id":"T001"}
> {"should_resume":false,"reason":"session_not_resumable","agent_id":"agent-20260108-180530-[ID]","resume_metadata":null,"details":{"code":"finished","message":"it is completed","status":"completed","phase":"completed","resume_ready":false,"error_count":0,"max_errors":3,"idle_ms":0,"idle_limit_ms":1800000},"original_context":{"agent_name":"tester","agent_id":"agent-20260108-180530-[ID]","task_id":"T001"}}

Both hooks replied as expected.
[0]
$ tenure hook event < input
{"systemMessage":"tenure: expected a JSON object"}
[1]
$ tenure hook event < input
{}
[0]
$ tenure hook pre-delegate < input
{"should_resume":false,"reason":"invalid_json","agent_id":null,"resume_metadata":null,"details":{"code":"invalid_json","message":"expected at most 8 MB of JSON"},"original_context":null}
[1]
$ tenure hook pre-delegate (on a terminal)
tenure: reading JSON from standard input
{"should_resume":false,"reason":"invalid_json","agent_id":null,"resume_metadata":null,"details":{"code":"invalid_json","message":"expected JSON; it ends too early at line 1, column 0"},"original_context":null}
[1]

"#]],
    );
}

#[test]
fn messages_of_recorded_commands() {
    let mut rows = Rows::after(&["tenure start t --id a", "tenure complete a"]);
    rows.add(&[
        "tenure run",
        "tenure run --task t",
        "tenure run --task t --timeout 0s -- true",
        "tenure run --task t --timeout soon -- true",
        "tenure run --resume nobody -- true",
        "tenure run --resume a -- true",
        "tenure run --task t --quiet -- no-such-program",
        "tenure run --task t --quiet -- .",
        "tenure start t --id b",
        "tenure lease acquire session:b --holder ci --store sqlite:tenure.db",
        "tenure run --resume b -- true",
        "tenure run --task t -- true",
    ]);
    let other = env!("CARGO_BIN_EXE_tenure");
    rows.write(
        "stop.sh",
        &format!("'{other}' rm --permanent $TENURE_SESSION; echo text; sleep 2"),
    );
    rows.add(&["tenure run --task t -- sh stop.sh"]);
    let list = format!("TENURE_STORE= exec '{other}' list");
    rows.write(
        "gone.sh",
        &format!("mkdir gone && cd gone && rmdir ../gone && {list}"),
    );
    rows.add(&["tenure run --task t --quiet -- sh gone.sh"]);
    let name = OsStr::from_bytes(b"bytes\xff");
    fs::create_dir(rows.place.folder.path().join(name)).unwrap();
    rows.write("name.sh", &format!("cd bytes* && {list}"));
    rows.add(&["tenure run --task t --quiet -- sh name.sh"]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure run
error: the following required arguments were not provided:
  --task <TEXT>
  <COMMAND>...

Usage: tenure run --task <TEXT> -- <COMMAND>...

For more information, try '--help'.
[2]
$ tenure run --task t
error: the following required arguments were not provided:
  <COMMAND>...

Usage: tenure run --task <TEXT> -- <COMMAND>...

For more information, try '--help'.
[2]
$ tenure run --task t --timeout 0s -- true
error: invalid value '0s' for '--timeout <DURATION>': expected more than 0

For more information, try '--help'.
[2]
$ tenure run --task t --timeout soon -- true
error: invalid value 'soon' for '--timeout <DURATION>': "soon" is not a duration such as "30d", "24h" or "5m"

For more information, try '--help'.
[2]
$ tenure run --resume nobody -- true
tenure: there is no session nobody
[1]
$ tenure run --resume a -- true
tenure: session a cannot go from completed to active; from completed it can go to no other status
[1]
$ tenure run --task t --quiet -- no-such-program
tenure: no-such-program: No such file or directory (os error 2)
[127]
$ tenure run --task t --quiet -- .
tenure: .: Permission denied (os error 13)
[126]
$ tenure start t --id b
b
[0]
$ tenure lease acquire session:b --holder ci --store sqlite:tenure.db
1
[0]
$ tenure run --resume b -- true
tenure: session b is held by ci; wait until the holder releases it, or end the holder first
[1]
$ tenure run --task t -- true
tenure: session session_mk5[ID]
[0]
$ tenure run --task t -- sh stop.sh
session_mk5[ID] is permanently removed
text
tenure: session session_mk5[ID]
tenure: recording has stopped, the command continues: there is no session session_mk5[ID]
tenure: not recorded: 57 bytes of output, and the end of the command (exit code 0): there is no session session_mk5[ID]
[0]
$ tenure run --task t --quiet -- sh gone.sh
tenure: the store is unavailable: the working directory cannot be read: No such file or directory (os error 2); name a store with --store
[3]
$ tenure run --task t --quiet -- sh name.sh
tenure: the store is unavailable: [FOLDER]/bytes�/.tenure/tenure.db: the path is not valid UTF-8; name a store with --store
[3]

"#]],
    );
}

#[test]
fn messages_about_files_and_stores() {
    let mut rows = Rows::after(&["tenure start t --id a"]);
    rows.write("text", "text");
    rows.write("lines.jsonl", "\ntext\n");
    rows.write("unknown/a.json", "{}");
    rows.write("old/s/session.json", "{}");
    rows.write(
        "others/s/session.json",
        r#"{"id":"s","mode":"m","task":"t","status":"active","createdAt":0,"updatedAt":0}"#,
    );
    let made = std::process::Command::new("mkfifo")
        .arg(rows.path("fifo"))
        .status();
    assert!(made.unwrap().success());
    rows.add(&[
        "tenure export a --output missing/a.json",
        "tenure export a --output fifo",
        "tenure export nobody",
        "tenure export a --output a.json",
        "tenure import missing",
        "tenure import text",
        "tenure import lines.jsonl",
        "tenure import unknown",
        "tenure import a.json --dry-run",
        "tenure import a.json --token 7",
        "tenure import a.json",
        "tenure import old",
        "tenure import old --dry-run",
        "tenure import others",
        "tenure import others",
        "tenure import others --token 7",
        "tenure dedup audit k push ci 1 3f2a true success",
        "tenure dedup log --out audit",
        "tenure import audit",
        "tenure copy sqlite:tenure.db sqlite:tenure.db",
        "tenure copy sqlite:missing.db file:b",
        "tenure copy sqlite:tenure.db file:b",
        "tenure pause a --store file:b",
        "tenure copy sqlite:tenure.db file:b",
        "tenure backup text",
        "tenure backup copy.db",
        "tenure watch --store memory:",
        "tenure metrics --format xml",
        "tenure metrics --json --format openmetrics",
        "tenure metrics --store sqlite:missing.db",
        "tenure ui --token short",
        "tenure ui --token-file missing",
        "tenure ui --token-file text",
        "tenure ui --address 0.0.0.0",
        "tenure ui --address nowhere",
        "tenure ui --port many",
        "tenure ui --export site",
        "tenure ui --port 0 --allow-host http://ten.example",
        "tenure ui --port 0 --allow-origin ten.example",
        "tenure ui --log xml",
        "tenure list --store sqlite:text",
        "tenure list --store file:text",
        "tenure list --store sqlite:",
    ]);
    for number in 0..51 {
        let line = format!("tenure start t --id more-{number}");
        assert_eq!(rows.output_of(&line, "").code, 0);
    }
    rows.typed("", "tenure list");
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure export a --output missing/a.json
tenure: --output: missing/a.json cannot be written: No such file or directory (os error 2)
[2]
$ tenure export a --output fifo
tenure: --output: fifo cannot be written: no process reads it
[2]
$ tenure export nobody
tenure: there is no session nobody
[1]
$ tenure export a --output a.json
[0]
$ tenure import missing
tenure: PATH: missing cannot be read: No such file or directory (os error 2)
[2]
$ tenure import text
tenure: PATH text: expected the JSON of a session
[2]
$ tenure import lines.jsonl
tenure: PATH lines.jsonl, line 2: expected the JSON of a session
[2]
$ tenure import unknown
tenure: PATH: unknown has no file that is imported from a folder; name exported sessions themselves: tenure import unknown/*.json
[2]
$ tenure import a.json --dry-run
tenure: --dry-run: not possible for an exported session, which always replaces the session with its id
[2]
$ tenure import a.json --token 7
tenure: the lease "session:a" is lost: it is released; stop what it guards
[1]
$ tenure import a.json
1 session imported, 0 unchanged, 0 newer in the store
[0]
$ tenure import old
0 sessions imported, 0 unchanged, 0 newer in the store
1 could not be imported
tenure: [FOLDER]/old/s/session.json: text: `id` is missing
[1]
$ tenure import old --dry-run
0 sessions would be imported, 0 unchanged, 0 newer in the store
1 could not be imported
tenure: [FOLDER]/old/s/session.json: text: `id` is missing
[1]
$ tenure import others
1 session imported, 0 unchanged, 0 newer in the store
[0]
$ tenure import others
0 sessions imported, 1 unchanged, 0 newer in the store
[0]
$ tenure import others --token 7
0 sessions imported, 1 unchanged, 0 newer in the store
tenure: no session was written, so the token was not checked
[0]
$ tenure dedup audit k push ci 1 3f2a true success
[0]
$ tenure dedup log --out audit
audit/session_audit_20260108.json
[0]
$ tenure import audit
0 sessions imported, 0 unchanged, 0 newer in the store
1 audit record imported, 0 unchanged, 0 newer in the store
[0]
$ tenure copy sqlite:tenure.db sqlite:tenure.db
tenure: TO: expected a store other than FROM
[2]
$ tenure copy sqlite:missing.db file:b
tenure: the store is unavailable: there is no store sqlite:missing.db
[3]
$ tenure copy sqlite:tenure.db file:b
2 sessions and 2 records copied, 0 unchanged, 0 differ
[0]
$ tenure pause a --store file:b
a is paused
[0]
$ tenure copy sqlite:tenure.db file:b
session a: newer in the target
0 sessions and 0 records copied, 1 unchanged, 1 differ
[1]
$ tenure backup text
tenure: TARGET: text exists, and a backup replaces nothing
[2]
$ tenure backup copy.db
2 sessions and 2 records copied to copy.db, no problems
[0]
$ tenure watch --store memory:
tenure: --store: a store in memory has no other writers: name one that others write to
[2]
$ tenure metrics --format xml
error: invalid value 'xml' for '--format <FORMAT>'
  [possible values: prometheus, openmetrics]

For more information, try '--help'.
[2]
$ tenure metrics --json --format openmetrics
{"error":{"code":"INVALID_ARGUMENT","message":"--format: not possible with --json, which has no format","details":{"what":"--format","problem":"not possible with --json, which has no format"}}}
[2]
$ tenure metrics --store sqlite:missing.db
tenure: the store is unavailable: there is no store sqlite:missing.db
[3]
$ tenure ui --token short
tenure: --token: expected 16 to 256 letters, digits, '-', '.', '_' or '~'
[2]
$ tenure ui --token-file missing
tenure: --token-file: missing: No such file or directory (os error 2)
[2]
$ tenure ui --token-file text
tenure: --token-file: text: expected 16 to 256 letters, digits, '-', '.', '_' or '~'
[2]
$ tenure ui --address 0.0.0.0
tenure: --token: other machines reach this address: give a token of your own
[2]
$ tenure ui --address nowhere
error: invalid value 'nowhere' for '--address <ADDRESS>': invalid IP address syntax

For more information, try '--help'.
[2]
$ tenure ui --port many
error: invalid value 'many' for '--port <N>': expected a whole number

For more information, try '--help'.
[2]
$ tenure ui --export site
tenure: --export: the web UI is not installed beside this command: use the one of the npm package
[2]
$ tenure ui --port 0 --allow-host http://ten.example
tenure: --allow-host: expected the name of a host, with or without a port
[2]
$ tenure ui --port 0 --allow-origin ten.example
tenure: --allow-origin: expected an origin, such as https://bot.example
[2]
$ tenure ui --log xml
error: invalid value 'xml' for '--log <FORMAT>'
  [possible values: human, json]

For more information, try '--help'.
[2]
$ tenure list --store sqlite:text
tenure: the store is unavailable: [FOLDER]/text: this file is not a SQLite database, or its header is damaged; name another file, or restore it from a copy
[3]
$ tenure list --store file:text
tenure: the store is unavailable: [FOLDER]/text: [FOLDER]/text is no directory
[3]
$ tenure list --store sqlite:
tenure: "sqlite:" is not a store that this build can open: name a file, or use `memory:`
[2]
$ tenure list (on a terminal)
ID       STATUS  ITER   AGE  TASK
more-9   active  0/100  0s   t
more-8   active  0/100  0s   t
more-7   active  0/100  0s   t
more-6   active  0/100  0s   t
more-50  active  0/100  0s   t
more-5   active  0/100  0s   t
more-49  active  0/100  0s   t
more-48  active  0/100  0s   t
more-47  active  0/100  0s   t
more-46  active  0/100  0s   t
more-45  active  0/100  0s   t
more-44  active  0/100  0s   t
more-43  active  0/100  0s   t
more-42  active  0/100  0s   t
more-41  active  0/100  0s   t
more-40  active  0/100  0s   t
more-4   active  0/100  0s   t
more-39  active  0/100  0s   t
more-38  active  0/100  0s   t
more-37  active  0/100  0s   t
more-36  active  0/100  0s   t
more-35  active  0/100  0s   t
more-34  active  0/100  0s   t
more-33  active  0/100  0s   t
more-32  active  0/100  0s   t
more-31  active  0/100  0s   t
more-30  active  0/100  0s   t
more-3   active  0/100  0s   t
more-29  active  0/100  0s   t
more-28  active  0/100  0s   t
more-27  active  0/100  0s   t
more-26  active  0/100  0s   t
more-25  active  0/100  0s   t
more-24  active  0/100  0s   t
more-23  active  0/100  0s   t
more-22  active  0/100  0s   t
more-21  active  0/100  0s   t
more-20  active  0/100  0s   t
more-2   active  0/100  0s   t
more-19  active  0/100  0s   t
more-18  active  0/100  0s   t
more-17  active  0/100  0s   t
more-16  active  0/100  0s   t
more-15  active  0/100  0s   t
more-14  active  0/100  0s   t
more-13  active  0/100  0s   t
more-12  active  0/100  0s   t
more-11  active  0/100  0s   t
more-10  active  0/100  0s   t
more-1   active  0/100  0s   t
More sessions exist: use --all or --limit N.
[0]

"#]],
    );
}

/// Texts in the sources of the command that have no row, with the reason.
const WITHOUT_ROW: [(&str, &[&str]); 16] = [
    (
        "the table of leases names the PID of the owner, which is another each time",
        &["no expiry", "while it runs"],
    ),
    (
        "a signal between two steps leads to it",
        &[
            "interrupted; there is no backup",
            "interrupted; the check is not complete",
            "interrupted; run the same command to continue",
            "interrupted; {path} is unchanged",
            "interrupted; the next run goes on",
            "interrupted; `tenure lease sweep` lists the remaining orphans",
            "interrupted; {done} removed; run the same command to continue",
        ],
    ),
    (
        "progress, which the next output erases, or which takes a minute",
        &[
            "{files} files read",
            "the store is brought into a newer form: step {step} of {steps}",
            "{removed} removed, {more} more archived",
            "{removed} removed, {} more archived",
            "{sessions} could not be processed, and will be tried again in {seconds} s: {id}: {code}: {message}",
            "{sessions} sessions compared",
            "delivers what is queued, until Ctrl-C",
        ],
    ),
    (
        "a defect of the command leads to it",
        &[
            "a store of the copy is not open",
            "{wrong} of the rules do not hold, or the audit log is incomplete",
            "invalid reply: {error}",
            "the hooks replied {decided:?}",
            "a job needs what the command does not perform",
            "the command has stopped",
            "{key} is held by another owner",
            "the recording thread has panicked; please report this",
            "a renewal needs something else",
            "a start was not attempted",
            "the slot holds {id}",
            "expected one of the names",
            "a store was not opened",
            "there is no archive",
        ],
    ),
    (
        "the system must fail, or have another user or a namespace of processes",
        &[
            "standard input cannot be read: {error}",
            "the command cannot be run: {error}",
            "the process that runs this command is not visible here; name a process with --owner-pid, or an owner with --holder",
            "{folder} belongs to the user {owner}, who can read and change what is stored in it; to allow that, set {SAFE}={project}, or name a store with --store",
        ],
    ),
    (
        "another writer must be faster, five times",
        &["{busy} changed meanwhile: run the same command again"],
    ),
    (
        "cli/tests/webhooks.rs compares them: a command goes on until it is stopped, and addresses are refused",
        &[
            "the store fails, and is tried again: {problem} ({code})",
            "an attempt at {endpoint} has failed: {problem}",
            "more endpoint",
        ],
    ),
    (
        "the cursor of an archive has random digits",
        &["more sessions may exist: --cursor {next}"],
    ),
    (
        "cli/tests/jobs.rs compares it: the alert names an object, which has random digits",
        &[
            "no project here has a store; name one with --store",
            "another process runs the job",
            "{job} held; another process runs it",
            "{job} held; another process runs it: {holder}",
            "the job runs next at {at}",
            "the command of --alert cannot be run: {error}",
            "the command of --alert has failed: {status}",
            "the command of --alert was stopped",
            "the command of --alert was stopped after {seconds} s",
        ],
    ),
    (
        "objects that are a week old lead to it",
        &["{objects} without a manifest removed"],
    ),
    (
        "more than 1000 sessions lead to it",
        &[" ({more} of them not listed)"],
    ),
    (
        "cli/tests/run compares it, with the signals and the failures of a store that lead to it",
        &[
            "cancelled by {} ({status})",
            "ended by {}",
            "timed out after {} s ({status})",
            "recording failed and is retried",
            "tenure: the session's lease is lost, the command continues: {}",
        ],
    ),
    (
        "a phrase of the core that messages do not have here",
        &[
            "`override: true`",
            "`unfinishedToolCalls` of `context` has those",
            "give one in `context`",
            "give them in `headers`",
            "recorded by `updateContext`",
            "agentUpdate, approve and deny",
            "another store than the one that is copied from",
        ],
    ),
    (
        "shown on a terminal while the store fails, and retries follow",
        &["{} delivered; the store fails: {code}"],
    ),
    (
        "what the installed package prints, where the web UI is beside the command",
        &[
            "{files} written into {folder}; serve it over HTTPS, or on this machine",
            "{} is not an empty folder",
            "the page takes no names of models",
        ],
    ),
    (
        "a help text, or a part of a script or of an input",
        &[
            "Go on although the agent waits for an approval; the audit log names it",
            "$ tenure hook {}\n< ",
            "subagent-stop --finalize always",
            "try the hooks",
            "Sessions in the trash: exclude, only or include (the default)",
        ],
    ),
];

#[test]
fn messages_about_encryption() {
    let mut rows = Rows::after(&["tenure start t --id a --store file:files"]);
    rows.write("key", &"01".repeat(32));
    rows.write("new", &"02".repeat(32));
    rows.add(&[
        "tenure rotate-key --store file:files",
        "tenure rotate-key --store file:files --encryption-key secret",
        "tenure rotate-key --store file:files --encryption-key k=file:key",
        "tenure rotate-key --store file:files --encryption-key n=file:new,k=file:key",
        "tenure list --store file:files",
        "tenure list --store file:files --encryption-key n=file:key",
        "tenure list --store file:files --encryption-key k=file:key",
        "tenure lease list --store registry: --encryption-key k=file:key",
    ]);
    rows.write("files/a/session.json", "{}");
    rows.add(&["tenure rotate-key --store file:files --encryption-key n=file:new"]);
    assert_snapshot(
        &rows.text,
        str![[r#"
$ tenure rotate-key --store file:files
tenure: --encryption-key: expected a key
[2]
$ tenure rotate-key --store file:files --encryption-key secret
tenure: --encryption-key: expected ID=file:PATH, ID=env:NAME or ID=command:PROGRAM ARGUMENTS
[2]
$ tenure rotate-key --store file:files --encryption-key k=file:key
1 session read, 2 values encrypted with the current key
[0]
$ tenure rotate-key --store file:files --encryption-key n=file:new,k=file:key
1 session read, 2 values encrypted with the current key
the store no longer needs the key k; archives and old backups do
[0]
$ tenure list --store file:files
tenure: the store is unavailable: it is encrypted with the key "n"; give that with the option `encryption`, or with --encryption-key
[3]
$ tenure list --store file:files --encryption-key n=file:key
tenure: the store is unavailable: the key that was given as "n" is not the key "n" that it is encrypted with
[3]
$ tenure list --store file:files --encryption-key k=file:key
tenure: the store is unavailable: it is encrypted with the key "n", which was not given
[3]
$ tenure lease list --store registry: --encryption-key k=file:key
tenure: encryption: this store has no such option
[2]
$ tenure rotate-key --store file:files --encryption-key n=file:new
0 sessions read, 0 values encrypted with the current key
tenure: a: it cannot be read
[1]

"#]],
    );
}

#[test]
fn messages_about_webhooks() {
    let (gone, _) = receiver(&[410]);
    let (lost, _) = receiver(&[410]);
    let (down, _) = receiver(&[503; 3]);
    let mut rows = Rows::after(&[
        &format!("tenure webhooks add {gone} --id gone --event start"),
        &format!("tenure webhooks add {lost} --id lost --event complete"),
        &format!("tenure webhooks add {down} --id down --event complete"),
        "tenure start t --id a",
        "tenure complete a",
    ]);
    rows.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    rows.add(&[
        "tenure webhooks add example.com",
        "tenure webhooks add https://u:p@example.com/",
        "tenure webhooks add https://example.com/ --id gone",
        "tenure webhooks add https://example.com/ --event started",
        "tenure webhooks add https://example.com/ --secret-file missing",
        "tenure webhooks add https://example.com/ --headers '{\"host\":\"x\"}'",
        "tenure webhooks add https://example.com/?key=hidden --id new --mode m --secret-file secret",
        "tenure webhooks add https://example.com/new --id new --mode m --replace",
        "tenure webhooks list new",
        "tenure webhooks update new --timeout 2m",
        "tenure webhooks update new --disable",
        "tenure webhooks update none --enable",
        "tenure webhooks rotate new --secret-file secret",
        "tenure webhooks remove new",
        "tenure webhooks test gone",
        "tenure webhooks deliver --concurrency 65",
        "tenure webhooks deliver --allow-private",
        "tenure webhooks deliver",
        "tenure webhooks failed",
        "tenure webhooks failed --limit 1",
        "tenure webhooks redeliver",
        "tenure webhooks redeliver gone/none --drop",
        "tenure webhooks redeliver --endpoint gone",
        "tenure webhooks redeliver --waiting",
        "tenure webhooks redeliver --endpoint lost --waiting --drop",
        "tenure webhooks update gone --enable",
        "tenure webhooks redeliver --endpoint gone --waiting",
        "tenure webhooks redeliver --endpoint gone",
        "tenure ui --allow-private",
    ]);
    assert_snapshot(
        rows.text,
        str![[r#"
$ tenure webhooks add example.com
tenure: URL: expected a URL of `https:` or `http:`
[2]
$ tenure webhooks add https://u:p@example.com/
tenure: URL: expected a URL without a user and a password; give them with --headers
[2]
$ tenure webhooks add https://example.com/ --id gone
tenure: --id: there is an endpoint "gone" already: change it by `update`, or add it with `replace` (--replace)
[2]
$ tenure webhooks add https://example.com/ --event started
error: invalid value 'started' for '--event <EVENT>'
  [possible values: start, pause, resume, complete, error, timeout, abandoned]

  tip: a similar value exists: 'start'

For more information, try '--help'.
[2]
$ tenure webhooks add https://example.com/ --secret-file missing
tenure: --secret-file missing: cannot be read: No such file or directory (os error 2)
[2]
$ tenure webhooks add https://example.com/ --headers '{"host":"x"}'
tenure: headers["host"]: a delivery or its connection sets it
[2]
$ tenure webhooks add https://example.com/?key=hidden --id new --mode m --secret-file secret
new	whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
[0]
$ tenure webhooks add https://example.com/new --id new --mode m --replace
new
[0]
$ tenure webhooks list new
new	https://example.com/new	enabled	-	*	m	*	0	-
[0]
$ tenure webhooks update new --timeout 2m
tenure: --timeout: expected 1 to 60,000 milliseconds
[2]
$ tenure webhooks update new --disable
new
[0]
$ tenure webhooks update none --enable
tenure: there is no endpoint none
[1]
$ tenure webhooks rotate new --secret-file secret
whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
[0]
$ tenure webhooks remove new
removed; 0 deliveries dropped
[0]
$ tenure webhooks test gone
the host has no public address; a deliverer with `allowPrivate` (--allow-private) would post to it ([N] ms)
[1]
$ tenure webhooks deliver --concurrency 65
error: invalid value '65' for '--concurrency <N>': expected 1 to 64

For more information, try '--help'.
[2]
$ tenure webhooks deliver --allow-private
0 delivered, 1 to be repeated, 2 failed; down: the receiver answered 503: [1mnot now; gone: the receiver answered 410: [1mnot now; lost: the receiver answered 410: [1mnot now
tenure: the endpoint gone has answered 410, and was disabled
tenure: the endpoint lost has answered 410, and was disabled
[1]
$ tenure webhooks deliver
0 delivered, 0 to be repeated, 0 failed
tenure: 1 queued for down: the next attempt is due at 2026-01-08T18:05:[S].[MS], or at once after `tenure webhooks redeliver --endpoint down --waiting`
[0]
$ tenure webhooks failed
gone/0001767895530000/a/0001767895530000.0000000000000001.0000/msg_[ID]	gone	start	a	2026-01-08T18:05:30.000Z	1	the receiver answered 410: [1mnot now
lost/0001767895530000/a/0001767895530000.0000000000000002.0000/msg_[ID]	lost	complete	a	2026-01-08T18:05:30.000Z	1	the receiver answered 410: [1mnot now
[0]
$ tenure webhooks failed --limit 1
gone/0001767895530000/a/0001767895530000.0000000000000001.0000/msg_[ID]	gone	start	a	2026-01-08T18:05:30.000Z	1	the receiver answered 410: [1mnot now
tenure: more failures may exist: --cursor gone/0001767895530000/a/0001767895530000.0000000000000001.0000/msg_[ID]
[0]
$ tenure webhooks redeliver
error: the following required arguments were not provided:
  <KEY|--endpoint <ID>>

Usage: tenure webhooks redeliver <KEY|--endpoint <ID>>

For more information, try '--help'.
[2]
$ tenure webhooks redeliver gone/none --drop
0 deliveries dropped
tenure: 1 key not found
[1]
$ tenure webhooks redeliver --endpoint gone
tenure: --endpoint: gone is disabled, and nothing is posted to it: enable it first, by `tenure webhooks update gone --enable` or `webhooks.update("gone", { enabled: true })`
[2]
$ tenure webhooks redeliver --waiting
error: the following required arguments were not provided:
  <KEY|--endpoint <ID>>

Usage: tenure webhooks redeliver --waiting <KEY|--endpoint <ID>>

For more information, try '--help'.
[2]
$ tenure webhooks redeliver --endpoint lost --waiting --drop
error: the argument '--waiting' cannot be used with '--drop'

Usage: tenure webhooks redeliver --waiting <KEY|--endpoint <ID>>

For more information, try '--help'.
[2]
$ tenure webhooks update gone --enable
gone
[0]
$ tenure webhooks redeliver --endpoint gone --waiting
0 deliveries due now
[0]
$ tenure webhooks redeliver --endpoint gone
1 delivery requeued
[0]
$ tenure ui --allow-private
error: the following required arguments were not provided:
  --deliver

Usage: tenure ui --deliver --allow-private

For more information, try '--help'.
[2]

"#]],
    );
}

#[test]
fn messages_about_archives() {
    let mut rows = Rows::after(&[
        "tenure start t --id a --now 2026-01-01T00:00:00Z",
        "tenure trash a --now 2026-01-01T00:00:00Z",
        "tenure purge a --archive file:archive --now 2026-01-02T00:00:00Z",
    ]);
    rows.add(&[
        "tenure archive list",
        "tenure archive list --archive nowhere",
        "tenure archive list --archive file:nowhere",
        "tenure archive list --archive s3://user:secret@bucket",
        "tenure archive list --archive file:archive --cursor x",
        "tenure archive get b --archive file:archive",
        "tenure archive get a --archive file:archive --version 99",
        "tenure archive restore a --archive file:archive",
        "tenure archive restore a --archive file:archive",
        "tenure archive restore b a --archive file:archive --replace",
        "tenure archive restore b a --archive file:archive --json",
        "tenure archive verify --archive file:archive",
        "tenure purge a --archive archive --compress",
        "tenure purge a --compress",
    ]);
    rows.write(
        "archive/manifests/20260101T000000000Z-0000000000000000.json",
        "{",
    );
    make_old(&rows.place.folder.path().join("archive/manifests"));
    rows.add(&[
        "tenure archive list --archive file:archive --after 2026-01-03T00:00:00Z",
        "tenure archive list a --archive file:archive --limit 1",
        "tenure archive verify --archive file:archive",
        "tenure archive thin --archive file:archive --older-than 1d",
    ]);
    assert_snapshot(
        &rows.text,
        str![[r#"
$ tenure archive list
tenure: --archive: name an archive, such as file:./archive or s3://bucket/prefix
[2]
$ tenure archive list --archive nowhere
tenure: --archive: "nowhere" is no archive: expected file:./directory, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix
[2]
$ tenure archive list --archive file:nowhere
tenure: --archive: "file:nowhere" is no archive: there is no such directory
[2]
$ tenure archive list --archive s3://user:secret@bucket
tenure: --archive: "s3://bucket" is no archive: expected scheme://bucket/prefix, without credentials and a query
[2]
$ tenure archive list --archive file:archive --cursor x
tenure: --cursor: expected the cursor of the page before, with the same options
[2]
$ tenure archive get b --archive file:archive
tenure: the archive has no session b
[1]
$ tenure archive get a --archive file:archive --version 99
tenure: the archive has no session a at version 99
[1]
$ tenure archive restore a --archive file:archive
tenure: 1 session restored; one that was in the trash is there again
[0]
$ tenure archive restore a --archive file:archive
tenure: session a exists already
[1]
$ tenure archive restore b a --archive file:archive --replace
tenure: the archive has no session b
tenure: 1 session restored; one that was in the trash is there again
[1]
$ tenure archive restore b a --archive file:archive --json
{"restored":[],"failed":[{"id":"b","code":"SESSION_NOT_FOUND","message":"the archive has no session b"},{"id":"a","code":"SESSION_EXISTS","message":"session a exists already"}]}
[1]
$ tenure archive verify --archive file:archive
1 session as archived, 0 problems, 0 objects of interrupted batches
[0]
$ tenure purge a --archive archive --compress
tenure: --compress: possible only with the URL of an archive
[2]
$ tenure purge a --compress
error: the following required arguments were not provided:
  --archive <DIR|URL>

Usage: tenure purge --archive <DIR|URL> --compress <ID>...

For more information, try '--help'.
[2]
$ tenure archive list --archive file:archive --after 2026-01-03T00:00:00Z
[0]
$ tenure archive list a --archive file:archive --limit 1
2026-01-02T00:00:00.000Z	a	2	[..]
tenure: manifests/20260101T000000000Z-0000000000000000.json is not what was archived: it is no manifest: EOF while parsing an object at line 1 column 1; its sessions are missing here
[1]
$ tenure archive verify --archive file:archive
manifests/20260101T000000000Z-0000000000000000.json: manifests/20260101T000000000Z-0000000000000000.json is not what was archived: it is no manifest: EOF while parsing an object at line 1 column 1
1 session as archived, 1 problem, 0 objects of interrupted batches
[1]
$ tenure archive thin --archive file:archive --older-than 1d
1 archived session removed
tenure: 1 manifest cannot be read or removed; their sessions stay: `tenure archive verify` lists them
[1]

"#]],
    );
}

#[test]
fn messages_about_jobs() {
    let mut rows = Rows::after(&[
        "tenure start t --id a --now 2026-01-01T00:00:00Z",
        "tenure trash a --now 2026-01-01T00:00:00Z",
    ]);
    let letter =
        r#"{"job":"archive","ids":["a"],"codes":["C"],"messages":["no room"],"attempts":4}"#;
    rows.place.store().perform("deadLetterAdd", letter, 0.0);
    rows.add(&[
        "tenure jobs run",
        "tenure jobs run --once --at 03:00 --max-age 1d",
        "tenure jobs run --max-age 1d --compress",
        "tenure jobs run --max-age 1d --at '0 3 * *'",
        "tenure jobs run --max-age 1d --at 3",
        "tenure jobs run --once --max-age 1d --job a/b",
        "tenure jobs run --once --max-age 1d --archive nowhere",
        "tenure jobs run --once --max-age 1d --alert ./nowhere",
        "tenure jobs failed",
        "tenure jobs retry archive a",
        "tenure jobs run --once --max-age 1d",
        "tenure jobs failed",
        "tenure jobs retry archive a",
        "tenure jobs retry archive",
        "tenure jobs retry archive --all",
        "tenure jobs drop archive a",
    ]);
    let letter = letter.replace("\"a\"", "\"b\"");
    rows.add(&["tenure start t --id b", "tenure trash b"]);
    rows.place.store().perform("deadLetterAdd", &letter, 0.0);
    rows.add(&[
        "tenure restore b",
        "tenure jobs drop archive b",
        "tenure jobs failed",
        "tenure trash b",
    ]);
    let database = rows.place.folder.path().join("tenure.db");
    let damage = "UPDATE sessions SET context = '{bad' WHERE id = 'b'";
    rusqlite::Connection::open(database)
        .unwrap()
        .execute_batch(damage)
        .unwrap();
    rows.add(&[
        "tenure jobs run --once --purge-after 0s",
        "tenure jobs run --once --purge-after 0s",
        "tenure purge --older-than 0s",
    ]);
    assert_snapshot(
        &rows.text,
        str![[r#"
$ tenure jobs run
error: the following required arguments were not provided:
  --max-age <DURATION>

Usage: tenure jobs run --max-age <DURATION>

For more information, try '--help'.
[2]
$ tenure jobs run --once --at 03:00 --max-age 1d
error: the argument '--once' cannot be used with '--at <SCHEDULE>'

Usage: tenure jobs run --once --max-age <DURATION>

For more information, try '--help'.
[2]
$ tenure jobs run --max-age 1d --compress
error: the following required arguments were not provided:
  --archive <URL>

Usage: tenure jobs run --archive <URL> --max-age <DURATION> --compress

For more information, try '--help'.
[2]
$ tenure jobs run --max-age 1d --at '0 3 * *'
tenure: --at: "0 3 * *" is no cron expression such as "0 3 * * *": expected five fields
[2]
$ tenure jobs run --max-age 1d --at 3
tenure: --at: expected a time in UTC such as "03:00", got "3"
[2]
$ tenure jobs run --once --max-age 1d --job a/b
tenure: --job: expected up to 64 letters, digits, '-', '_' or '.'
[2]
$ tenure jobs run --once --max-age 1d --archive nowhere
tenure: --archive: "nowhere" is no archive: expected file:./directory, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix
[2]
$ tenure jobs run --once --max-age 1d --alert ./nowhere
tenure: --alert: there is no program "./nowhere"
[2]
$ tenure jobs failed
archive	a	1970-01-01T00:00:00.000Z	C	no room
[0]
$ tenure jobs retry archive a
tenure: the next run of the job takes the session again
[0]
$ tenure jobs run --once --max-age 1d
tenure: archive done; 0 moved to the trash, 0 archived, 1 removed, 0 errors, 0 added to `tenure jobs failed`, 0 left there, 0 removed from the archive, 0 s
[0]
$ tenure jobs failed
[0]
$ tenure jobs retry archive a
tenure: the job has no such failed session
[1]
$ tenure jobs retry archive
error: the following required arguments were not provided:
  <ID>

Usage: tenure jobs retry <NAME> <ID>

For more information, try '--help'.
[2]
$ tenure jobs retry archive --all
tenure: the next run of the job takes 0 sessions again
[0]
$ tenure jobs drop archive a
tenure: the job has no such failed session
[1]
$ tenure start t --id b
b
[0]
$ tenure trash b
b is in the trash
[0]
$ tenure restore b
b is restored
[0]
$ tenure jobs drop archive b
tenure: b is not in the trash any more and was not removed; the job takes it again once it is
[1]
$ tenure jobs failed
[0]
$ tenure trash b
b is in the trash
[0]
$ tenure jobs run --once --purge-after 0s
tenure: alert: errors: 1 of 1 sessions could not be processed
tenure: archive done; 0 moved to the trash, 0 archived, 0 removed, 1 errors, 1 added to `tenure jobs failed`, 0 left there, 0 removed from the archive, 0 s
tenure: b could not be processed: session b cannot be read: context: json: expected JSON; it is wrong at line 1, column 2 (in [FOLDER]/tenure.db)
[1]
$ tenure jobs run --once --purge-after 0s
tenure: archive done; 0 moved to the trash, 0 archived, 0 removed, 0 errors, 0 added to `tenure jobs failed`, 1 left there, 0 removed from the archive, 0 s
tenure: 1 failed session left alone; to have the next run take them again: tenure jobs retry archive --all
[0]
$ tenure purge --older-than 0s
tenure: b was not removed: session b cannot be read: context: json: expected JSON; it is wrong at line 1, column 2 (in [FOLDER]/tenure.db)
tenure: 0 sessions permanently removed, 1 could not be
[3]

"#]],
    );
}

#[test]
fn every_text_of_the_command_has_a_row() {
    let rows = rows_of(include_str!("messages.rs"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut without_row: BTreeSet<&str> = WITHOUT_ROW
        .iter()
        .flat_map(|(_, texts)| texts.iter().copied())
        .collect();
    let known = without_row.clone();
    let mut missing = Vec::new();
    for (file, text) in texts_of_folder(&sources) {
        let parts = fixed_parts(&text);
        if !rows.iter().any(|row| has_in_order(row, &parts)) {
            without_row.remove(text.as_str());
            if !known.contains(text.as_str()) {
                missing.push(format!("{file}: {text:?}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "texts without a row in cli/tests/messages.rs:\n{}",
        missing.join("\n")
    );
    assert!(
        without_row.is_empty(),
        "texts that are gone, or have a row: {without_row:#?}"
    );
}

/// What each command printed, according to the snapshots of a test.
fn rows_of(test: &str) -> Vec<String> {
    let snapshots = test.split("str![[r#\"\n").skip(1);
    let snapshots = snapshots.map(|rest| rest.split("\"#]]").next().unwrap());
    let rows = snapshots.flat_map(|snapshot| snapshot.split("\n$ "));
    // The first line is the command.
    rows.filter_map(|row| Some(row.split_once('\n')?.1.to_owned()))
        .collect()
}

/// The texts of the sources in a folder, with their files.
fn texts_of_folder(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(texts_of_folder(&path));
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]\nmod ").next().unwrap();
        let file = path.display().to_string();
        texts.extend(
            literals(source)
                .into_iter()
                .map(|text| (file.clone(), text)),
        );
    }
    texts.retain(|(_, text)| is_text(text));
    texts.sort();
    texts
}

/// The string literals of a source, without those of attributes, which are help texts.
fn literals(source: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let mut rest = source;
    // The depth of brackets in an attribute.
    let mut depth = 0;
    while let Some(char) = rest.chars().next() {
        let skipped = match char {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '#' if depth == 0 && (rest.starts_with("#[") || rest.starts_with("#![")) => {
                depth = 1;
                rest.find('[').unwrap() + 1
            }
            '[' if depth > 0 => {
                depth += 1;
                1
            }
            ']' if depth > 0 => {
                depth -= 1;
                1
            }
            '\'' => length_of_char(rest),
            'r' if rest.starts_with("r#\"") || rest.starts_with("r\"") => {
                let (start, end) = match rest.starts_with("r\"") {
                    true => (2, "\""),
                    false => (3, "\"#"),
                };
                let length = rest[start..].find(end).unwrap();
                literals.push((depth, rest[start..start + length].to_owned()));
                start + length + end.len()
            }
            '"' => {
                let length = length_of_string(&rest[1..]);
                literals.push((depth, unescaped(&rest[1..=length])));
                length + 2
            }
            _ => char.len_utf8(),
        };
        rest = &rest[skipped..];
    }
    let texts = literals.into_iter().filter(|(depth, _)| *depth == 0);
    texts.map(|(_, text)| text).collect()
}

/// The length of a character literal, or of the quote that begins a lifetime.
fn length_of_char(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => 2 + rest[3..].find('\'').map_or(0, |end| end + 2),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// The length of a string literal without its quotes.
fn length_of_string(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.find(|char| {
        let is_end = char == '"' && !is_escaped;
        is_escaped = char == '\\' && !is_escaped;
        is_end
    });
    end.unwrap()
}

fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut chars = literal.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek()) {
            ('\\', Some('\n')) => while chars.next_if(|next| next.is_whitespace()).is_some() {},
            ('\\', Some('n')) => {
                chars.next();
                text.push('\n');
            }
            ('\\', Some(_)) => text.extend(chars.next()),
            _ => text.push(char),
        }
    }
    text
}

/// The parts of a text that are the same in every message: those between its placeholders.
fn fixed_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(before);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    parts.push(rest);
    parts
}

/// Whether a row has these parts, in this order.
fn has_in_order(row: &str, parts: &[&str]) -> bool {
    let mut rest = row;
    parts.iter().all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// Whether a text is for people: it has two words in sequence, and is no script.
fn is_text(text: &str) -> bool {
    if text.contains("complete ") && text.lines().count() > 2 {
        return false;
    }
    let is_word = |word: &&str| {
        let word = word.trim_matches(|char: char| char.is_ascii_punctuation());
        word.len() > 1 && word.chars().all(|char| char.is_ascii_alphabetic())
    };
    let parts = fixed_parts(text).join(" {} ");
    let words: Vec<&str> = parts.split_whitespace().collect();
    words.windows(2).any(|pair| pair.iter().all(is_word))
}
