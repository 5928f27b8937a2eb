//! Redaction by example: commands, requests, headers, and the user's options.

use tenure_core::Json;
use tenure_core::error::Cause;
use tenure_core::value::properties::Property;
use tenure_core::value::redact::{LineRedactor, REDACTED, Redact};

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn redacted(text: &str) -> String {
    Redact::default().json(&json(text)).as_str().to_owned()
}

/// A redacted string value.
fn redacted_text(text: &str) -> String {
    let out = Redact::default().json(&Json::of(text));
    assert_eq!(
        out.as_text().unwrap(),
        Redact::default().text(text),
        "{text}"
    );
    out.as_text().unwrap()
}

#[test]
fn only_the_secret_part_of_a_text_is_redacted() {
    for (text, expected) in [
        (
            "curl -H 'Authorization: Bearer abc123' https://x",
            "curl -H 'Authorization: Bearer [redacted]' https://x",
        ),
        (
            "psql postgres://me:p@ss@db/x",
            "psql postgres://me:[redacted]@db/x",
        ),
        (
            "git clone https://x:ghp_16C7e42F292c@github.com/a/b",
            "git clone https://x:[redacted]@github.com/a/b",
        ),
        ("export T=glpat-abcdefgh1234;", "export T=[redacted];"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----[redacted]-----END PRIVATE KEY-----\n",
        ),
        ("a eyJhbG.eyJzdWI.c2ln, b", "a [redacted], b"),
        (
            "API_KEY=abc make; X=1 PASSWORD='a b' y",
            "API_KEY=[redacted] make; X=1 PASSWORD='[redacted]' y",
        ),
        (
            "https://x/?token=abc&n=1",
            "https://x/?token=[redacted]&n=1",
        ),
        (
            r#"curl -d '{"password": "a\"b", "n": 1}'"#,
            r#"curl -d '{"password": "[redacted]", "n": 1}'"#,
        ),
        (
            "curl -H 'X-Api-Key: abc' -H \"Cookie: a=b; c=d\" x",
            "curl -H 'X-Api-Key: [redacted]' -H \"Cookie: [redacted]\" x",
        ),
        (
            "Authorization: Basic dXNlcg==\nHost: x",
            "Authorization: [redacted]\nHost: x",
        ),
        (
            "vercel --token Abc123xyz --prod",
            "vercel --token [redacted] --prod",
        ),
        ("mysql --password=x", "mysql --password=[redacted]"),
        (
            "curl -sS -u 'me:hunter2' https://x",
            "curl -sS -u 'me:[redacted]' https://x",
        ),
        (
            "docker run -u 1000:1000 x curl",
            "docker run -u 1000:1000 x curl",
        ),
        // A redacted label must not be read as the start of a key.
        (
            "-----BEGIN ghp_IOSFODNN7EXAMPLERSA PRIVATE KEY-----BEGIN ",
            "-----BEGIN [redacted] PRIVATE KEY-----BEGIN ",
        ),
    ] {
        assert_eq!(redacted_text(text), expected);
    }
}

