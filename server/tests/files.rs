//! Files and headers: no request names another file, adds a header or runs as a script.

use tenure_server::{File, Files, ServerOptions};

use crate::support::{Running, bearer, options};

fn files() -> Files {
    Files::of(vec![
        File::new("/index.html", b"<!doctype html><title>Tenure</title>"),
        File::new("/assets/app.js", b"export {};"),
    ])
}

fn running() -> Running {
    Running::with(ServerOptions {
        files: files(),
        ..options()
    })
}

#[test]
fn the_files_are_served_as_what_they_are() {
    let running = running();
    for (path, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/?x=1", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/assets/app.js", "text/javascript; charset=utf-8"),
    ] {
        let reply = running.request("GET", path, &[], "");
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some(media_type));
    }
    assert_eq!(running.request("POST", "/", &[], "").status, 405);
}

#[test]
fn the_folder_of_the_web_ui_is_served_as_the_page_of_a_server() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    let script = "// a script that is long enough to be shorter as gzip\n".repeat(100);
    for (name, content) in [
        ("index.html", "<title>alone</title>"),
        ("server.html", "<title>served</title>"),
        ("service-worker.js", "x"),
        ("assets/app.js", script.as_str()),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let running = Running::with(ServerOptions {
        files: Files::read(folder.path()).unwrap(),
        ..options()
    });
    for path in ["/", "/index.html"] {
        assert_eq!(
            running.request("GET", path, &[], "").body,
            "<title>served</title>"
        );
    }
    for path in ["/server.html", "/service-worker.js"] {
        assert_eq!(running.request("GET", path, &[], "").status, 404, "{path}");
    }
    for (accepted, is_gzip) in [
        ("gzip, br", true),
        ("br;q=1, GZIP;q=0.5", true),
        ("gzip;q=0", false),
        ("br", false),
    ] {
        let headers = [("accept-encoding", accepted)];
        let reply = running.request("HEAD", "/assets/app.js", &headers, "");
        assert_eq!(
            reply.header("content-encoding"),
            is_gzip.then_some("gzip"),
            "{accepted}"
        );
        assert_eq!(reply.header("vary"), Some("accept-encoding"));
        let length: usize = reply.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length == script.len(), !is_gzip);
        assert!(reply.header("cache-control").unwrap().contains("immutable"));
    }
}

#[test]
fn a_server_without_files_names_the_api() {
    let reply = Running::new().request("GET", "/", &[], "");
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(reply.body.contains("/v1/openapi.json"));
}

#[test]
fn no_path_leads_out_of_the_files() {
    let running = running();
    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "/..\\Cargo.toml",
        "//etc/passwd",
        "/etc/passwd",
        "/assets/app.js/../../index.html",
        "/assets/app.js%00",
        "/assets",
        "/assets/",
        "/index.html/",
        "/%2findex.html",
    ] {
        let reply = running.request("GET", path, &[], "");
        assert!(matches!(reply.status, 400 | 404), "{path}: {reply:?}");
        assert!(
            !reply.body.contains("Tenure") && !reply.body.contains("root:"),
            "{reply:?}"
        );
    }
}

#[test]
fn no_request_adds_a_header() {
    let running = running();
    for path in [
        "/%0d%0aset-cookie:%20a=b",
        "/?token=%0d%0aset-cookie:%20a=b",
    ] {
        let reply = running.request("GET", path, &[], "");
        assert_eq!(reply.header("set-cookie"), None, "{reply:?}");
    }
    let host = running.host();
    for request in [
        format!("GET / HTTP/1.1\r\nhost: {host}\r\nx: a\rset-cookie: b\r\n\r\n"),
        format!("GET /\r\nset-cookie: b HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {host}\r\nno header\r\n\r\n"),
    ] {
        assert_eq!(running.raw(&request).status, 400, "{request:?}");
    }
}

#[test]
fn every_response_keeps_browsers_from_running_framing_and_guessing() {
    let running = running();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/assets/app.js"),
        ("GET", "/nothing"),
        ("GET", "/healthz"),
        ("GET", "/v1"),
        ("GET", "/v1/openapi.json"),
        ("POST", "/v1/list"),
        ("POST", "/v1/nothing"),
        ("DELETE", "/v1/list"),
    ] {
        let reply = running.request(method, path, &[bearer()], "");
        let header = |name| reply.header(name).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"));
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"));
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        if path.starts_with("/v1") {
            assert_eq!(header("cache-control"), "no-store", "{path}");
        }
        assert_eq!(reply.header("server"), None);
    }
}

/// Texts of users come as JSON, which no browser takes for a page.
#[test]
fn the_text_of_a_user_is_never_html() {
    let running = running();
    let task = r"<script>alert(1)</script>";
    running.ok(
        "start",
        &format!(r#"{{"id":"s","task":"{task}","mode":"m"}}"#),
    );
    for (operation, params) in [
        ("get", r#"{"id":"s"}"#),
        ("export", r#"{"id":"s"}"#),
        ("get", r#"{"id":"<b>"}"#),
        ("%3Cb%3E", "{}"),
    ] {
        let reply = running.call(operation, params);
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{operation}"
        );
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn other_methods_are_refused() {
    let running = running();
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let reply = running.request(method, "/v1/list", &[bearer()], "");
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    for path in ["/v1", "/v1/watch", "/v1/openapi.json"] {
        let reply = running.request("DELETE", path, &[bearer()], "");
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("GET")),
            "{path}"
        );
    }
    // Only what there is has other methods.
    for (path, status) in [("/", 405), ("//v1/start", 404), ("/nothing", 404)] {
        let reply = running.request("POST", path, &[bearer()], "{}");
        assert_eq!(reply.status, status, "{path}");
    }
    let reply = running.request("CONNECT", &running.host(), &[bearer()], "");
    assert!(matches!(reply.status, 400 | 403 | 404 | 405), "{reply:?}");
}
