//! Properties of redaction: a secret is removed wherever it occurs, text without a secret is
//! unchanged, and redacted text stays the same when it is redacted again.

use proptest::prelude::*;
use serde_json::Value;
use tenure_core::Json;
use tenure_core::value::properties::Property;
use tenure_core::value::redact::{REDACTED, Redact};

use crate::support::scale;

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn redacted(text: &str) -> String {
    Redact::default().json(&json(text)).as_str().to_owned()
}

const SECRET_NAMES: &str = "\
    password Password dbPassword PGPASSWORD user_passwd passphrase pwd clientSecret \
    client_secret CLIENT-SECRET token accessToken GITHUB_TOKEN npm_config__authToken \
    credential awsCredentials cookie Set-Cookie Authorization proxy-authorization apikey \
    apiKey api_key API_KEY x-api-key OPENAI_API_KEY APIKey secretAccessKey \
    AWS_SECRET_ACCESS_KEY privateKey private_key_pem signing-key encryptionKey auth_key \
    clientKey password2 tokenValue sshKey DB_PASS smtpPass AccountKey SharedAccessSignature \
    SERVICE_ROLE_KEY aws_creds";

const OTHER_NAMES: &str = "\
    path tokens maxTokens max_tokens tokenCount passwordless secretary key primaryKey \
    keyboard monkey author authorizationUrl cookieBanner OLDPWD cwd publicKey k \
    tokenizer __proto__ bypass compass signature passed";

const PLANTED: &str = "\
    ghp_16C7e42F292c6912E7710c838347Ae178B4a gho_16C7e42F292c6912E7710c838347Ae178B4a \
    ghs_16C7e42F292c6912E7710c838347Ae178B4a \
    github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz sk-proj-abcDEF123456ghiJKL789 \
    sk-ant-api03-abcdef-123456_ghijkl xoxb-123456789012-abcdefABCDEF \
    xoxp-123456789012-abcdefABCDEF AKIAIOSFODNN7EXAMPLE \
    AIzaSyA-1234567890abcdefghijklmnopqrstu glpat-abcDEF123456_ghi \
    npm_abcdefghijklmnopqrstuvwxyz0123456789 \
    eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9";

fn words(list: &'static str) -> Vec<&'static str> {
    list.split_ascii_whitespace().collect()
}

const HARMLESS: &[&str] = &[
    "",
    "a",
    "ls -la",
    "src/main.rs",
    "https://example.org/a?b=c#d",
    "git@github.com:me/it.git",
    "sk-learn",
    "sk-estimator-checks-for-all",
    "task-runner",
    "risk-assessment-of-1234567890123",
    "npm_config_registry",
    "npm_lifecycle_event",
    "Bearer of bad news",
    "the bearer authentication",
    "AKIA",
    "AKIAlowercase1234567",
    "eyJ.eyx",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "http://localhost:8080/a@b",
    "mailto:me@example.org",
    "[redacted]",
    "user:password",
    "é\u{2028}\u{1f600}",
    "xoxb-",
    "ghp_",
    "\"quoted\\",
    "a://b:@c",
    "the token: a secret: nothing",
    "use --token to sign in",
    "if token == 5",
    "password = read()",
    "PASSWORD=$PASSWORD",
    "--token $TOKEN",
    "tokens=5&maxTokens=7",
    "{\"tokens\": \"many\"}",
    "token=",
];

/// A JSON string, with some of its characters escaped.
fn spelled(text: &str, escapes: &[bool]) -> String {
    let mut out = String::from("\"");
    let mut escapes = escapes.iter().copied().cycle();
    for c in text.chars() {
        let escape = escapes.next().unwrap_or(false);
        if escape || c < ' ' || c == '"' || c == '\\' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}

fn a_string(of: Vec<&'static str>) -> impl Strategy<Value = String> {
    (
        prop::sample::select(of),
        prop::collection::vec(any::<bool>(), 1..5),
        any::<bool>(),
    )
        .prop_map(|(text, escapes, plain)| spelled(text, if plain { &[false] } else { &escapes }))
}

/// A JSON text without secrets.
fn harmless() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        a_string(HARMLESS.to_vec()),
        prop::sample::select(vec![
            "null",
            "true",
            "1e400",
            "-0",
            "12345678901234567890",
            "\"\\ud800\"",
            "\"\\/\""
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        // Numbers, objects and null are no secrets under any key.
        let under_secret = prop::sample::select(vec![
            "7",
            "null",
            "\"\"",
            "{\"prompt\": 1}",
            "[]",
            "{}",
            "\"[redacted]\"",
        ]);
        let property = prop_oneof![
            4 => (a_string(words(OTHER_NAMES)), inner.clone()),
            1 => (a_string(words(SECRET_NAMES)), under_secret.prop_map(str::to_owned)),
        ];
        prop_oneof![
            (prop::collection::vec(inner, 0..4), space())
                .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(","))),
            (prop::collection::vec(property, 0..4), space()).prop_map(|(properties, space)| {
                let properties: Vec<String> = properties
                    .iter()
                    .map(|(key, value)| format!("{key}{space}:{value}"))
                    .collect();
                format!("{{{}{space}}}", properties.join(&format!(",{space}")))
            }),
        ]
    })
}

fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "\n\t", "\r\n  "])
}

/// A step into a JSON text: the text before and after the nested part.
fn around() -> impl Strategy<Value = (String, String)> {
    let name = || a_string([words(SECRET_NAMES), words(OTHER_NAMES)].concat());
    prop_oneof![
        (harmless(), space())
            .prop_map(|(item, space)| (format!("[{item},{space}"), format!("{space}]"))),
        (name(), harmless(), space()).prop_map(|(key, other, space)| {
            (
                format!("{{\"a\":{other},{space}{key}{space}:"),
                format!(",{space}\"z\":[{other}]}}"),
            )
        }),
        // A duplicate key, as the last and as the first one.
        name().prop_map(|key| (format!("{{{key}:1,{key}:"), "}".to_owned())),
        name().prop_map(|key| (format!("{{{key}:"), format!(",{key}:1}}"))),
    ]
}

/// A secret in one place, and the JSON text of that place.
fn planted() -> impl Strategy<Value = (String, String)> {
    let escapes = || prop::collection::vec(any::<bool>(), 1..4);
    let by_name = (
        "[a-z]{3,12}X[0-9]{1,4}[!?.]{0,2}",
        a_string(words(SECRET_NAMES)),
        escapes(),
        0..3usize,
    )
        .prop_map(|(secret, name, escapes, arrays)| {
            let value = spelled(&secret, &escapes);
            let text = format!(
                "{{{name}:{}{value}{}}}",
                "[".repeat(arrays),
                "]".repeat(arrays)
            );
            (secret, text)
        });
    let by_form = (
        prop::sample::select(words(PLANTED)),
        prop::sample::select(vec!["", "x ", "A=", "\u{e9}", "(\"", "'", "x_", "\\"]),
        prop::sample::select(vec!["", " y", ")", "\"", "\u{e9}", ";"]),
        escapes(),
    )
        .prop_map(|(secret, before, after, escapes)| {
            (
                secret.to_owned(),
                spelled(&format!("{before}{secret}{after}"), &escapes),
            )
        });
    let in_url = (
        "[a-zA-Z0-9!$%^&*()_+=:@-]{1,12}X[0-9]",
        prop::sample::select(vec!["postgres", "https", "amqp+ssl"]),
        escapes(),
    )
        .prop_map(|(secret, scheme, escapes)| {
            (
                secret.clone(),
                spelled(
                    &format!("see {scheme}://me:{secret}@db.example.org/x?y"),
                    &escapes,
                ),
            )
        });
    let bearer = ("[a-zA-Z0-9._~+/-]{8,20}X1", escapes()).prop_map(|(secret, escapes)| {
        (
            secret.clone(),
            spelled(&format!("-H 'authorization: bearer {secret}'"), &escapes),
        )
    });
    let key = (
        "[a-zA-Z0-9+/]{40}X1",
        prop::sample::select(vec!["RSA ", "", "EC ", "OPENSSH "]),
        any::<bool>(),
    )
        .prop_map(|(secret, label, cut)| {
            let end = if cut {
                ""
            } else {
                "\n-----END PRIVATE KEY-----\n"
            };
            (
                secret.clone(),
                spelled(
                    &format!("x\n-----BEGIN {label}PRIVATE KEY-----\n{secret}\n{secret}{end}"),
                    &[false],
                ),
            )
        });
    let assigned = (
        "[a-z]{3,9}X[0-9]{2}",
        prop::sample::select(words(SECRET_NAMES)),
        prop::sample::select(vec![
            ("export ", "=", ""),
            ("--", "=", " x"),
            ("x --", " ", " x"),
            ("?n=1&", "=", "&m=2"),
            ("{\"", "\": \"", "\"}"),
            ("{'", "':'", "'}"),
            ("A='", "=\"", "\"'"),
            ("", " = ", ""),
            ("const ", " = \"", "\";"),
            ("", ": ", "\n"),
            ("a:\n  - ", ": ", "\n"),
            ("see ", ": ", " there"),
            ("\"{\\\"", "\\\": \\\"", "\\\"}\""),
            ("<", ">", "</x>"),
            ("$x['", "'] = '", "';"),
            ("'", "' => \"", "\","),
        ]),
        escapes(),
    )
        .prop_map(|(secret, name, (before, between, after), escapes)| {
            let text = format!("{before}{name}{between}{secret}{after}");
            (secret, spelled(&text, &escapes))
        });
    prop_oneof![by_name, by_form, in_url, bearer, key, assigned]
}