#[test]
fn a_secret_is_recognized_however_its_name_and_its_value_are_written() {
    for (text, expected) in [
        ("password = hunter2", "password = [redacted]"),
        ("const apiKey = \"x y\";", "const apiKey = \"[redacted]\";"),
        ("token := 'x'", "token := '[redacted]'"),
        (
            "  api_key: x\n  name: y",
            "  api_key: [redacted]\n  name: y",
        ),
        ("password: correct horse\nb", "password: [redacted]\nb"),
        ("- token: x", "- token: [redacted]"),
        ("{api_key: x, name: y}", "{api_key: [redacted], name: y}"),
        (
            "the password: hunter2, not",
            "the password: [redacted], not",
        ),
        (
            "DB_PASS=x smtpPass=y",
            "DB_PASS=[redacted] smtpPass=[redacted]",
        ),
        (
            "AccountName=a;AccountKey=b==;EndpointSuffix=c",
            "AccountName=a;AccountKey=[redacted];EndpointSuffix=c",
        ),
        (
            r#"curl -d "{\"password\":\"a b\",\"n\":1}""#,
            r#"curl -d "{\"password\":\"[redacted]\",\"n\":1}""#,
        ),
        (
            r#"{\\\"token\\\": \\\"a\\\\\\\"b\\\"}"#,
            r#"{\\\"token\\\": \\\"[redacted]\\\"}"#,
        ),
        (
            "'token' => 'x', 'a' => 'b'",
            "'token' => '[redacted]', 'a' => 'b'",
        ),
        (
            "os.environ[\"TOKEN\"] = \"x\"",
            "os.environ[\"TOKEN\"] = \"[redacted]\"",
        ),
        (
            "<password>a b</password>",
            "<password>[redacted]</password>",
        ),
        (
            r#"<add key="Password" value="x" />"#,
            r#"<add key="Password" value="[redacted]" />"#,
        ),
        ("x-token: bearer abcdefgh1", "x-token: bearer [redacted]"),
        ("bearer\tabcdefgh1", "bearer\t[redacted]"),
        ("password==a1b2c3", "password==[redacted]"),
        ("SECRET_KEY_BASE=x", "SECRET_KEY_BASE=[redacted]"),
        ("DB_PASSWORD_PROD=x", "DB_PASSWORD_PROD=[redacted]"),
        (
            "FROM a\nENV API_TOKEN x y",
            "FROM a\nENV API_TOKEN [redacted]",
        ),
        (
            "machine h login u password secret",
            "machine h login u password [redacted]",
        ),
        (
            "machine h\n  login u\n  password x\n",
            "machine h\n  login u\n  password [redacted]\n",
        ),
        (
            "a: b\npassword:\n  x y\nc: d",
            "a: b\npassword:\n  [redacted]\nc: d",
        ),
        (
            "password: |\n  x\n  y\nc: d",
            "password: |\n  [redacted]\nc: d",
        ),
        (
            "passwords:\n  - x\n  - y\nc: d",
            "passwords:\n  - [redacted]\nc: d",
        ),
        (
            r#"{\"token\": [\"a b\", \"c\"], \"d\": 1}"#,
            r#"{\"token\": [\"[redacted]\"], \"d\": 1}"#,
        ),
        ("\"password\":\n  \"x\"", "\"password\":\n  \"[redacted]\""),
        ("secrets = ['x', 'y']", "secrets = ['[redacted]']"),
        (
            "https://a1b2C3d4E5f6G7h8@example.org/x",
            "https://[redacted]@example.org/x",
        ),
        (
            "https://a1b2C3d4E5f6G7h8:x-oauth-basic@h",
            "https://[redacted]:[redacted]@h",
        ),
        ("mysql -u root -px db", "mysql -u root -p[redacted] db"),
        ("password: the quick brown fox", "password: [redacted]"),
        ("token: bearers abc x12", "token: [redacted]"),
        ("password: new york 1999", "password: [redacted]"),
        ("password = my.secret", "password = [redacted]"),
        ("password: this.is.it", "password: [redacted]"),
        (
            "accessTokens: ['x y'], API_TOKENS=x",
            "accessTokens: ['[redacted]'], API_TOKENS=[redacted]",
        ),
        (
            "FROM a\n  ENV API_KEY \"a b\"",
            "FROM a\n  ENV API_KEY \"[redacted]\"",
        ),
        (
            "default login x password y",
            "default login x password [redacted]",
        ),
        (
            "machine h login u account a password p",
            "machine h login u account a password [redacted]",
        ),
        (
            "machine h account a\n\tpassword p\n\tlogin u",
            "machine h account a\n\tpassword [redacted]\n\tlogin u",
        ),
        (
            "a\nmachine h password p login u",
            "a\nmachine h password [redacted] login u",
        ),
        (
            "env:\n- name: API_TOKEN\n  value: x y\n- name: HOST\n  value: z",
            "env:\n- name: API_TOKEN\n  value: [redacted]\n- name: HOST\n  value: z",
        ),
        (
            r#"[{"name":"TOKEN","value":"a b"},{"name":"HOST","value":"c"}]"#,
            r#"[{"name":"TOKEN","value":"[redacted]"},{"name":"HOST","value":"c"}]"#,
        ),
        (
            r#"{\"Key\": \"password\", \"type\": \"text\", \"value\": \"a b\"}"#,
            r#"{\"Key\": \"password\", \"type\": \"text\", \"value\": \"[redacted]\"}"#,
        ),
        (
            r#"<input name="password" type="text" value="a b">"#,
            r#"<input name="password" type="text" value="[redacted]">"#,
        ),
    ] {
        assert_eq!(redacted_text(text), expected);
        assert_eq!(redacted_text(expected), expected);
    }
}

