//! Every rule finds a key that is made up here, and no text takes longer than in proportion to its length.

use super::login::{Form, LOGINS, Login};
use super::rules::{JOINTS, Joint, LIST, OPEN, TOKENS, Token, VENDORS};
use super::*;

/// So many different characters of an alphabet, with a digit among the first if it has digits.
fn body(alphabet: Alphabet, length: usize) -> String {
    let order = (b'0'..=b'9').rev().chain(b'a'..=b'z').chain(b'A'..=b'Z');
    // What ends a word in some texts is left out.
    let order = order.chain(*b"-_");
    let bytes: Vec<u8> = order.filter(|&byte| alphabet.contains(byte)).collect();
    let bytes = bytes.iter().cycle().take(length);
    bytes.map(|&byte| char::from(byte)).collect()
}

fn prefix(token: &Token) -> &str {
    std::str::from_utf8(token.prefix).unwrap()
}

fn found(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    forms(text, &is_secret_name, &mut found);
    found
}

/// What stands before and after a secret in sentences, in shells, in code and in JSON.
const PLACES: &[(&str, &str)] = &[
    ("", ""),
    ("see ", " there"),
    ("see (", ")"),
    ("x='", "'"),
    ("{\"x\": \"", "\"}"),
    ("{\\\"x\\\": \\\"", "\\\"}"),
    ("\u{e9}", "\u{e9}"),
];
/// The same, where an escape looks like a part of the word.
const ESCAPED_PLACES: &[(&str, &str)] = &[
    ("a line\\n", "\\n"),
    ("a%20", "&x"),
    ("a\\u0022", "\\u0022"),
];

/// Asserts that a secret is found to its end in each of some places.
fn assert_found(secret: &str, places: &[(&str, &str)]) {
    for (before, after) in places {
        let text = format!("{before}{secret}{after}");
        let start = before.len();
        let covered = found(&text)
            .iter()
            .any(|found| found.start <= start && found.end == start + secret.len());
        assert!(covered, "{text}: {:?}", found(&text));
    }
}

#[test]
fn tokens_are_in_the_order_of_their_prefixes() {
    assert!(LIST.is_sorted_by(|a, b| a.prefix < b.prefix));
}

#[test]
fn the_tokens_in_few_bytes_are_those_of_the_list() {
    let all = (0..128).flat_map(|first| TOKENS.beginning_with(first));
    let of = |token: &Token| {
        (
            token.prefix,
            token.alphabet,
            token.least,
            token.most,
            token.digit,
        )
    };
    assert!(all.map(|token| of(&token)).eq(LIST.iter().map(of)));
}

#[test]
fn a_made_up_key_of_every_kind_is_found_and_a_shorter_one_is_not() {
    for token in LIST {
        let least = usize::from(token.least);
        let longest = match token.most {
            OPEN => 2 * least,
            most => usize::from(most),
        };
        for length in [least, longest] {
            let secret = format!("{}{}", prefix(token), body(token.alphabet, length));
            assert_found(&secret, PLACES);
            assert_found(&secret, ESCAPED_PLACES);
        }
        let mut none = Vec::new();
        let short = format!("{}{}", prefix(token), body(token.alphabet, least - 1));
        token::find(&Scan::new(&short), &mut none);
        // Another kind may begin in the same way.
        let others = LIST.iter().filter(|other| other.prefix != token.prefix);
        let others = others.filter(|other| short.contains(prefix(other)));
        assert!(none.is_empty() || others.count() > 0, "{short}: {none:?}");
    }
}

#[test]
fn a_made_up_key_is_found_by_what_stands_within_it() {
    for joint in JOINTS {
        let (before, least, most) = joint.before;
        let after = body(joint.after.0, usize::from(joint.after.1));
        let Joint { ending, joint, .. } = joint;
        for length in [least, most.min(36).max(least)].map(usize::from) {
            let before = body(before, length - ending.len());
            assert_found(&format!("{before}{ending}{joint}{after}"), PLACES);
        }
    }
}

