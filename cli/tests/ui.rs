//! `tenure ui`: a server over the store of a command, until a signal.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Place, bare, output_of};

/// A server that runs as a command.
struct Ui {
    child: Child,
    /// The line that it has printed.
    line: String,
}

impl Ui {
    fn start(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        Self { child, line }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line).unwrap_or_else(|error| panic!("{error}: {}", self.line))
    }

    /// The host and port of the URL that was printed.
    fn host(&self) -> String {
        let (_, rest) = self.line.split_once("http://").unwrap();
        rest.split('/').next().unwrap().to_owned()
    }

    /// The status and the body of the response to a call.
    fn call(&self, token: &str, operation: &str, params: &str) -> (u16, String) {
        let host = self.host();
        let mut stream = TcpStream::connect(&host).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let length = params.len();
        let request = format!(
            "POST /v1/{operation} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{params}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    /// Sends a signal, and returns the exit code and the logs.
    #[cfg(unix)]
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let code = self.child.wait().unwrap().code();
        let mut logs = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut logs)
            .unwrap();
        (code, logs)
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn the_printed_token_calls_operations_until_a_signal_ends_the_server() {
    let place = Place::with_empty_store();
    let ui = Ui::start(place.command(&["ui", "--port", "0", "--json", "--log", "json"]));
    let printed = ui.json();
    let token = printed["token"].as_str().unwrap();
    assert_eq!(token.len(), 64);
    let page = format!("{}?token={token}", printed["url"].as_str().unwrap());
    assert_eq!(printed["page"], page);
    assert_eq!(printed["readOnly"], false);
    let start = r#"{"id":"s","task":"t","mode":"m"}"#;
    assert_eq!(ui.call(token, "start", start).0, 200);
    assert_eq!(ui.call("wrong", "list", "{}").0, 401);
    assert!(place.run_ok(&["list"]).starts_with("s\t"));
    let (code, logs) = ui.end("-INT");
    assert_eq!(code, Some(130));
    let lines: Vec<Value> = logs
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["message"], "listening");
    assert_eq!(
        (&lines[1]["route"], &lines[1]["status"]),
        (&"start".into(), &200.into())
    );
    assert_eq!(lines.last().unwrap()["message"], "closed");
    assert!(!logs.contains(token));
}

#[test]
fn a_token_of_its_own_is_not_printed() {
    let place = Place::with_empty_store();
    let token = "s3cret-token-of-the-tests";
    fs::write(place.folder.path().join("token"), format!("{token}\n")).unwrap();
    for options in [["--token", token], ["--token-file", "token"]] {
        let args = [&["ui", "--port", "0", "--read-only"], &options[..]].concat();
        let ui = Ui::start(place.command(&args));
        assert!(ui.line.starts_with("Serving sqlite:"), "{}", ui.line);
        assert!(
            !ui.line.contains(token) && !ui.line.contains("token="),
            "{}",
            ui.line
        );
        assert_eq!(ui.call(token, "list", "{}").0, 200);
        let (status, body) = ui.call(token, "start", r#"{"task":"t","mode":"m"}"#);
        assert!(status == 403 && body.contains("READ_ONLY"), "{body}");
    }
}

#[test]
fn the_store_of_a_project_may_be_created_by_another_process() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let ui = Ui::start(bare(folder.path(), &["ui", "--port", "0", "--json"]));
    let printed = ui.json();
    let token = printed["token"].as_str().unwrap();
    let list = || ui.call(token, "list", "{}").1;
    assert!(list().contains(r#""items":[]"#), "{}", list());
    assert!(!folder.path().join(".tenure").exists());
    let started = bare(folder.path(), &["start", "t", "--id", "a"]).output();
    assert!(started.unwrap().status.success());
    assert!(list().contains(r#""id":"a""#), "{}", list());
}

#[test]
fn a_port_that_is_in_use_is_refused() {
    let place = Place::with_empty_store();
    let first = Ui::start(place.command(&["ui", "--port", "0"]));
    let host = first.host();
    let (_, port) = host.split_once(':').unwrap();
    let second = place.run(&["ui", "--port", port]);
    assert_eq!(second.code, 2, "{second:?}");
    assert!(
        second.err.contains("--port: cannot listen on 127.0.0.1"),
        "{second:?}"
    );
}

#[test]
fn the_description_of_the_api_is_printed_without_a_store() {
    let folder = TempDir::new().unwrap();
    let output = output_of(bare(folder.path(), &["ui", "--openapi"]));
    let description: Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/v1/start"]["post"].is_object());
}
