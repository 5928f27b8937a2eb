//! Attacks on the access to a server: without the token, from foreign pages and under foreign names.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::Value;
use tenure_bridge::TABLE;
use tenure_core::Limits;
use tenure_core::work::operation::Access;
use tenure_server::{ExecutorService, Server, ServerOptions, Token};

use crate::support::{Connection, Reply, Running, TOKEN, bearer, head, json, open, options};

const UNAUTHORIZED: (u16, &str) = (401, "UNAUTHORIZED");
const FORBIDDEN: (u16, &str) = (403, "FORBIDDEN");

#[track_caller]
fn assert_refused(reply: &Reply, (status, code): (u16, &str)) {
    assert_eq!(reply.failure(), (status, code.to_owned()), "{reply:?}");
}

/// The cookie of a browser that has opened the printed URL, as it sends it.
fn cookie(running: &Running) -> String {
    let reply = running.request("GET", &format!("/?token={TOKEN}"), &[], "");
    let cookie = reply.header("set-cookie").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn every_route_of_the_api_demands_the_token() {
    let running = Running::new();
    let prefix = format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]);
    let longer = format!("Bearer {TOKEN}x");
    let basic = format!("Basic {TOKEN}");
    let wrong_cookie = format!("tenure_session_{}=wrong", running.port());
    let other_cookie = format!("tenure_session={TOKEN}; other={TOKEN}");
    let in_query = format!("/v1/list?token={TOKEN}");
    for headers in [
        vec![],
        vec![("authorization", "")],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", TOKEN)],
        vec![("authorization", prefix.as_str())],
        vec![("authorization", longer.as_str())],
        vec![("authorization", basic.as_str())],
        vec![bearer(), bearer()],
        vec![
            ("cookie", wrong_cookie.as_str()),
            ("origin", "http://localhost"),
        ],
        vec![("cookie", other_cookie.as_str())],
        // A wrong token in the header is not excused by the cookie.
        vec![
            ("authorization", "Bearer x"),
            ("cookie", other_cookie.as_str()),
        ],
    ] {
        for (method, path) in [
            ("POST", "/v1/list"),
            ("POST", "/v1/deleteMany"),
            ("POST", "/v1/nothing"),
            ("POST", in_query.as_str()),
            ("GET", "/v1"),
            ("GET", "/v1/"),
            ("GET", "/v1/watch"),
            ("GET", "/v1/openapi.json"),
            ("PUT", "/v1/list"),
        ] {
            let reply = running.request(method, path, &headers, "");
            assert_refused(&reply, UNAUTHORIZED);
            assert!(!reply.body.contains(TOKEN));
        }
    }
    assert_eq!(running.get("/v1").status, 200);
}

#[test]
fn a_foreign_host_is_refused_with_the_token_too() {
    let running = Running::new();
    let port = running.port();
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        "localhost".to_owned(),
        "localhost:1".to_owned(),
        format!("localhost:{port}, evil.example"),
        format!("10.0.0.1:{port}"),
        String::new(),
    ] {
        for path in ["/", "/v1", "/v1/watch"] {
            let reply = running.raw(head("GET", path, &host, &[bearer()], 0));
            assert_refused(&reply, FORBIDDEN);
        }
        let reply = running.raw(head("POST", "/v1/list", &host, &json(), 0));
        assert_refused(&reply, FORBIDDEN);
    }
    let host = running.host();
    let (name, value) = bearer();
    for request in [
        format!("GET /v1 HTTP/1.0\r\n{name}: {value}\r\n\r\n"),
        format!(
            "GET /v1 HTTP/1.1\r\nhost: {host}\r\nhost: evil.example\r\n{name}: {value}\r\n\r\n"
        ),
        format!("GET http://evil.example/v1 HTTP/1.1\r\nhost: {host}\r\n{name}: {value}\r\n\r\n"),
        format!(
            "GET http://evil.example/v1 HTTP/1.1\r\nhost: evil.example\r\n{name}: {value}\r\n\r\n"
        ),
    ] {
        let reply = running.raw(&request);
        assert_eq!(reply.status, 403, "{request}");
    }
    for host in [host, format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        assert_eq!(
            running
                .raw(head("GET", "/v1", &host, &[bearer()], 0))
                .status,
            200
        );
    }
}

