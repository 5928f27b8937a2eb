//! The tokens of a JSON text that is known to be well-formed: brackets, commas, colons, and plain values
//! as they are written. It checks nothing and decodes nothing.

/// The tokens of a well-formed JSON text, without the white space between them.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'t> {
    rest: &'t str,
    /// Whether the rest is known to be one value.
    is_value: bool,
}

impl<'t> Tokens<'t> {
    /// No tokens.
    pub(crate) const NONE: Self = Self::of("");

    /// The tokens of a text.
    pub const fn of(rest: &'t str) -> Self {
        let is_value = false;
        Self { rest, is_value }
    }

    /// The tokens of one value.
    pub(crate) const fn only(rest: &'t str) -> Self {
        let is_value = true;
        Self { rest, is_value }
    }

    /// The text after the last token.
    pub(crate) fn rest(&self) -> &'t str {
        self.rest
    }

    /// Passes tokens of this many bytes, white space included.
    pub(crate) fn skip(&mut self, bytes: usize) {
        *self = Self::of(self.rest.get(bytes..).unwrap_or_default());
    }

    /// Whether the next token begins with this character.
    pub(crate) fn begin_with(&self, first: u8) -> bool {
        self.rest.trim_ascii_start().as_bytes().first() == Some(&first)
    }

    /// Passes a bracket, comma or colon, if it is the next token.
    pub(crate) fn pass(&mut self, token: u8) -> bool {
        let is_next = self.begin_with(token);
        if is_next {
            self.next();
        }
        is_next
    }

    /// The keys, with their quotes, and the values of an object; nothing if the tokens are of another value.
    pub(crate) fn entries(mut self) -> Option<impl Iterator<Item = (&'t str, &'t str)>> {
        let is_object = self.pass(b'{');
        is_object.then(|| std::iter::from_fn(move || Some((self.key()?, self.value()))))
    }

    /// The key, with its quotes, of the next property of an object that has begun. Its value is next.
    pub(crate) fn key(&mut self) -> Option<&'t str> {
        self.pass(b',');
        if !self.begin_with(b'"') {
            return None;
        }
        let key = self.value();
        self.pass(b':');
        Some(key)
    }

    /// The text of the next value, of one token or many.
    pub(crate) fn value(&mut self) -> &'t str {
        let from = self.rest.trim_ascii_start();
        let mut depth = 0_usize;
        while !std::mem::take(&mut self.is_value)
            && let Some(token) = self.next()
        {
            match token.as_bytes().first() {
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return from.get(..from.len() - self.rest.len()).unwrap_or_default();
            }
        }
        self.rest = "";
        from
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_ascii_start();
        let bytes = text.as_bytes();
        let length = match bytes.first()? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => string_length(bytes),
            _ => bytes
                .iter()
                .position(|byte| b"{}[],:\" \n\r\t".contains(byte))
                .unwrap_or(bytes.len()),
        };
        let (token, rest) = text.split_at_checked(length)?;
        *self = Self::of(rest);
        Some(token)
    }
}

/// The length of the string that the bytes begin with, its quotes included.
pub(crate) fn string_length(bytes: &[u8]) -> usize {
    let mut end = 1;
    loop {
        match bytes.get(end) {
            Some(b'"') => return end + 1,
            Some(b'\\') => end += 2,
            Some(_) => end += 1,
            None => return bytes.len(),
        }
    }
}

/// The number of bytes before the first quote or backslash.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    /// One in each byte.
    const ONES: u64 = u64::MAX / 0xff;
    let (words, _) = bytes.as_chunks();
    let is_plain = |word: &&[u8; 8]| {
        let word = u64::from_ne_bytes(**word);
        // The highest bit of a byte says that there is the character in this byte or in one below.
        let has = |character: u8| {
            let zero_there = word ^ (ONES * u64::from(character));
            zero_there.wrapping_sub(ONES) & !zero_there & (ONES << 7)
        };
        has(b'"') | has(b'\\') == 0
    };
    let plain = words.iter().take_while(is_plain).count() * 8;
    let rest = bytes.iter().skip(plain);
    plain
        + rest
            .take_while(|byte| !matches!(byte, b'"' | b'\\'))
            .count()
}

/// What is between the quotes of the JSON string that a text begins with, if that is what it says.
pub(crate) fn plain(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?;
    let (plain, end) = inner.split_at_checked(plain_length(inner.as_bytes()))?;
    end.starts_with('"').then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain_length;

    proptest! {
        #[test]
        fn what_is_before_a_quote_or_a_backslash_is_plain(bytes in prop::collection::vec(
            prop_oneof![8 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 1 => Just(b'#'), 1 => Just(0)], 0..40,
        )) {
            let expected = bytes.iter().position(|byte| b"\"\\".contains(byte));
            prop_assert_eq!(plain_length(&bytes), expected.unwrap_or(bytes.len()));
        }
    }
}
