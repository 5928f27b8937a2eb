//! An HTTP server of repositories, based on `git http-backend`. It can require a password,
//! misbehave, and count requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// How the server handles a push.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pushes {
    /// It applies all pushes.
    Applied,
    /// It refuses all pushes.
    Denied,
    /// It applies the next push, and closes the connection without a reply.
    Unanswered,
    /// It closes the connection of the next push without applying it.
    Dropped,
    /// It closes the connection of the next push, and applies it when another push arrives.
    Late,
    /// It never replies to a push.
    Stuck,
}

pub(crate) struct Server {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

struct State {
    root: PathBuf,
    header: Option<String>,
    pushes: Pushes,
    /// The number of received pushes.
    received: u32,
    /// The number of connections by a git, which each begin with a request for the refs.
    connections: u32,
    /// A push to be applied later.
    late: Option<Request>,
    /// Connections without a reply.
    held: Vec<TcpStream>,
}

impl Server {
    /// Serves the repositories of a folder, to requests with this value of the authorization
    /// header.
    pub(crate) fn new(root: &Path, header: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            root: root.to_owned(),
            header: header.map(str::to_owned),
            pushes: Pushes::Applied,
            received: 0,
            connections: 0,
            late: None,
            held: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        // The thread ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    pub(crate) fn set(&self, pushes: Pushes) {
        self.state.lock().unwrap().pushes = pushes;
    }

    /// The number of received pushes.
    pub(crate) fn pushes(&self) -> u32 {
        self.state.lock().unwrap().received
    }

    /// The number of connections by a git.
    pub(crate) fn connections(&self) -> u32 {
        self.state.lock().unwrap().connections
    }
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) => {
                    let header = (name.to_lowercase(), value.to_owned());
                    request.headers.push(header);
                }
                None => break,
            }
        }
        let length = request.header("content-length").parse();
        request.body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map_or("", |(_, value)| value)
    }

    fn is_push(&self) -> bool {
        self.path.ends_with("/git-receive-pack")
    }

    /// Runs git, and returns its reply.
    fn perform(&self, root: &Path) -> Option<Vec<u8>> {
        let mut backend = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REMOTE_USER", "user")
            .env("REQUEST_METHOD", &self.method)
            .env("PATH_INFO", &self.path)
            .env("QUERY_STRING", &self.query)
            .env("CONTENT_LENGTH", self.body.len().to_string())
            .env("CONTENT_TYPE", self.header("content-type"))
            .env("HTTP_CONTENT_ENCODING", self.header("content-encoding"))
            .env("GIT_PROTOCOL", self.header("git-protocol"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (mut given, body) = (backend.stdin.take()?, self.body.clone());
        let writer = std::thread::spawn(move || given.write_all(&body));
        let out = backend.wait_with_output().ok()?.stdout;
        let _ = writer.join();
        Some(out)
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let request = Request::read(&stream)?;
    let is_push = request.is_push();
    let (root, pushes, known, late) = {
        let mut state = state.lock().unwrap();
        let pushes = state.pushes;
        let mut late = None;
        state.connections += u32::from(request.path.ends_with("/info/refs"));
        if is_push {
            state.received += 1;
            late = state.late.take();
            if matches!(pushes, Pushes::Unanswered | Pushes::Dropped | Pushes::Late) {
                state.pushes = Pushes::Applied;
            }
        }
        let given = request.headers.iter();
        let given = given.filter(|(name, _)| name == "authorization");
        let given: Vec<&String> = given.map(|(_, value)| value).collect();
        // A second header is refused, as by common hosts.
        let known = state.header.as_ref().is_none_or(|known| given == [known]);
        (state.root.clone(), pushes, known, late)
    };
    if !known {
        let end = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"";
        return answer(&mut stream, end, b"");
    }
    if let Some(late) = late {
        late.perform(&root);
    }
    let writes = is_push || request.query == "service=git-receive-pack";
    match pushes {
        Pushes::Denied if writes => return answer(&mut stream, "403 Forbidden", b""),
        Pushes::Dropped if is_push => return None,
        Pushes::Late if is_push => {
            state.lock().unwrap().late = Some(request);
            return None;
        }
        Pushes::Stuck if is_push => {
            state.lock().unwrap().held.push(stream);
            return None;
        }
        _ => {}
    }
    let out = request.perform(&root)?;
    if is_push && pushes == Pushes::Unanswered {
        return None;
    }
    let end = out.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&out[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: "));
    let others = head.lines().filter(|line| !line.starts_with("Status: "));
    let head = [status.unwrap_or("200 OK")].into_iter().chain(others);
    let head = head.collect::<Vec<_>>().join("\r\n");
    answer(&mut stream, &head, &out[end + 4..])
}

fn answer(stream: &mut TcpStream, head: &str, body: &[u8]) -> Option<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}
