//! Servers for tests, and a client that sends any bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tenure_bridge::{Answer, Options};
use tenure_core::Limits;
use tenure_core::store::Capabilities;
use tenure_host::{Executor, Lifetime, Place};
use tenure_server::log::{self, Format};
use tenure_server::{
    ClientCall, Done, ExecutorService, Server, ServerLimits, ServerOptions, Service, Token,
};

/// The timeout of every wait in these tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// The token of the servers.
pub(crate) const TOKEN: &str = "s3cret-token-of-the-tests";
/// 2026-01-08T18:05:30.000Z.
const NOON: f64 = 1_767_895_530_000.0;

/// What a server has logged.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A running server.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) executor: Arc<Executor>,
    logged: Logged,
}

/// The options of the tests' servers.
pub(crate) fn options() -> ServerOptions {
    ServerOptions {
        token: Some(Token::parse(TOKEN).unwrap()),
        ..ServerOptions::default()
    }
}

/// These limits, in the options of the tests' servers.
pub(crate) fn limited(limits: ServerLimits) -> ServerOptions {
    ServerOptions {
        limits,
        ..options()
    }
}

/// Opens the store of a URL.
pub(crate) fn open(url: &str) -> Executor {
    let place = Place::of(url).unwrap().unwrap();
    Executor::open(place, &Options::default(), Lifetime::Long).unwrap()
}

/// The clock and the random bits of the calls of one store, each different.
pub(crate) fn environment() -> impl Fn() -> (f64, String) + Send + Sync {
    let calls = AtomicU64::new(0);
    move || {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        (NOON + call as f64, format!("{call:032x}"))
    }
}

/// Answers some calls instead of the store.
pub(crate) struct Interposed<F> {
    pub(crate) inner: ExecutorService,
    pub(crate) answer: F,
}

impl<F: Fn(&ClientCall) -> Option<Answer> + Send + Sync> Service for Interposed<F> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn start(&self, call: ClientCall, done: Done) {
        match (self.answer)(&call) {
            Some(answer) => done(answer),
            None => self.inner.start(call, done),
        }
    }
}

impl Running {
    /// A server over a store in memory.
    pub(crate) fn new() -> Self {
        Self::with(options())
    }

    pub(crate) fn with(options: ServerOptions) -> Self {
        Self::over(open("memory:"), options)
    }

    pub(crate) fn over(executor: impl Into<Arc<Executor>>, options: ServerOptions) -> Self {
        let executor = executor.into();
        let service = ExecutorService::new(Arc::clone(&executor), &Limits::default());
        let service = service.in_environment(Box::new(environment()));
        Self::serving(Arc::new(service), executor, options, Format::Json)
    }

    /// A server over a store in memory that has some calls answered by `answer`.
    pub(crate) fn interposed(
        options: ServerOptions,
        format: Format,
        answer: impl Fn(&ClientCall) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let executor = Arc::new(open("memory:"));
        let inner = ExecutorService::new(Arc::clone(&executor), &Limits::default());
        Self::serving(
            Arc::new(Interposed { inner, answer }),
            executor,
            options,
            format,
        )
    }

    fn serving(
        service: Arc<dyn Service>,
        executor: Arc<Executor>,
        options: ServerOptions,
        format: Format,
    ) -> Self {
        let logged = Logged::default();
        let log = log::to(format, logged.clone());
        let server = Server::bind(service, ServerOptions { log, ..options }).unwrap();
        Self {
            server,
            executor,
            logged,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address().port()
    }

    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port())
    }

    pub(crate) fn logged(&self) -> String {
        String::from_utf8(self.logged.0.lock().unwrap().clone()).unwrap()
    }

    /// Sends bytes on a new connection, and reads its response.
    pub(crate) fn raw(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut connection = Connection::to(self.address());
        connection.write(request);
        connection.reply().expect("a response")
    }

    /// Sends a request with these headers besides `Host`.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let request = head(method, path, &self.host(), headers, body.len()) + body;
        match method {
            // It has the length of a body, and no body.
            "HEAD" => {
                let mut connection = Connection::to(self.address());
                connection.write(request);
                connection.head().expect("a response")
            }
            _ => self.raw(request),
        }
    }

    /// Calls an operation with the token.
    pub(crate) fn call(&self, operation: &str, params: &str) -> Reply {
        self.request("POST", &format!("/v1/{operation}"), &json(), params)
    }

    /// Calls an operation that succeeds.
    pub(crate) fn ok(&self, operation: &str, params: &str) -> Value {
        let reply = self.call(operation, params);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["ok"].clone()
    }

    /// Sends a `GET` with the token.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[bearer()], "")
    }
}

