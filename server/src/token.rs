//! The token of a server. Who has it may call every operation.

use std::fmt;
use std::fmt::Write;

use subtle::ConstantTimeEq;
use tenure_core::{Error, Result};

/// The random bytes of a token that a server makes.
const RANDOM: usize = 32;
/// The shortest and the longest token that a user may choose.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=256;

/// A token. It is printed only where its text is asked for.
#[derive(Clone)]
pub struct Token(Box<str>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// A new token of random bits.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; RANDOM];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::internal(format!("no random numbers: {error}")))?;
        let mut text = String::with_capacity(2 * RANDOM);
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text.into()))
    }

    /// The token of this text. It consists of characters that stand in a URL, a header and a cookie as they
    /// are.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, which does not repeat the text.
    pub fn parse(text: &str) -> Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if LENGTHS.contains(&text.len()) && text.bytes().all(is_plain) {
            return Ok(Self(text.into()));
        }
        let problem = "expected 16 to 256 letters, digits, '-', '.', '_' or '~'";
        Err(Error::invalid("token", problem))
    }

    /// The text of the token.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether this is its text. The time that the comparison takes says nothing about the token.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_tokens_differ_and_are_tokens() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.reveal().len(), 64);
        assert!(!one.is(other.reveal()));
        assert!(one.is(Token::parse(one.reveal()).unwrap().reveal()));
    }

    #[test]
    fn a_token_is_not_shown_by_its_errors_and_its_debug_text() {
        let secret = "s3cret s3cret s3cret";
        let error = Token::parse(secret).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        let token = Token::parse("s3cret-s3cret-s3cret").unwrap();
        assert!(!format!("{token:?}").contains("s3cret"));
        for refused in ["", "short", "äääääääääääääääääää", "a;b;c;d;e;f;g;h;i;j;k"]
        {
            assert_eq!(
                Token::parse(refused).unwrap_err().code(),
                "INVALID_ARGUMENT"
            );
        }
        assert!(Token::parse(&"a".repeat(257)).is_err());
    }

    #[test]
    fn only_the_whole_text_is_the_token() {
        let token = Token::parse("0123456789abcdef").unwrap();
        for other in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789abcdeF",
        ] {
            assert!(!token.is(other), "{other}");
        }
        assert!(token.is("0123456789abcdef"));
    }
}