#[test]
fn another_name_is_allowed_if_it_is_named() {
    let running = Running::with(ServerOptions {
        allowed_hosts: vec!["ten.example".to_owned()],
        ..options()
    });
    let get = |host: &str| running.raw(head("GET", "/v1", host, &[bearer()], 0)).status;
    assert_eq!(get("ten.example"), 200);
    assert_eq!(get("other.example"), 403);
}

#[test]
fn the_printed_url_becomes_a_cookie_that_no_script_reads_and_no_other_site_sends() {
    let running = Running::new();
    let reply = running.request("GET", &format!("/?token={TOKEN}"), &[], "");
    assert_eq!(reply.status, 303);
    assert_eq!(reply.header("location"), Some("/"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let expected = format!(
        "tenure_session_{}={TOKEN}; HttpOnly; SameSite=Strict; Path=/",
        running.port()
    );
    assert_eq!(reply.header("set-cookie"), Some(expected.as_str()));
    for path in ["/?token=", "/?token=wrong", "/?token"] {
        let reply = running.request("GET", path, &[], "");
        assert_eq!(
            (reply.status, reply.header("set-cookie")),
            (401, None),
            "{path}"
        );
    }
    for path in [
        format!("/index.html?token={TOKEN}"),
        format!("/v1?token={TOKEN}"),
    ] {
        assert_eq!(
            running.request("GET", &path, &[], "").header("set-cookie"),
            None
        );
    }
}

#[test]
fn a_cookie_is_accepted_from_own_pages_alone() {
    let running = Running::new();
    let cookie = cookie(&running);
    let own = format!("http://{}", running.host());
    let own_upper = own.to_ascii_uppercase().replace("HTTP", "http");
    let send = |method: &str, path: &str, more: &[(&str, &str)]| {
        let headers = [
            ("cookie", cookie.as_str()),
            ("content-type", "application/json"),
        ];
        running.request(method, path, &[&headers[..], more].concat(), "")
    };
    let same_origin = ("sec-fetch-site", "same-origin");
    for more in [
        vec![],
        vec![("origin", "http://evil.example")],
        vec![("origin", "http://evil.example"), same_origin],
        vec![("origin", "null"), same_origin],
        vec![("origin", "")],
        // Another port is another origin, though the browser sends it the same cookies.
        vec![
            ("origin", "http://localhost:1"),
            ("sec-fetch-site", "same-site"),
        ],
        vec![("origin", "http://127.0.0.1")],
        vec![("origin", own.as_str()), ("origin", "http://evil.example")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
    ] {
        assert_refused(&send("POST", "/v1/list", &more), FORBIDDEN);
        assert_refused(&send("GET", "/v1/watch", &more), FORBIDDEN);
        assert_refused(&send("GET", "/v1", &more), FORBIDDEN);
    }
    assert_refused(
        &send("POST", "/v1/list", &[("sec-fetch-site", "none")]),
        FORBIDDEN,
    );
    assert_eq!(
        send("GET", "/v1", &[("sec-fetch-site", "none")]).status,
        200
    );
    for more in [
        vec![("origin", own.as_str())],
        vec![("origin", own_upper.as_str())],
        vec![same_origin],
        vec![("origin", own.as_str()), same_origin],
    ] {
        assert_eq!(send("POST", "/v1/list", &more).status, 200, "{more:?}");
        assert_eq!(send("GET", "/v1", &more).status, 200, "{more:?}");
    }
}

#[test]
fn a_form_of_a_page_is_no_call() {
    let running = Running::new();
    let cookie = cookie(&running);
    let own = format!("http://{}", running.host());
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ] {
        for headers in [
            vec![
                ("cookie", cookie.as_str()),
                ("origin", own.as_str()),
                ("content-type", media_type),
            ],
            vec![bearer(), ("content-type", media_type)],
        ] {
            let reply = running.request("POST", "/v1/list", &headers, "{}");
            assert_refused(&reply, (400, "INVALID_ARGUMENT"));
        }
    }
    let headers = [
        bearer(),
        ("content-type", "Application/JSON; charset=utf-8"),
    ];
    assert_eq!(
        running.request("POST", "/v1/list", &headers, "{}").status,
        200
    );
}

#[test]
fn pages_of_other_origins_read_nothing_unless_they_are_named() {
    let named = Running::with(ServerOptions {
        allowed_origins: vec!["https://bot.example".to_owned()],
        ..options()
    });
    let preflight = |running: &Running, origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "authorization,content-type",
            ),
        ];
        running.request("OPTIONS", "/v1/list", &headers, "")
    };
    let call = |running: &Running, origin: &str| {
        running.request(
            "POST",
            "/v1/list",
            &[&json()[..], &[("origin", origin)]].concat(),
            "",
        )
    };
    let plain = Running::new();
    for (running, origin) in [
        (&plain, "https://bot.example"),
        (&named, "https://evil.example"),
        (&named, "http://bot.example"),
        (&named, "https://bot.example.evil.example"),
        (&named, "null"),
    ] {
        let reply = preflight(running, origin);
        assert_refused(&reply, FORBIDDEN);
        assert_eq!(reply.header("access-control-allow-origin"), None);
        assert_eq!(
            call(running, origin).header("access-control-allow-origin"),
            None
        );
    }
    let reply = preflight(&named, "https://bot.example");
    assert_eq!(reply.status, 204);
    assert_eq!(
        reply.header("access-control-allow-methods"),
        Some("GET, POST")
    );
    let reply = call(&named, "https://bot.example");
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://bot.example")
    );
    assert_eq!(reply.header("vary"), Some("origin"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    // Their cookies are of no use to them.
    let cookie = cookie(&named);
    let headers = [
        ("cookie", cookie.as_str()),
        ("origin", "https://bot.example"),
        ("content-type", "application/json"),
    ];
    assert_refused(&named.request("POST", "/v1/list", &headers, ""), FORBIDDEN);
}

#[test]
fn a_read_only_server_refuses_every_operation_that_writes() {
    let running = Running::with(ServerOptions {
        read_only: true,
        ..options()
    });
    let mut refused = 0;
    for operation in TABLE.iter() {
        let reply = running.call(operation.name(), operation.signature.sample());
        match operation.access {
            Access::Read => assert_ne!(reply.status, 403, "{reply:?}"),
            Access::Write | Access::WriteMany => {
                assert_refused(&reply, (403, "READ_ONLY"));
                assert_eq!(
                    reply.json()["error"]["details"]["operation"],
                    operation.name()
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 40, "{refused}");
    assert_eq!(running.ok("changesSince", "{}")["position"], 0);
    assert_eq!(running.get("/v1").json()["ok"]["readOnly"], true);
}

#[test]
fn a_read_only_server_says_what_an_operation_would_do() {
    let writer = Running::new();
    let read_only = ServerOptions {
        read_only: true,
        ..options()
    };
    let reader = Running::over(Arc::clone(&writer.executor), read_only);
    for id in ["s", "t"] {
        writer.ok(
            "start",
            &format!(r#"{{"id":"{id}","task":"t","mode":"m"}}"#),
        );
    }
    writer.ok("complete", r#"{"id":"s"}"#);
    writer.ok("trash", r#"{"id":"t"}"#);
    writer.ok("agentCreate", r#"{"id":"a","agentName":"a"}"#);
    writer.ok("leaseAcquire", r#"{"key":"k","holder":"h"}"#);
    let everything = || {
        [
            reader.ok("list", r#"{"trash":"include"}"#),
            reader.ok("auditLog", "{}"),
            reader.ok("leaseList", "{}"),
            reader.ok("changesSince", r#"{"position":0}"#),
        ]
    };
    let before = everything();
    let mut dry = 0;
    for operation in TABLE.iter() {
        let mut params: Value = serde_json::from_str(operation.signature.sample()).unwrap();
        if operation.access == Access::Read || params.get("dryRun").is_none() {
            continue;
        }
        for name in ["cursor", "limit", "token"] {
            params.as_object_mut().unwrap().remove(name);
        }
        params["dryRun"] = true.into();
        let done = reader.ok(operation.name(), &params.to_string());
        assert!(done.is_object(), "{}: {done}", operation.name());
        assert_eq!(everything(), before, "{}", operation.name());
        dry += 1;
        for no_dry_run in [
            r#"{"dryRun":true,"dryRun":false}"#,
            r#"{"dryRun":"true"}"#,
            r#"{"x":{"dryRun":true}}"#,
            "",
        ] {
            let reply = reader.call(operation.name(), no_dry_run);
            assert_refused(&reply, (403, "READ_ONLY"));
        }
    }
    assert!(dry > 5, "{dry}");
}

#[test]
fn an_address_that_other_machines_reach_demands_a_token_of_its_own() {
    let bind = |token: Option<Token>| {
        let service = ExecutorService::new(Arc::new(open("memory:")), &Limits::default());
        let options = ServerOptions {
            address: (Ipv4Addr::UNSPECIFIED, 0).into(),
            token,
            ..ServerOptions::default()
        };
        Server::bind(Arc::new(service), options)
    };
    assert_eq!(bind(None).unwrap_err().code(), "INVALID_ARGUMENT");
    assert!(bind(Some(Token::parse(TOKEN).unwrap())).is_ok());
}

#[test]
fn a_server_has_a_token_of_its_own_by_default() {
    let tokens = [0, 1].map(|_| {
        let service = ExecutorService::new(Arc::new(open("memory:")), &Limits::default());
        let server = Server::bind(Arc::new(service), ServerOptions::default()).unwrap();
        assert!(server.address().ip().is_loopback());
        assert!(server.url_with_token().ends_with(server.token().reveal()));
        assert!(!server.url().contains("token"));
        server.token().reveal().to_owned()
    });
    assert_eq!(tokens[0].len(), 64);
    assert_ne!(tokens[0], tokens[1]);
}

#[test]
fn options_that_are_no_origins_and_hosts_are_refused() {
    let bind = |origin: &str, host: &str| {
        let service = ExecutorService::new(Arc::new(open("memory:")), &Limits::default());
        let options = ServerOptions {
            allowed_origins: vec![origin.to_owned()],
            allowed_hosts: vec![host.to_owned()],
            ..ServerOptions::default()
        };
        Server::bind(Arc::new(service), options).map(drop)
    };
    assert!(bind("https://bot.example:8443", "ten.example").is_ok());
    for origin in [
        "*",
        "bot.example",
        "https://",
        "https://bot.example/",
        "https://a\r\nb",
    ] {
        assert_eq!(
            bind(origin, "ten.example").unwrap_err().code(),
            "INVALID_ARGUMENT"
        );
    }
    for host in ["*", "", "http://ten.example", "a b"] {
        assert_eq!(
            bind("https://bot.example", host).unwrap_err().code(),
            "INVALID_ARGUMENT"
        );
    }
}

#[test]
fn the_health_of_the_server_is_public_and_says_nothing() {
    let running = Running::new();
    let reply = running.raw(head("GET", "/healthz", "10.1.2.3:8080", &[], 0));
    assert_eq!((reply.status, reply.body.as_str()), (200, "ok\n"));
    let mut connection = Connection::to(running.address());
    connection.write(head("POST", "/healthz", &running.host(), &[], 0));
    assert_eq!(connection.reply().unwrap().status, 405);
}
