//! What is printed: everything through one buffer, in colours only on a terminal, and texts that
//! come from sessions without anything that a terminal would obey.

use std::borrow::Cow;
use std::env;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What is wide enough when nobody says how wide the terminal is.
const WIDTH: usize = 80;

/// How a text looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
}

impl Style {
    /// The style in which a status is shown.
    pub(crate) fn of_status(status: &str) -> Self {
        match status {
            "active" => Self::Green,
            "paused" => Self::Yellow,
            "failed" | "timeout" => Self::Red,
            "completed" => Self::Blue,
            _ => Self::Dim,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Red => "\x1b[31m",
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
            Self::Blue => "\x1b[34m",
        }
    }
}

/// Standard output.
pub(crate) struct Output {
    // Not locked: what a command runs beside this may print too.
    out: BufWriter<Stdout>,
    terminal: bool,
    colour: bool,
}

impl Output {
    /// Standard output as it is.
    pub(crate) fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
            terminal,
            colour: terminal && is_coloured(),
        }
    }

    /// Whether people read along.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// How many columns a line may take; no bound where no terminal would break it.
    pub(crate) fn width(&self) -> Option<usize> {
        self.terminal.then(|| {
            terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0).max(40))
        })
    }

    /// Prints text as it is.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// Prints what is put together here as it is.
    pub(crate) fn print(&mut self, parts: fmt::Arguments<'_>) -> io::Result<()> {
        self.out.write_fmt(parts)
    }

    /// Prints a line as it is.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.write(text)?;
        self.write("\n")
    }

    /// Prints text in a style.
    pub(crate) fn styled(&mut self, style: Style, text: &str) -> io::Result<()> {
        if !self.colour || style == Style::Plain {
            return self.write(text);
        }
        self.write(style.code())?;
        self.write(text)?;
        self.write("\x1b[0m")
    }

    /// Prints JSON on a line. On a terminal what it would obey is escaped, which changes no value:
    /// it stands inside of texts only.
    pub(crate) fn json(&mut self, json: &str) -> io::Result<()> {
        if !self.terminal || !json.contains(is_unsafe) {
            return self.line(json);
        }
        let mut escaped = String::with_capacity(json.len() + 16);
        let mut units = [0; 2];
        for char in json.chars() {
            if is_unsafe(char) && !char.is_ascii_whitespace() {
                for unit in char.encode_utf16(&mut units) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                escaped.push(char);
            }
        }
        self.line(&escaped)
    }

    /// Hands over what was printed.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether a terminal is to show colours.
fn is_coloured() -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_color && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether a terminal might obey a character, or show what follows it in another order.
fn is_unsafe(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text on one line, without anything that a terminal would obey.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    clean_but(text, |_| false)
}

/// A text whose lines are kept, without anything else that a terminal would obey.
pub(crate) fn clean_lines(text: &str) -> Cow<'_, str> {
    clean_but(text, |char| char == '\n')
}

fn clean_but(text: &str, kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Most texts are nothing else.
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if printable || !text.contains(|char| is_unsafe(char) && !kept(char)) {
        return Cow::Borrowed(text);
    }
    let clean = text.chars().map(|char| match char {
        char if kept(char) || !is_unsafe(char) => char,
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    });
    Cow::Owned(clean.collect())
}

/// A number of things, as `1 session` and `2 sessions`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{end}")
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text that takes no more columns than `most`; what is left out is marked.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // No character of more than one byte is wider than its bytes are many.
    if text.len() <= most || width(text) <= most {
        return Cow::Borrowed(text);
    }
    let mut taken = 0;
    let mut cut: String = text
        .chars()
        .take_while(|char| {
            taken += char.width().unwrap_or(0);
            taken < most
        })
        .collect();
    cut.push('…');
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_taken_out() {
        assert_eq!(clean("plain ünï 日本"), "plain ünï 日本");
        assert_eq!(
            clean("a\x1b[31mb\u{9b}c\x7f"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}"
        );
        assert_eq!(clean("a\tb\r\nc\u{2029}d"), "a b  c d");
        assert_eq!(clean("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean_lines("a\nb\tc"), "a\nb c");
    }

    #[test]
    fn a_text_that_is_cut_takes_the_columns_that_there_are() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "…");
    }
}
