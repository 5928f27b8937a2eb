//! The routes of the server.

use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, header};
use serde::{Deserialize, Serialize};
use tenure_bridge::{TABLE, answer};
use tenure_core::Error;
use tenure_core::store::Capabilities;
use tenure_core::value::json::well_formed;
use tenure_core::work::operation::{Access, AnyOperation};

use crate::access;
use crate::archive;
use crate::body::{NotReceived, receive};
use crate::call::perform_traced;
use crate::failure;
use crate::heads;
use crate::metrics;
use crate::openapi;
use crate::query;
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::service;
use crate::state::State;
use crate::watch;

/// The metrics of the store.
const METRICS: &str = "/metrics";
/// Whether the server runs.
const HEALTH: &str = "/healthz";
/// The root of the API.
const API: &str = "/v1";
/// The header with a client's answers about models.
const MODELS: &str = "tenure-models";
/// The header with the position of a call in a distributed trace.
const TRACE: &str = "traceparent";

/// What a server is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    version: &'static str,
    capabilities: Capabilities,
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<&'a [String]>,
}

/// Responds to a request.
pub(crate) async fn respond(state: Arc<State>, request: Request<Incoming>) -> Response {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let (route, mut response) = routed(&state, &parts, body).await;
    if is_of_api(parts.uri.path())
        && let Some(origin) = access::allowed_origin(&parts.headers, &state.origins)
    {
        reply::allow_origin(response.headers_mut(), origin);
    }
    state.logging(|| {
        tracing::info!(
            method = name_of(&parts.method),
            route,
            status = response.status().as_u16(),
            ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    });
    response
}

/// The name of the route, for the log, and the response. The log has nothing that a client has written.
async fn routed(state: &Arc<State>, request: &Parts, body: Incoming) -> (&'static str, Response) {
    let path = request.uri.path();
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    if path == HEALTH && is_read {
        return ("healthz", reply::text(200, "ok\n"));
    }
    let host = match access::host(request, &state.hosts) {
        Ok(host) => host,
        Err(refusal) => return ("refused", failure::refused(&refusal)),
    };
    if path == METRICS && is_read {
        return match access::authorize(request, host, &state.cookie, &state.token) {
            Ok(()) => ("metrics", metrics::scrape(state, request).await),
            Err(refusal) => ("refused", failure::refused(&refusal)),
        };
    }
    if !is_of_api(path) {
        return match is_read {
            true => page(state, request),
            false => ("refused", no_page(state, path)),
        };
    }
    if request.method == Method::OPTIONS {
        return match access::allowed_origin(&request.headers, &state.origins) {
            Some(_) => ("preflight", reply::preflight()),
            None => ("refused", failure::refused(&Refusal::ForeignOrigin)),
        };
    }
    if let Err(refusal) = access::authorize(request, host, &state.cookie, &state.token) {
        return ("refused", failure::refused(&refusal));
    }
    let name = path.get(API.len()..).unwrap_or_default();
    let name = name.strip_prefix('/').unwrap_or(name);
    if let Some(id) = archive::id_of(name) {
        let query = request.uri.query().unwrap_or_default();
        return match is_read {
            true => (archive::NAME, archive::read(state, id, query).await),
            false => ("refused", not_allowed("GET, HEAD")),
        };
    }
    match (&request.method, name) {
        (&Method::GET, "") => ("about", about(state)),
        (&Method::GET, "watch") => {
            let query = request.uri.query().unwrap_or_default();
            ("watch", watch::watch(state, query, &request.headers).await)
        }
        (&Method::GET, "openapi.json") => ("openapi", reply::json(200, openapi::text())),
        (&Method::POST, name) => call(state, name, request, body).await,
        (_, "" | "watch" | "openapi.json") => ("refused", not_allowed("GET")),
        _ => ("refused", not_allowed("POST")),
    }
}

/// The name of a method. A client may write any text for one.
fn name_of(method: &Method) -> &'static str {
    const KNOWN: [(&Method, &str); 4] = [
        (&Method::GET, "GET"),
        (&Method::HEAD, "HEAD"),
        (&Method::POST, "POST"),
        (&Method::OPTIONS, "OPTIONS"),
    ];
    let known = KNOWN.iter().find(|(known, _)| *known == method);
    known.map_or("other", |(_, name)| name)
}