#[test]
fn a_made_up_value_is_found_beside_the_name_of_every_vendor() {
    for rule in VENDORS {
        for vendor in rule.names.split(' ') {
            for length in [rule.least, rule.most].map(usize::from) {
                let value = body(rule.alphabet, length);
                for (before, after) in [
                    (format!("{vendor}_x="), ""),
                    (format!("MY_{} = '", vendor.to_ascii_uppercase()), "'"),
                    (format!("{{\"{vendor}\": \""), "\"}"),
                    (format!("{{\\\"{vendor}\\\": \\\""), "\\\"}"),
                    (format!("{}: ", vendor.replace('_', "-")), "\n"),
                ] {
                    let text = format!("{before}{value}{after}");
                    let start = before.len();
                    let expected = start..start + length;
                    assert_eq!(found(&text), std::slice::from_ref(&expected), "{text}");
                }
                let text = format!("another = {value}");
                assert!(found(&text).is_empty(), "{text}");
            }
        }
    }
}

#[test]
fn a_made_up_password_of_every_login_is_found() {
    let with_users = |login: &&Login| login.form == Form::AfterColon;
    for login in LOGINS.iter().filter(with_users) {
        let short = login.short.iter().map(|&byte| char::from(byte));
        let short = short.map(|option| format!("-{option}"));
        let bundled = login.short.iter().map(|&option| {
            let flags = login.flags.iter().chain([&option]);
            let flags: String = flags.map(|&byte| char::from(byte)).collect();
            format!("-{flags}")
        });
        let long = login.long.iter().map(|&option| option.to_owned());
        for option in short.chain(bundled).chain(long) {
            for (before, after) in [
                (" me:", " x"),
                (" 'me:", "' x"),
                (" \"me@example.org:", "\""),
                (" \\\"me:", "\\\""),
                ("=me:", ";"),
                ("\tme:", ""),
            ] {
                for begin in ["", "/usr/bin/", "$ a | "] {
                    let begin = format!("{begin}{} -o x \\\n  {option}{before}", login.program);
                    let text = format!("{begin}hunter2{after}");
                    let expected = begin.len()..begin.len() + "hunter2".len();
                    assert_eq!(found(&text), [expected], "{text}");
                    for other in ["$P", ""] {
                        let text = format!("{begin}{other}{after}");
                        assert!(found(&text).is_empty(), "{text}");
                    }
                    let other = text.replace(login.program, "docker");
                    assert!(found(&other).is_empty(), "{other}");
                }
            }
        }
    }
}