#[test]
fn a_quoted_password_is_redacted_to_its_closing_quote() {
    for (text, expected) in [
        ("mysql -p'my pass' db", "mysql -p'[redacted]' db"),
        ("mysql -p\"it's mine\" db", "mysql -p\"[redacted]\" db"),
        ("mysql '-pmy pass' db", "mysql '-p[redacted]' db"),
        (
            "redis-cli -a \"my pass\" get",
            "redis-cli -a \"[redacted]\" get",
        ),
        ("redis-cli -a 'a;b|c' get", "redis-cli -a '[redacted]' get"),
        ("sshpass -p 'a b' ssh h", "sshpass -p '[redacted]' ssh h"),
        ("curl -u 'me:my pass' h", "curl -u 'me:[redacted]' h"),
        (
            "curl --user=\"me:my pass\" h",
            "curl --user=\"me:[redacted]\" h",
        ),
        ("curl -u me:'my pass' h", "curl -u me:'[redacted]' h"),
        (
            r#"sh -c "curl -u \"me:my pass\" h""#,
            r#"sh -c "curl -u \"me:[redacted]\" h""#,
        ),
        (
            r#"sh -c "mysql -p\"my pass\" h""#,
            r#"sh -c "mysql -p\"[redacted]\" h""#,
        ),
        (
            r#"CMD ["redis-cli", "-a", "my pass", "get"]"#,
            r#"CMD ["redis-cli", "-a", "[redacted]", "get"]"#,
        ),
        (
            r#"[\"mysql\",\"-pmy pass\",\"db\"]"#,
            r#"[\"mysql\",\"-p[redacted]\",\"db\"]"#,
        ),
        (
            "'curl' '-u' 'me:my pass' h",
            "'curl' '-u' 'me:[redacted]' h",
        ),
    ] {
        assert_eq!(redacted_text(text), expected);
        assert_eq!(redacted_text(expected), expected);
    }
}