fn is_of_api(path: &str) -> bool {
    let rest = path.strip_prefix(API);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A file. The page `/` takes the token of the printed URL, and keeps it in a cookie.
fn page(state: &State, request: &Parts) -> (&'static str, Response) {
    let path = request.uri.path();
    let query = request.uri.query().unwrap_or_default();
    if path == "/" && !query.is_empty() {
        let parameters = query::parameters(query).unwrap_or_default();
        return match parameters.get("token") {
            Some(given) if state.token.is(given) => (
                "session",
                reply::with_cookie(&state.cookie, state.token.reveal()),
            ),
            Some(_) => {
                let problem = "The token is wrong: open the URL with the token of the server, /?token=TOKEN.\n";
                ("refused", reply::text(401, problem))
            }
            None => file(state, request, "/"),
        };
    }
    file(state, request, path)
}

/// What is served at `/` if there are no files.
const NO_FILES: &str = "This is a Tenure server. POST /v1/{operation} calls an operation, GET /v1/watch \
                        streams the changes, and GET /v1/openapi.json describes both.\n";

const NO_PAGE: &str = "There is no such page.\n";

fn file(state: &State, request: &Parts, path: &str) -> (&'static str, Response) {
    match state.files.find(path) {
        Some(file) => (
            "file",
            reply::file(file, access::takes_gzip(&request.headers)),
        ),
        None if path == "/" => ("file", reply::text(200, NO_FILES)),
        None => ("not found", reply::text(404, NO_PAGE)),
    }
}

/// The response to a request of a page that is no reading.
fn no_page(state: &State, path: &str) -> Response {
    match ["/", HEALTH, METRICS].contains(&path) || state.files.find(path).is_some() {
        true => not_allowed("GET, HEAD"),
        false => reply::text(404, NO_PAGE),
    }
}

fn not_allowed(allowed: &'static str) -> Response {
    let error = Error::invalid("method", format!("expected {allowed}"));
    let mut response = reply::json(405, answer::error(&error));
    let allowed = header::HeaderValue::from_static(allowed);
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

fn about(state: &State) -> Response {
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        capabilities: state.service.capabilities(),
        read_only: state.read_only,
        models: state.service.models(),
    };
    reply::json(200, answer::ok(&about))
}

/// Whether an operation may be called to say what it would do. Its sample call has every property.
fn has_dry_run(operation: &AnyOperation) -> bool {
    operation.signature.sample().contains("\"dryRun\"")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DryRun {
    dry_run: bool,
}

/// Whether these are the parameters of a call that writes nothing. They are not if they say it twice.
fn is_dry_run(params: &str) -> bool {
    serde_json::from_str::<DryRun>(params).is_ok_and(|params| params.dry_run)
}

/// Calls the operation of a name.
async fn call(
    state: &Arc<State>,
    name: &str,
    request: &Parts,
    body: Incoming,
) -> (&'static str, Response) {
    let operation = match TABLE.find(name) {
        Ok(operation) => operation,
        Err(error) => return ("refused", failure::no_operation(&error)),
    };
    let name = operation.name();
    let refused = || {
        let refusal = Refusal::ReadOnly { operation: name };
        (name, failure::refused(&refusal))
    };
    let only_reads = operation.access == Access::Read || !state.read_only;
    if !only_reads && !has_dry_run(operation) {
        return refused();
    }
    if metrics::is_own(operation) {
        let refusal = Refusal::OwnOperation { operation: name };
        return (name, failure::refused(&refusal));
    }
    if !access::is_json(&request.headers) {
        let error = Error::invalid("content-type", "expected application/json");
        return (name, failure::error(state, name, &error));
    }
    let received = match receive(state, body).await {
        Ok(received) => received,
        Err(NotReceived::Invalid(error)) => return (name, failure::error(state, name, &error)),
        Err(NotReceived::Refused(refusal)) => return (name, failure::refused(&refusal)),
    };
    let params = match received.text.is_empty() {
        true => "{}".to_owned(),
        false => received.text,
    };
    if !only_reads && !is_dry_run(&params) {
        return refused();
    }
    let answers = request.headers.get(MODELS);
    let answers = answers.map(|answers| answers.to_str().unwrap_or_default().to_owned());
    if let Some(Err(error)) = answers.as_ref().map(|text| well_formed(MODELS, text)) {
        return (name, failure::error(state, name, &error));
    }
    let trace = request.headers.get(TRACE);
    let trace = trace.and_then(|trace| trace.to_str().ok().map(str::to_owned));
    let mut answer = perform_traced(state, operation, params, answers, trace).await;
    drop(received.room);
    if heads::is_read_by(operation) && access::accepts(&request.headers, heads::MEDIA_TYPE) {
        // They are many.
        let decoding = tokio::task::spawn_blocking(move || (heads::content(&answer), answer));
        match decoding.await {
            Ok((Some(content), _)) => return (name, reply::bytes(content)),
            Ok((None, same)) => answer = same,
            Err(_) => answer = service::no_answer(),
        }
    }
    (name, failure::answered(state, name, answer))
}