/// Whether a text occurs in a value or in its keys.
fn occurs(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| occurs(item, text)),
        Value::Object(properties) => properties
            .iter()
            .any(|(key, value)| key.contains(text) || occurs(value, text)),
        _ => false,
    }
}

/// Fragments of secrets, which are combined in all ways.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "Bearer ",
        "bearer",
        "abcdefgh1",
        "://",
        "https",
        ":",
        "@",
        "/",
        " ",
        "-",
        "_",
        ".",
        "eyJ",
        "ghp_",
        "sk-",
        "AKIA",
        "IOSFODNN7EXAMPLE",
        "npm_",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "-----BEGIN ",
        "RSA PRIVATE KEY",
        "-----",
        "-----END ",
        "\n",
        "[redacted]",
        "[",
        "]",
        "corp-",
        "x",
        "\u{e9}",
        "xoxb-",
        "token",
        "=",
        "--token ",
        "X-Api-Key",
        ": ",
        "Cookie",
        "\"",
        "'",
        "password",
        "hunter2x",
        " = ",
        ":",
        " => ",
        "api_key",
        "datadog",
        "\\\"",
        "\\n",
        "<token>",
        "</",
        "(",
        "%20",
        "SG.",
        "~",
        ":A",
        "12345",
        "$",
        "\\",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn text_without_a_secret_is_unchanged(text in harmless()) {
        prop_assert_eq!(redacted(&text), text);
    }

    #[test]
    fn a_secret_is_removed_from_every_place(path in prop::collection::vec(around(), 0..5), (secret, place) in planted()) {
        let mut text = place;
        for (before, after) in path {
            text = format!("{before}{text}{after}");
        }
        let out = redacted(&text);
        prop_assert!(out.contains(REDACTED));
        prop_assert!(!out.contains(&secret), "{}", out);
        // Of two properties with one name, only the last one is in the value; the text contains
        // both.
        if !text.contains("1e400") && !text.contains("\\ud800") {
            let value: Value = serde_json::from_str(&out).unwrap();
            prop_assert!(!occurs(&value, &secret), "{}", out);
        }
        prop_assert_eq!(redacted(&out), out);
    }

    #[test]
    fn redacting_twice_is_redacting_once(
        texts in prop::collection::vec((pieces(), prop::collection::vec(any::<bool>(), 1..4)), 1..4),
        patterns in prop::collection::vec(prop::sample::select(vec!["corp-*", "*", "*x", "*KEY*", "a*b*c", "KEY-----", "*@*"]), 0..2),
    ) {
        let option = Json::of(&serde_json::json!({ "patterns": patterns }));
        let redact = Redact::read("redact", option.as_str()).unwrap();
        let items: Vec<String> = texts.iter().map(|(text, escapes)| spelled(text, escapes)).collect();
        let once = redact.json(&json(&format!("[{}]", items.join(", "))));
        let twice = redact.json(&once);
        prop_assert_eq!(twice.as_str(), once.as_str());
    }

    #[test]
    fn only_the_named_property_is_redacted((secret, place) in planted(), inner in around()) {
        let value = format!("{}{place}{}", inner.0, inner.1);
        let text = format!(r#"{{"note":{value}, "args" :{value},"\u0061rgs":{value},"list":[{{"args":{value}}}]}}"#);
        let out = Redact::default().properties(&json(&text), &["args"]);
        let hidden = redacted(&value);
        prop_assert!(!hidden.contains(&secret));
        let expected = format!(r#"{{"note":{value}, "args" :{hidden},"\u0061rgs":{hidden},"list":[{{"args":{value}}}]}}"#);
        prop_assert_eq!(out.as_str(), expected);
    }

    #[test]
    fn nothing_is_redacted_when_redaction_is_switched_off((_, place) in planted()) {
        let redact = Redact::read("redact", "false").unwrap();
        let kept = redact.json(&json(&place));
        prop_assert_eq!(kept.as_str(), place);
    }
}

#[test]
fn names_of_secrets_are_distinguished_from_similar_names() {
    for name in words(SECRET_NAMES) {
        let text = format!(r#"{{"{name}" : "x"}}"#);
        assert_eq!(redacted(&text), format!(r#"{{"{name}" : "[redacted]"}}"#));
    }
    for name in words(OTHER_NAMES) {
        let text = format!(r#"{{"{name}":"x"}}"#);
        assert_eq!(redacted(&text), text);
    }
}

#[test]
fn deep_and_long_texts_are_redacted_in_linear_time() {
    let deep = 200_000;
    let text = format!(
        "{}{{\"password\":\"x\"}}{}",
        "[".repeat(deep),
        "]".repeat(deep)
    );
    assert_eq!(redacted(&text).len(), text.len() + REDACTED.len() - 1);
    // Without linear time, these texts would take minutes, and those of a thorough test hours.
    let length = if scale() < 1.0 { 1 << 18 } else { 2 << 20 };
    for piece in [
        "sk-",
        "eyJ-",
        "eyJ.",
        "eyJa.eyJ",
        "Bearer ",
        "bearer",
        "://",
        "a://b:",
        "a://b@c:",
        "-----BEGIN ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "token=",
        "token='",
        "--token ",
        "X-Token: ",
        "token:",
        "ghp_",
        "AKIA",
        "AKIA-",
        "npm_a",
        "\\n",
        "\\u0041",
        "@",
        "_",
        "AIza-",
    ] {
        let text = format!("\"{}\"", piece.repeat(length / piece.len()));
        let out = redacted(&text);
        assert!(!out.is_empty());
    }
    let redact = Redact::read("redact", r#"{"patterns":["*a*b*c*d","a*a*a*a*z"]}"#).unwrap();
    let text = Json::of(&"a".repeat(length));
    assert_eq!(redact.json(&text), text);
    let names = "{\"tokenA".to_owned() + &"aB".repeat(length / 2) + "\":\"x\"}";
    assert_eq!(redacted(&names), names);
}