/// The header with the token.
pub(crate) fn bearer() -> (&'static str, &'static str) {
    ("authorization", "Bearer s3cret-token-of-the-tests")
}

/// The headers of a call.
pub(crate) fn json() -> [(&'static str, &'static str); 2] {
    [bearer(), ("content-type", "application/json")]
}

/// The head of a request.
pub(crate) fn head(
    method: &str,
    path: &str,
    host: &str,
    headers: &[(&str, &str)],
    length: usize,
) -> String {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The status, and the code of its error.
    pub(crate) fn failure(&self) -> (u16, String) {
        (self.status, self.code())
    }
}

/// A connection.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // The server may have refused the request before it was sent completely.
        let _ = self.0.get_mut().write_all(bytes.as_ref());
    }

    /// Whether the server has closed the connection without a response.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        !matches!(self.0.read(&mut byte), Ok(1..))
    }

    /// The next response; `None` if the connection is closed.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let mut reply = self.head()?;
        let length = reply
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).ok()?;
        reply.body = String::from_utf8(body).unwrap();
        Some(reply)
    }

    /// The next response without its body.
    pub(crate) fn head(&mut self) -> Option<Reply> {
        let status = self.line()?;
        let status = status.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Some(Reply {
            status,
            headers,
            body: String::new(),
        })
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(1..) => Some(line.trim_end().to_owned()),
            _ => None,
        }
    }

    /// The next part of a chunked body; `None` at its end.
    fn part(&mut self) -> Option<String> {
        let length = usize::from_str_radix(&self.line()?, 16).ok()?;
        let mut part = vec![0; length];
        self.0.read_exact(&mut part).ok()?;
        self.line()?;
        (length > 0).then(|| String::from_utf8(part).unwrap())
    }
}

/// An event of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<u64>,
    pub(crate) kind: String,
    pub(crate) data: String,
    pub(crate) comment: bool,
}

/// A stream of events.
pub(crate) struct Events {
    connection: Connection,
    text: String,
}

impl Events {
    /// Connects with these headers besides the token.
    pub(crate) fn connect(running: &Running, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut connection = Connection::to(running.address());
        let headers = [&[bearer()], headers].concat();
        connection.write(head("GET", path, &running.host(), &headers, 0));
        let reply = connection.head().unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        Self {
            connection,
            text: String::new(),
        }
    }

    /// The next event, which may have no data; `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = parsed(event);
                self.text = rest.to_owned();
                return Some(event);
            }
            let part = self.connection.part()?;
            self.text += &part;
        }
    }

    /// The next change.
    pub(crate) fn change(&mut self) -> Option<Value> {
        loop {
            let event = self.next()?;
            if event.kind == "change" {
                return Some(serde_json::from_str(&event.data).unwrap());
            }
        }
    }
}

fn parsed(text: &str) -> Event {
    let mut event = Event::default();
    let mut data = Vec::new();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => event.id = value.parse().ok(),
            Some(("event", value)) => event.kind = value.to_owned(),
            Some(("data", value)) => data.push(value),
            Some(("", _)) => event.comment = true,
            Some(("retry", _)) => {}
            other => panic!("{other:?} is no line of an event"),
        }
    }
    event.data = data.join("\n");
    event
}

/// Waits until a condition holds.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The number of cases at the scale of this run: 0.1 is a quick test, 1 a thorough one.
pub(crate) fn scaled(count: f64) -> usize {
    let scale = std::env::var("TENURE_TEST_SCALE").ok();
    let scale: f64 = scale.and_then(|scale| scale.parse().ok()).unwrap_or(0.1);
    (count * scale).ceil() as usize
}
