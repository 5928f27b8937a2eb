//! Why an attempt has failed, as a text in one line. The beginning of the receiver's answer is in it. An answer may repeat the request,
//! so that what may be a secret of the request is left out.

use std::iter::once;

use tenure_core::error::cut;
use tenure_core::value::text::Text;
use tenure_core::work::job::Post;

/// The greatest number of characters of an answer.
const SHOWN: usize = 300;
/// The size of the shortest secret, in bytes. What is shorter is in too many texts.
const SHORTEST: usize = 8;
/// The headers of a delivery that are no secrets.
const PLAIN: [&str; 4] = [
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
];
/// What stands for what is not shown.
const LEFT_OUT: &str = "…";

/// Whether a status is that of a delivery: 200 to 299.
pub fn has_arrived(status: Option<u32>) -> bool {
    status.is_some_and(|status| (200..300).contains(&status))
}

/// Why an attempt has failed that has ended with this status and the beginning of this answer, or with a problem; `None` if it has
/// arrived.
pub fn reason(
    status: Option<u32>,
    answer: Option<&Text>,
    problem: Option<&Text>,
) -> Option<String> {
    let answer = answer.map(|answer| in_one_line(answer.as_str()));
    let answer = answer.filter(|answer| !answer.is_empty());
    Some(cut(match (status, problem) {
        (status, _) if has_arrived(status) => return None,
        (Some(status), _) => match answer {
            Some(answer) => format!("the receiver answered {status}: {answer}"),
            None => format!("the receiver answered {status}"),
        },
        (None, Some(problem)) => problem.to_string(),
        (None, None) => "there was no response".to_owned(),
    }))
}

/// The beginning of a text without line breaks, and without characters that a terminal would execute.
fn in_one_line(text: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut is_apart = false;
    for char in text.chars() {
        if char.is_whitespace() || is_invisible(char) {
            is_apart = length > 0;
            continue;
        }
        if is_apart {
            line.push(' ');
            length += 1;
        }
        if length >= SHOWN {
            return line + LEFT_OUT;
        }
        line.push(char);
        length += 1;
        is_apart = false;
    }
    line
}

/// Whether a character controls a terminal, or the direction of a text.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What may be secret of a post.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Those in the headers and in the query of the URL.
    pub(super) fn of(post: &Post) -> Self {
        let headers = post.headers.iter();
        let headers = headers.filter(|header| !PLAIN.contains(&header.name.as_str()));
        let values = headers.map(|header| header.value.as_str());
        let query = post.url.as_str().split_once('?').map(|(_, query)| query);
        let words = values.chain(query).flat_map(|text| {
            let ends = |char: char| char.is_whitespace() || "&=,".contains(char);
            once(text).chain(text.split(ends))
        });
        let mut known: Vec<String> = Vec::new();
        for word in words.filter(|word| word.len() >= SHORTEST) {
            // The longest first: of one that contains another one the rest would be left.
            let place = known.iter().position(|known| known.len() < word.len());
            known.insert(place.unwrap_or(known.len()), word.to_owned());
        }
        Self(known)
    }

    /// The beginning of an answer, without them.
    pub(super) fn without(&self, answer: &Text) -> Text {
        let secrets = self.0.iter();
        let text = secrets.fold(answer.to_string(), |text, secret| {
            text.replace(secret.as_str(), LEFT_OUT)
        });
        // Escaped, decoded or broken by a line, a secret is recognized and cannot be cut out.
        let bare = letters(&text);
        let is_bare = |secret: &String| {
            let secret = letters(secret);
            secret.len() >= SHORTEST && bare.contains(&secret)
        };
        match self.0.iter().any(is_bare) {
            true => LEFT_OUT.into(),
            false => in_one_line(&text).into(),
        }
    }
}

/// The letters and digits of a text in lower case, percent-encoded ones as well.
fn letters(text: &str) -> String {
    let mut bytes = text.as_bytes().iter();
    let mut letters = String::new();
    while let Some(&byte) = bytes.next() {
        let encoded = || {
            let digits = bytes.as_slice().get(..2)?;
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let decoded = if byte == b'%' { encoded() } else { None };
        if decoded.is_some() {
            bytes.nth(1);
        }
        let char = char::from(decoded.unwrap_or(byte));
        if char.is_ascii_alphanumeric() {
            letters.push(char.to_ascii_lowercase());
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use tenure_core::work::job::Header;

    use super::*;

    #[test]
    fn an_answer_is_shown_in_one_line_and_cut() {
        let shown = |answer: &str| reason(Some(500), Some(&answer.into()), None).unwrap();
        assert_eq!(
            shown("\u{1b}[2J<h1>Out\r\n\tof disk\u{7}\u{202e}</h1>\n"),
            "the receiver answered 500: [2J<h1>Out of disk </h1>"
        );
        assert_eq!(shown(" \n"), "the receiver answered 500");
        let long = shown(&"ü".repeat(5000));
        assert!(long.ends_with("ü…"), "{long}");
        assert!(long.chars().count() < 340, "{long}");
    }

    #[test]
    fn what_has_arrived_has_no_reason() {
        for (status, has_reason) in [(199, true), (200, false), (299, false), (300, true)] {
            assert_eq!(reason(Some(status), None, None).is_some(), has_reason);
        }
        let problem = reason(None, None, Some(&"no connection".into()));
        assert_eq!(problem.as_deref(), Some("no connection"));
        let none = reason(None, None, None);
        assert_eq!(none.as_deref(), Some("there was no response"));
    }

    #[test]
    fn an_answer_that_repeats_the_request_shows_no_secret() {
        let header = |name: &str, value: &str| Header {
            name: name.into(),
            value: value.into(),
        };
        let post = Post {
            number: 1,
            url: "https://h.example/hooks?key=hidden-key&b=2".into(),
            headers: vec![
                header("webhook-id", "msg_12345678"),
                header("authorization", "Bearer hidden-token"),
                header("webhook-signature", "v1,hidden-signature="),
            ],
            body: "{}".into(),
            timeout_ms: 1,
            allow_private: false,
        };
        let answer = "POST /hooks?key=hidden-key&b=2 hidden-key Bearer hidden-token, no hidden-token, \
                      v1,hidden-signature=, unknown msg_12345678";
        let shown = Secrets::of(&post).without(&answer.into());
        assert!(!shown.as_str().contains("hidden"), "{shown}");
        assert!(shown.as_str().ends_with("unknown msg_12345678"), "{shown}");
        for answer in [
            "HIDDEN-TOKEN is wrong",
            "{\"token\":\"hidden\\u002dto\\/ken\"} hidden\\-token",
            "no hidden-\r\ntoken, no hidden\u{200b}-token",
            "?key=hidden%2Dkey",
        ] {
            let shown = Secrets::of(&post).without(&answer.into());
            assert_eq!(shown.as_str(), LEFT_OUT, "{answer}");
        }
    }
}