#[test]
fn every_client_of_mysql_and_mariadb_is_known() {
    for program in [
        "mysqladmin",
        "mysqldump",
        "mysqlimport",
        "mariadb",
        "mariadb-dump",
        "/usr/bin/mariadb-admin",
        "mysql.exe",
    ] {
        assert_eq!(
            redacted_text(&format!("{program} -u root -px ping")),
            format!("{program} -u root -p[redacted] ping")
        );
        assert_eq!(
            redacted(&format!(r#"["{program}","-px","ping"]"#)),
            format!(r#"["{program}","-p[redacted]","ping"]"#)
        );
    }
}

#[test]
fn code_and_sentences_are_no_secrets() {
    for text in [
        "password = read()",
        "token = tokens[0]",
        "token: string;",
        "  accessToken: string,",
        "password?: string",
        "Vec<Token> = x",
        "max_token = 4096",
        "pass: 12",
        "apiKey: null",
        "\"token\": 5",
        "token::Kind",
        "use secret:/path/to/it",
        "PASSWORD: ${{ secrets.PASSWORD }}",
        "the token: a secret: nothing",
        "if (token == x)",
        "secrets = [",
        "secrets:\n  db:\n    user: x",
        "token:\n",
        "if password == x",
        "tokens = [1, 2]",
        "a login and password and so on",
        "the login asks for a password twice",
        "https://ada@example.org/ and https://example.org/a1b2c3d4e5f6a7b8@2",
        "mysql -p db",
        "a password reset",
        "ENV PATH /usr/bin",
        "tokens: ['let', 'x'], maxTokens: 100, maxTokens=123456",
        "const token = await getToken();",
        "this.token = new Token<A>(x)",
        "password: async () => read()",
        "apiKey: process.env.API_KEY,",
        "token = self.token",
        "  password: this.config.password",
        "token: the lexer emits…",
        "password: must be at least 8 characters",
        "fetch(url, { credentials: 'include' })",
        r#"{"token": "string", "secret": "none"}"#,
        "authorization: none",
        "TOKEN=null",
        "the default password is long",
        "machine learning needs a password too",
        "- name: HOST\n  value: x",
        "name: the token\nvalue: x",
    ] {
        assert_eq!(redacted_text(text), text);
    }
}

#[test]
fn a_list_tells_by_one_item_what_the_next_one_is() {
    for (text, expected) in [
        (
            r#"["x","--password","y","--verbose"]"#,
            r#"["x","--password","[redacted]","--verbose"]"#,
        ),
        (
            r#"["--password","--verbose"]"#,
            r#"["--password","--verbose"]"#,
        ),
        (
            r#"[["authorization","Basic x"],["host","y"]]"#,
            r#"[["authorization","[redacted]"],["host","y"]]"#,
        ),
        (
            r#"["Host","y","Cookie","sid=x","X-Api-Key","z"]"#,
            r#"["Host","y","Cookie","[redacted]","X-Api-Key","[redacted]"]"#,
        ),
        (
            r#"[["password","hunter2"]]"#,
            r#"[["password","[redacted]"]]"#,
        ),
        (
            r#"["id","password","email","createdAt"]"#,
            r#"["id","password","email","createdAt"]"#,
        ),
        (r#"["password","token"]"#, r#"["password","token"]"#),
        (
            r#"["db-secret","api-secret","web-app"]"#,
            r#"["db-secret","api-secret","web-app"]"#,
        ),
        (
            r#"["x","--password","my-token"]"#,
            r#"["x","--password","[redacted]"]"#,
        ),
        (
            r#"["sudo","mysql","-psecret"]"#,
            r#"["sudo","mysql","-p[redacted]"]"#,
        ),
        (
            r#"["env","X=1","redis-cli","-a","pw","get","-a"]"#,
            r#"["env","X=1","redis-cli","-a","[redacted]","get","-a"]"#,
        ),
        (
            r#"["docker","exec","-u","1:2","c","/usr/bin/mysql","-psecret"]"#,
            r#"["docker","exec","-u","1:2","c","/usr/bin/mysql","-p[redacted]"]"#,
        ),
        (
            r#"["timeout","9","sshpass","-p","curl","curl","-u","a:b"]"#,
            r#"["timeout","9","sshpass","-p","[redacted]","curl","-u","a:[redacted]"]"#,
        ),
        (
            r#"["kubectl","get","secret","db-2"]"#,
            r#"["kubectl","get","secret","db-2"]"#,
        ),
        (
            r#"["curl","-u","me:x","h"]"#,
            r#"["curl","-u","me:[redacted]","h"]"#,
        ),
        (
            r#"["sshpass","-p","x","ssh"]"#,
            r#"["sshpass","-p","[redacted]","ssh"]"#,
        ),
        (
            r#"[{"name":"API_KEY","value":"x"},{"name":"HOST","value":"y"}]"#,
            r#"[{"name":"API_KEY","value":"[redacted]"},{"name":"HOST","value":"y"}]"#,
        ),
        (
            r#"{"value":"x","a":1,"Key":"password"}"#,
            r#"{"value":"[redacted]","a":1,"Key":"password"}"#,
        ),
        (
            r#"{"key":"token","value":["x",{"b":"c"}]}"#,
            r#"{"key":"token","value":["[redacted]",{"b":"[redacted]"}]}"#,
        ),
        (
            r#"{"name":"password","value":{"x":"a","y":[{"z":"b"}],"n":1},"c":"d"}"#,
            r#"{"name":"password","value":{"x":"[redacted]","y":[{"z":"[redacted]"}],"n":1},"c":"d"}"#,
        ),
        (
            r#"{"name":"host","value":{"x":"a"},"token":"none"}"#,
            r#"{"name":"host","value":{"x":"a"},"token":"none"}"#,
        ),
        (
            r#"{"name":"x","value":"y","d":{"key":"token"}}"#,
            r#"{"name":"x","value":"y","d":{"key":"token"}}"#,
        ),
    ] {
        assert_eq!(redacted(text), expected);
        assert_eq!(redacted(expected), expected);
    }
}

#[test]
fn a_private_key_in_a_list_of_lines_is_redacted() {
    let mut lines = key_lines();
    lines.insert(0, "-----BEGIN RSA PRIVATE KEY-----".to_owned());
    lines.extend(["-----END RSA PRIVATE KEY-----", "after it"].map(str::to_owned));
    let given = serde_json::to_string(&lines).unwrap();
    let kept: Vec<String> = serde_json::from_str(&redacted(&given)).unwrap();
    for (line, kept) in lines.iter().zip(&kept) {
        let is_frame = line.starts_with("-----") || line == "after it";
        assert_eq!(kept, if is_frame { line } else { REDACTED }, "{line}");
    }
}

#[test]
fn what_follows_the_mention_of_a_private_key_is_kept() {
    for text in [
        "expected -----BEGIN RSA PRIVATE KEY----- at line 1, and more prose follows",
        "got no -----BEGIN PRIVATE KEY-----\nTry again with openssl.",
        "if (!pem.includes(\"-----BEGIN PRIVATE KEY-----\")) {\n  throw new TypeError(x);\n}",
        "-----BEGIN RSA PRIVATE KEY----- got CERTIFICATE",
        "Private-Lines: 14 is expected",
    ] {
        assert_eq!(redacted_text(text), text);
        let list = serde_json::to_string(&[text, "Another item", "and /one/more"]).unwrap();
        assert_eq!(redacted(&list), list);
        let lines = || text.lines().chain(["Another line", "and /one/more"]);
        assert_eq!(left_of(lines().map(Some)), lines().collect::<Vec<_>>());
    }
}

#[test]
fn a_private_key_that_is_cut_off_is_redacted_and_what_follows_is_kept() {
    const BEGIN: &str = "-----BEGIN RSA PRIVATE KEY-----";
    let key = key_lines();
    for (before, between, after) in [
        ("\n", "\n", ""),
        ("\n", "\n", "\nand another line"),
        ("\n  ", "\n  ", "\n\nmore"),
        ("\\n", "\\n", "\\nmore"),
        (" ", " ", " and more"),
        (
            "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F\n\n",
            "\n",
            "",
        ),
        ("\\n\" +\n  \"", "\\n\" +\n  \"", "\""),
        (
            "\n2026-01-02 03:04:05 | ",
            "\n2026-01-02 03:04:05 | ",
            "\nmore",
        ),
    ] {
        for lines in 1..=key.len() {
            let key = key[..lines].join(between);
            let kept = redacted_text(&format!("a {BEGIN}{before}{key}{after}"));
            assert!(kept.starts_with(&format!("a {BEGIN}")), "{kept}");
            assert!(kept.ends_with(after), "{kept}");
            assert!(kept.contains(REDACTED), "{kept}");
            for line in &key_lines() {
                assert!(!kept.contains(line), "{kept}");
            }
        }
    }
    // A mention of a key does not hide the key that follows.
    for words in 0..80 {
        let kept = redacted_text(&format!(
            "no {BEGIN}{}\n{BEGIN}\nProc-Type: 4,ENCRYPTED\n\n{}",
            " x".repeat(words),
            key[0]
        ));
        assert!(!kept.contains(&key[0]), "{kept}");
    }
    assert_eq!(
        redacted_text(&format!("{BEGIN}\nMIIE")),
        format!("{BEGIN}{REDACTED}")
    );
}

#[test]
fn an_object_under_a_secret_name_is_walked_and_an_array_is_redacted() {
    assert_eq!(
        redacted(
            r#"{"token":{"kind":"a","password":"b"},"secrets":["c",["d",{"e":"f"}],1],"g":"h"}"#
        ),
        r#"{"token":{"kind":"a","password":"[redacted]"},"secrets":["[redacted]",["[redacted]",{"e":"f"}],1],"g":"h"}"#
    );
}

#[test]
fn users_add_names_and_patterns_of_their_own() {
    let redact = Redact::read(
        "redact",
        r#"{"names":["internal*","PIN"],"patterns":["CORP-*-x"]}"#,
    )
    .unwrap();
    let out = redact.json(&json(
        r#"{"internalHost":"a","pin":"1","spin":"2","password":"b","t":"see corp-12-X and corp-13-y"}"#,
    ));
    assert_eq!(
        out.as_str(),
        r#"{"internalHost":"[redacted]","pin":"[redacted]","spin":"2","password":"[redacted]","t":"see [redacted] and corp-13-y"}"#
    );
    for wrong in [
        r#"{"names":[""]}"#,
        r#"{"patterns":[7]}"#,
        r#"{"name":[]}"#,
        "7",
        "\"no\"",
    ] {
        let error = Redact::read("redact", wrong).unwrap_err();
        assert!(
            matches!(error.cause(), Cause::InvalidArgument { .. }),
            "{wrong}: {error}"
        );
    }
}

#[test]
fn the_data_of_a_kubernetes_secret_is_redacted() {
    let manifest = "\
apiVersion: v1
data:
  username: YWRtaW4=
  ca.crt: |
    TElJRQ==
    TElJRg==

  empty:
kind: Secret
metadata:
  name: db
stringData:
  user: 'admin'
type: Opaque
";
    let expected = "\
apiVersion: v1
data:
  username: [redacted]
  ca.crt: [redacted]
    [redacted]
    [redacted]

  empty:
kind: Secret
metadata:
  name: db
stringData:
  user: [redacted]
type: Opaque
";
    assert_eq!(redacted_text(manifest), expected);
    assert_eq!(redacted_text(expected), expected);
    let indented = |text: &str| format!("items:\n- {}", text.trim_end().replace('\n', "\n  "));
    assert_eq!(redacted_text(&indented(manifest)), indented(expected));
    let config = manifest.replace("Secret", "ConfigMap");
    assert_eq!(redacted_text(&config), config);

    let manifest = r#"{"data":{"username":"YWRtaW4=","a":""},"kind":"Secret","metadata":{"name":"db"},"stringData":{"user":"a\"b"}}"#;
    let expected = r#"{"data":{"username":"[redacted]","a":""},"kind":"Secret","metadata":{"name":"db"},"stringData":{"user":"[redacted]"}}"#;
    assert_eq!(redacted(manifest), expected);
    assert_eq!(redacted_text(manifest), expected);
    let pretty = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    assert_eq!(redacted_text(&pretty(manifest)), pretty(expected));
    assert_eq!(redacted(&pretty(manifest)), pretty(expected));
    // As a text in another one.
    assert_eq!(
        redacted_text(Json::of(manifest).as_str()),
        Json::of(expected).as_str()
    );
    for other in [
        r#"{"data":{"username":"x"},"kind":"ConfigMap"}"#,
        r#"{"data":{"username":"x"},"kind":"SecretList"}"#,
    ] {
        assert_eq!(redacted(other), other);
    }
}

#[test]
fn the_private_part_of_a_key_file_of_putty_is_redacted() {
    let file = |inside: &str, end: &str| {
        format!(
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 1\nAAAAC3Nz\n\
             Private-Lines: 1{inside}{end}"
        )
    };
    let end = "Private-MAC: 0f1e2d3c\n";
    assert_eq!(
        redacted_text(&file("\nAAAAIHRoaXMgaXMgbWFkZSB1cA==\n", end)),
        file(REDACTED, end)
    );
    assert_eq!(redacted_text(&file("\nAAAAIHRo", "")), file(REDACTED, ""));

    let inside = "AAAAIHRoaXMgaXMgbWFkZSB1cCwgYXMgYWxsIGtleXMgb2YgdGVzdHMgYXJlLiA=";
    let text = file(&format!("\n{inside}\nAAAAIA==\n"), end);
    let lines = text.lines().chain(["done"]).map(Some);
    let expected = file(&format!("\n{REDACTED}\n{REDACTED}\n"), end);
    let expected: Vec<&str> = expected.lines().chain(["done"]).collect();
    assert_eq!(left_of(lines), expected);
}

#[test]
fn the_passwords_of_options_are_redacted_in_arguments() {
    let arguments = |list: &[&str]| -> Vec<String> {
        list.iter().map(|&argument| argument.to_owned()).collect()
    };
    let redacted = |list: &[&str]| Redact::default().arguments(&arguments(list));
    for (given, expected) in [
        (
            ["/usr/bin/curl", "-u", "me:a b"],
            ["/usr/bin/curl", "-u", "me:[redacted]"],
        ),
        (["curl", "-sSu", "me:x"], ["curl", "-sSu", "me:[redacted]"]),
        (
            ["curl", "-ume:x", "y:z"],
            ["curl", "-ume:[redacted]", "y:z"],
        ),
        (
            ["curl", "--user=me:x", "-v"],
            ["curl", "--user=me:[redacted]", "-v"],
        ),
        (
            ["curl", "--proxy-user", "me:x"],
            ["curl", "--proxy-user", "me:[redacted]"],
        ),
        (["curl", "--url", "me:x"], ["curl", "--url", "me:x"]),
        (["docker", "-u", "1:2"], ["docker", "-u", "1:2"]),
        (
            ["sudo", "mysql", "-psecret"],
            ["sudo", "mysql", "-p[redacted]"],
        ),
    ] {
        assert_eq!(redacted(&given), expected);
    }
    let given = arguments(&["curl", "-u", "me:x"]);
    assert_eq!(Redact::off().arguments(&given), given);
}

#[test]
fn secret_arguments_of_a_command_are_recognized_by_their_names() {
    let arguments: Vec<String> = [
        "curl",
        "--password=a",
        "--token",
        "b",
        "API_KEY=c",
        "--token",
        "--verbose",
        "-H",
        "Authorization: Basic d",
        "postgres://u:e@h",
        "--name",
        "f",
        "token",
        "g",
        "the token is h",
    ]
    .map(str::to_owned)
    .to_vec();
    let kept = Redact::default().arguments(&arguments);
    assert_eq!(
        kept,
        [
            "curl",
            "--password=[redacted]",
            "--token",
            "[redacted]",
            "API_KEY=[redacted]",
            "--token",
            "--verbose",
            "-H",
            "Authorization: [redacted]",
            "postgres://u:[redacted]@h",
            "--name",
            "f",
            "token",
            "g",
            "the token is h",
        ]
    );
    assert_eq!(Redact::off().arguments(&arguments), arguments);
}

/// What is left of lines. A line that is `None` is missing.
fn left_of<'t>(lines: impl IntoIterator<Item = Option<&'t str>>) -> Vec<String> {
    let mut redactor = LineRedactor::new(Redact::default());
    let mut after_gap = false;
    let mut left = Vec::new();
    for line in lines {
        if let Some(line) = line {
            left.push(redactor.line(line, after_gap).into_owned());
        }
        after_gap = line.is_none();
    }
    left
}

/// Lines such as those of a key, as long as they are in most forms.
fn key_lines() -> Vec<String> {
    let full = |line: u8| {
        let bytes = (0..64).map(|at| b'A' + (line + at) % 26);
        bytes.map(char::from).collect::<String>()
    };
    vec![full(1), full(2), full(3), "Zm9v".repeat(3) + "=="]
}

#[test]
fn a_private_key_that_spans_lines_is_redacted_in_every_form() {
    const BEGIN: &str = "-----BEGIN RSA PRIVATE KEY-----";
    const END: &str = "-----END RSA PRIVATE KEY-----";
    for (before, after) in [
        ("", ""),
        ("    ", ""),
        ("2026-01-02 03:04:05 | ", ""),
        ("  \"", "\\n\" +"),
        ("'", "',"),
    ] {
        let around = |line: &str| format!("{before}{line}{after}");
        let key: Vec<String> = key_lines().iter().map(|line| around(line)).collect();
        let mut lines = vec!["a line".to_owned(), around(BEGIN)];
        lines.extend(["Proc-Type: 4,ENCRYPTED".to_owned(), String::new()]);
        lines.extend(key.iter().cloned());
        lines.extend([around(END), "another line".to_owned()]);
        let left = left_of(lines.iter().map(|line| Some(line.as_str())));
        assert_eq!(left.len(), lines.len());
        for (line, left) in lines.iter().zip(&left) {
            if key.contains(line) {
                assert!(left.contains(REDACTED), "{left}");
                assert!(left.ends_with(after), "{left}");
                assert!(!key_lines().iter().any(|part| left.contains(part)));
            } else if !line.contains("BEGIN") {
                assert_eq!(left, line);
            }
        }
        // Without an end it hides its own lines only.
        lines.retain(|line| !line.contains("END"));
        lines.extend(["another".to_owned(), "done".to_owned()]);
        let left = left_of(lines.iter().map(|line| Some(line.as_str())));
        assert!(left.ends_with(&["another line".into(), "another".into(), "done".into()]));
    }
}

#[test]
fn lines_of_a_key_whose_beginning_is_missing_are_redacted() {
    let key = key_lines();
    let mut lines = vec![Some("a"), None];
    lines.extend(key.iter().map(|line| Some(line.as_str())));
    lines.extend([
        Some("-----END PRIVATE KEY-----"),
        Some("b"),
        None,
        Some("c"),
    ]);
    let left = left_of(lines);
    assert_eq!(left[0], "a");
    assert!(left[1..=key.len()].iter().all(|line| line == REDACTED));
    assert_eq!(
        left[key.len() + 1..],
        ["-----END PRIVATE KEY-----", "b", "c"]
    );
}

#[test]
fn the_ends_of_keys_within_a_line_are_found() {
    let key = key_lines();
    let last = format!("{}-----END PRIVATE KEY----- API_KEY=x", key[1]);
    let left = left_of([
        Some("x -----BEGIN PRIVATE KEY-----MIIE"),
        Some(&key[0]),
        Some(&last),
    ]);
    assert_eq!(
        left,
        [
            "x -----BEGIN PRIVATE KEY-----[redacted]",
            "[redacted]",
            "[redacted]-----END PRIVATE KEY----- API_KEY=[redacted]",
        ]
    );
}
