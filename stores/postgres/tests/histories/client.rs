//! Clients of a test: processes that perform the operations that the test sends them, each with a handle of its own.
//! A command is a line: a number, the name of an operation, the time of the call, and its parameters. A reply is a line
//! with the same number. Many commands of one client are in flight at a time.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tokio::sync::mpsc::unbounded_channel;

use crate::common::{block_on, operate};

/// The environment variable with the URL of the store for a client.
const URL: &str = "TENURE_TEST_HISTORIES_URL";
/// The beginning of a reply, which the other output of a test program does not have.
const REPLY: &str = "=\t";

/// The reply of an operation.
#[derive(Debug)]
pub(super) enum Reply {
    Done(Value),
    /// The code and the message of an error.
    Failed(String, String),
}

/// The replies that are waited for; nothing after the end of the process.
type Waiting = Arc<Mutex<Option<HashMap<u64, Sender<Reply>>>>>;

/// A client, as the test sees it.
pub(super) struct Client {
    url: String,
    process: Mutex<Process>,
}

struct Process {
    child: Child,
    input: ChildStdin,
    waiting: Waiting,
    last: u64,
}

impl Client {
    /// Starts a client of the store with this URL.
    pub(super) fn start(url: String) -> Self {
        Self {
            process: Mutex::new(Process::start(&url)),
            url,
        }
    }

    /// Performs an operation; nothing if the process is killed meanwhile.
    ///
    /// # Panics
    /// If the process ends by itself.
    pub(super) fn call(&self, name: &str, now: i64, params: &Value) -> Option<Reply> {
        let (sender, reply) = channel();
        {
            let mut process = self.process.lock().unwrap();
            process.last += 1;
            let number = process.last;
            let waiting = Arc::clone(&process.waiting);
            match waiting.lock().unwrap().as_mut() {
                Some(waiting) => {
                    waiting.insert(number, sender);
                    // Of a process that has ended, the end of its output is seen, too.
                    let _ = writeln!(process.input, "{number}\t{name}\t{now}\t{params}");
                }
                // There will be no reply.
                None => drop(sender),
            }
        }
        let reply = reply.recv().ok();
        if reply.is_none() {
            let ended = self.process.lock().unwrap().child.try_wait().unwrap();
            assert!(ended.is_none(), "a client has ended: {ended:?}");
        }
        reply
    }

    /// Kills the process, and starts another one.
    pub(super) fn kill_and_start(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill();
        *process = Process::start(&self.url);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Ok(process) = self.process.get_mut() {
            process.kill();
        }
    }
}

impl Process {
    fn start(url: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "histories::client::client",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let replies = Arc::clone(&waiting);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((number, reply)) = parse(&line)
                    && let Some(waiting) = replies.lock().unwrap().as_mut()
                    && let Some(sender) = waiting.remove(&number)
                {
                    // A test that has failed does not wait any more.
                    let _ = sender.send(reply);
                }
            }
            *replies.lock().unwrap() = None;
        });
        Self {
            input: child.stdin.take().unwrap(),
            child,
            waiting,
            last: 0,
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The reply of a line, and its number; nothing for other output.
fn parse(line: &str) -> Option<(u64, Reply)> {
    let mut parts = line.strip_prefix(REPLY)?.splitn(4, '\t');
    let number = parts.next()?.parse().ok()?;
    let reply = match (parts.next()?, parts.next()?, parts.next()) {
        ("done", json, None) => Reply::Done(serde_json::from_str(json).unwrap()),
        ("failed", code, Some(message)) => Reply::Failed(code.to_owned(), message.to_owned()),
        other => panic!("no reply: {other:?}"),
    };
    Some((number, reply))
}

/// A client, as a process.
#[test]
#[ignore = "a process of other tests"]
fn client() {
    let url = std::env::var(URL).expect("this runs as a process of another test");
    // A task that panics ends the process, whose test then fails.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        hook(panic);
        std::process::exit(101);
    }));
    // The name of the test is in the first line.
    println!();
    block_on(async {
        let address = Address::parse(&url).unwrap();
        let store = loop {
            // The server may be away.
            match PostgresStore::open(&address, &PostgresOptions::default()).await {
                Ok(store) => break Arc::new(store),
                Err(error) if error.code() == "STORE_UNAVAILABLE" => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        let (sender, mut commands) = unbounded_channel();
        thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        while let Some(command) = commands.recv().await {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let parts: Vec<&str> = command.splitn(4, '\t').collect();
                let [number, name, now, params] = parts[..] else {
                    panic!("no command: {command}");
                };
                let reply = match operate(&*store, name, now.parse().unwrap(), params).await {
                    Ok(json) => format!("done\t{}", json.as_str()),
                    Err(error) => {
                        let message = error.to_string().replace(['\n', '\t'], " ");
                        format!("failed\t{}\t{message}", error.code())
                    }
                };
                let mut output = std::io::stdout().lock();
                writeln!(output, "{REPLY}{number}\t{reply}").unwrap();
                output.flush().unwrap();
            });
        }
    });
}