#[test]
fn a_made_up_password_without_a_user_is_found() {
    for login in LOGINS.iter().filter(|login| login.form != Form::AfterColon) {
        let apart: &[&str] = match login.form {
            Form::Value => &["", " ", " '", "\t\""],
            _ => &["", "'", "\""],
        };
        for &option in login.short {
            for between in apart {
                let begin = format!(
                    "{} -h x \\\n -{}{between}",
                    login.program,
                    char::from(option)
                );
                let after = between.trim_start().chars().last().unwrap_or(' ');
                let text = format!("{begin}hunter2{after} db");
                let expected = begin.len()..begin.len() + "hunter2".len();
                assert_eq!(found(&text), [expected], "{text}");
                let other = text.replace(login.program, "docker");
                assert!(found(&other).is_empty(), "{other}");
            }
        }
    }
    for text in [
        "mysql -p db",
        "mysql -p",
        "mysql -p; x",
        "mysql -p$P",
        "sshpass -p $P",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}

/// How many bytes are looked at in a text, by all searches.
fn steps(text: &str) -> u64 {
    let scan = Scan::new(text);
    scan_key_blocks(&scan, &mut OpenKey::default(), &mut Vec::new());
    manifest::find(&scan, &mut Vec::new());
    let found = &mut Vec::new();
    scan_forms(&scan, &is_secret_name, found);
    scan.steps()
}

/// Asserts that a text of four times the length takes no more than four times the steps.
fn assert_linear(begin: &str, piece: &str, end: &str) {
    let text = |length: usize| format!("{begin}{}{end}", piece.repeat(length / piece.len()));
    let (short, long) = (text(1 << 10), text(1 << 12));
    let (few, many) = (steps(&short), steps(&long));
    let allowed = few * 4 + few / 4 + 4096;
    assert!(
        many <= allowed,
        "{begin:?} {piece:?} {end:?}: {few}, then {many}"
    );
}

#[test]
fn the_worst_text_of_every_rule_takes_time_in_proportion_to_its_length() {
    for token in LIST {
        let least = usize::from(token.least);
        let letters = |length| "x".repeat(length);
        for length in [0, least - 1, least] {
            for body in [body(token.alphabet, length), letters(length)] {
                for join in ["", "-", ".", " ", "\\n"] {
                    assert_linear("", &format!("{}{body}{join}", prefix(token)), "");
                }
            }
        }
    }
    for joint in JOINTS {
        let (before, least, _) = joint.before;
        let before = body(before, usize::from(least));
        for after in [0, usize::from(joint.after.1.max(1)) - 1] {
            let after = body(joint.after.0, after);
            let Joint { ending, joint, .. } = joint;
            assert_linear("", &format!("{before}{ending}{joint}{after}"), "");
            assert_linear("", &format!("{before}{ending}{joint}{after} "), "");
        }
    }
    for rule in VENDORS {
        for vendor in rule.names.split(' ') {
            for operator in ["=", ": ", "=\"", "='", "=\\\"", "\":\""] {
                assert_linear("", &format!("{vendor}{operator}"), "");
                let body = body(rule.alphabet, usize::from(rule.least) - 1);
                assert_linear("", &format!("{vendor}{operator}{body}"), "");
            }
        }
    }
}

#[test]
fn any_two_pieces_of_secrets_in_turn_take_time_in_proportion_to_their_length() {
    const PIECES: &[&str] = &[
        "name=",
        "name: ",
        "name:",
        "name=\"",
        "key='",
        "\"name\": \"",
        "\\\"name\\\":\\\"",
        "name: token value=",
        "value: ",
        "x-token: bearer ",
        "x-token: ",
        "x-token:",
        "token",
        "token: ",
        "token:",
        "token=",
        "token = ",
        "token =",
        "token=>",
        "token==",
        "token: [",
        "\"token\": [\"",
        "\"token\":[\"a\",",
        "token:\n  ",
        "token:\n  a\n",
        "\ntoken: |\n - ",
        "ENV TOKEN ",
        "\nENV TOKEN",
        "login x password ",
        "login ",
        "password ",
        " password",
        "mysql -p",
        "sshpass -p ",
        "token :=",
        "tokenA",
        "--token ",
        "--token=",
        "bearer ",
        "Bearer x",
        "<token>",
        "</token>",
        "<token",
        "\"token\":",
        "\"token\": \"",
        "'token':'",
        "\\\"token\\\":\\\"",
        "\\\\\\\"",
        "\"",
        "'",
        "\\",
        "\\\\",
        " ",
        "\t",
        "\n",
        "\n  ",
        "-",
        "+",
        "(",
        "[",
        "<",
        "{",
        "$",
        "*",
        ".",
        ":",
        ":A",
        "~",
        "Q~",
        "@",
        "://",
        "a://b:",
        "a://b@c:",
        "/",
        "-----BEGIN ",
        "-----",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END ",
        "eyJ",
        "eyJ.",
        "eyJ-",
        ".eyJ",
        "sk-",
        "sk-a-",
        "sat.",
        "ghp_",
        "AKIA",
        "1",
        "1234567",
        "null",
        "x",
        "%20",
        "\\u0041",
        "value=",
        "\"token\" value=",
        "]",
        "\u{e9}",
        "-----BEGIN RSA PRIVATE KEY-----\nABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ\n",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ ",
        "Private-Lines: ",
        "Private-Lines: 1",
        "Private-MAC",
        "curl ",
        " -u ",
        " -u a:",
        " -u \"a:b",
        " -sSu'a",
        " --user=",
        "kind: Secret",
        "kind",
        "\nkind: Secret\n",
        "\ndata:\n",
        "data: {",
        "\"data\": {\"a\": \"",
        "\\\"data\\\": {\\\"",
        "\"a\": \"b\",",
        "\n a: b",
    ];
    let scale = std::env::var("TENURE_TEST_SCALE").ok();
    let scale = scale.and_then(|scale| scale.parse().ok()).unwrap_or(0.1);
    // A tenth of the pairs has every piece in both places, too.
    let tried =
        |first: usize, second: usize| scale >= 1.0 || (first + 7 * second).is_multiple_of(10);
    for (place, first) in PIECES.iter().enumerate() {
        assert_linear("", first, "");
        let others = PIECES.iter().enumerate();
        for (_, second) in others.filter(|(other, _)| tried(place, *other)) {
            assert_linear("", &format!("{first}{second}"), "");
            assert_linear(first, second, "");
        }
        for begin in ["curl ", "kind: Secret\ndata:\n", "kind: Secret data: {"] {
            assert_linear(begin, first, "");
        }
        for end in ["(", "<", "@", "\"", "\\\"", "1"] {
            assert_linear("", first, end);
        }
    }
}
