//! Standard output: one buffer for everything, colours only on a terminal, and texts from sessions
//! without control characters that a terminal would execute.

use std::borrow::Cow;
use std::env;
use std::fmt;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::time::Duration;

use serde::Serialize;
use tenure_core::{Json, Status};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns of a terminal that does not report its width.
const WIDTH: usize = 80;

/// Waits for some time: whether what is written has no reader any more.
#[cfg(unix)]
fn waited_for_end(out: &Stdout, time: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, poll};
    // Without a reader a pipe has an error, and a terminal is hung up. Both are reported without being asked for.
    let mut watched = [PollFd::new(out, PollFlags::empty())];
    let time = time.try_into().map_err(io::Error::other)?;
    match poll(&mut watched, Some(&time)) {
        // A signal came.
        Err(rustix::io::Errno::INTR) => Ok(false),
        polled => Ok(polled? > 0),
    }
}

/// Waits for some time. Only a write says that there is no reader any more.
#[cfg(not(unix))]
fn waited_for_end(_: &Stdout, time: Duration) -> io::Result<bool> {
    std::thread::sleep(time);
    Ok(false)
}

/// The style of a text on a terminal.
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
    /// The style of a status.
    pub(crate) fn of_status(status: Status) -> Self {
        match status {
            Status::Active => Self::Green,
            Status::Paused => Self::Yellow,
            Status::Failed | Status::Timeout => Self::Red,
            Status::Completed => Self::Blue,
            Status::Abandoned => Self::Dim,
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
    // Not locked: other threads of a command may print too.
    out: BufWriter<Stdout>,
    terminal: bool,
    colour: bool,
}

impl Output {
    /// Standard output of this process.
    pub(crate) fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
            terminal,
            colour: terminal && is_coloured(),
        }
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The columns of the terminal; `None` where there is no terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        self.terminal.then(|| {
            terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0).max(40))
        })
    }

    /// Prints text.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// Prints formatted text.
    pub(crate) fn print(&mut self, parts: fmt::Arguments<'_>) -> io::Result<()> {
        self.out.write_fmt(parts)
    }

    /// Prints a line.
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

    /// Prints JSON on a line. On a terminal, characters that it would execute are escaped. They occur
    /// in JSON strings only, so this changes no value.
    pub(crate) fn json(&mut self, json: &str) -> io::Result<()> {
        self.json_part(json)?;
        self.write("\n")
    }

    /// Prints a part of a JSON text, as [`Output::json`] prints the whole.
    pub(crate) fn json_part(&mut self, json: &str) -> io::Result<()> {
        if !self.terminal || !json.contains(is_unsafe) {
            return self.write(json);
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
        self.write(&escaped)
    }

    /// Writes the buffer out.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Lets time pass, and fails as a write would if the reader is gone.
    pub(crate) fn pause(&self, time: Duration) -> io::Result<()> {
        match waited_for_end(self.out.get_ref(), time)? {
            true => Err(ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }
}

/// Whether the environment allows colours.
fn is_coloured() -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_color && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether a terminal may execute a character, or reorder the text after it.
fn is_unsafe(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text on one line, without characters that a terminal would execute.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    clean_except(text, |_| false)
}

/// As [`clean`], but with the text's line breaks.
pub(crate) fn clean_lines(text: &str) -> Cow<'_, str> {
    clean_except(text, |char| char == '\n')
}

fn clean_except(text: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    // The fast path: most texts are printable ASCII.
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if printable || !text.contains(|char| is_unsafe(char) && !allowed(char)) {
        return Cow::Borrowed(text);
    }
    let clean = text.chars().map(|char| match char {
        char if allowed(char) || !is_unsafe(char) => char,
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    });
    Cow::Owned(clean.collect())
}

/// A count with its noun: `1 session`, `2 sessions`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// The name of a value that is one of several, as JSON shows it.
pub(crate) fn name_of(value: impl Serialize) -> String {
    Json::of(&value).as_text().unwrap_or_default()
}

/// The columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text cut to at most `max` columns; an ellipsis marks the cut.
pub(crate) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    // No character takes more columns than bytes.
    if text.len() <= max || width(text) <= max {
        return Cow::Borrowed(text);
    }
    let mut taken = 0;
    let mut cut: String = text
        .chars()
        .take_while(|char| {
            taken += char.width().unwrap_or(0);
            taken < max
        })
        .collect();
    cut.push('…');
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_terminal_executes_are_removed() {
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
    fn a_cut_text_fits_the_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "…");
    }
}
