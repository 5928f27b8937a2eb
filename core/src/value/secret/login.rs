//! The passwords among the options of a program, such as `-u user:password`.

use std::ops::Range;

use super::named::quoted;
use super::scan::{Alphabet, Scan};

/// A program with options whose value is a password, or a user's name and password.
pub(crate) struct Login {
    /// How its name begins: `mysql` is for `mysqldump` and `mysql.exe`, too.
    pub(super) program: &'static str,
    /// The short options.
    pub(super) short: &'static [u8],
    /// The short options without a value, which may stand before them in one word.
    pub(super) flags: &'static [u8],
    pub(super) long: &'static [&'static str],
    pub(super) form: Form,
}

/// Where the password is in the value of an option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// After the user's name and a colon.
    AfterColon,
    /// It is the value.
    Value,
    /// It is the value, in one word with the option.
    Attached,
}

const fn password(program: &'static str, short: &'static [u8], form: Form) -> Login {
    Login {
        program,
        short,
        flags: b"",
        long: &[],
        form,
    }
}

pub(super) const LOGINS: &[Login] = &[
    Login {
        program: "curl",
        short: b"uU",
        flags: b"fgikLnsSv",
        long: &["--user", "--proxy-user"],
        form: Form::AfterColon,
    },
    password("mariadb", b"p", Form::Attached),
    password("mysql", b"p", Form::Attached),
    password("redis-cli", b"a", Form::Value),
    password("sshpass", b"p", Form::Value),
];

impl Login {
    /// How long the option is that a word begins with.
    fn option(&self, word: &str) -> Option<usize> {
        if self.long.contains(&word) {
            return Some(word.len());
        }
        let letters = word.strip_prefix('-')?.as_bytes();
        let at = letters.iter().position(|byte| !self.flags.contains(byte))?;
        self.short.contains(letters.get(at)?).then_some(at + 2)
    }

    /// Where the password is in an argument that follows another one.
    fn password(&self, option: &str, argument: &str) -> Option<Range<usize>> {
        let start = match self.option(option) {
            Some(length) if length == option.len() && self.form != Form::Attached => 0,
            _ => {
                let word = argument.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let length = self.option(word.into_iter().next()?)?;
                length + usize::from(argument.as_bytes().get(length) == Some(&b'='))
            }
        };
        let start = match self.form {
            Form::AfterColon => start + argument.get(start..)?.find(':')? + 1,
            Form::Value | Form::Attached => start,
        };
        (start < argument.len()).then_some(start..argument.len())
    }
}

/// Finds the passwords among the options of programs, each up to the end of its line.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
    for login in LOGINS {
        let mut at = 0;
        while let Some(program) = scan.find(at, login.program) {
            at = scan.run_end(program, Alphabet::DOTTED);
            if scan.before(program).is_some_and(is_of_word) || !is_apart(scan.byte(at)) {
                continue;
            }
            let end = line_end(scan, at);
            while let Some(word) = scan.next_run(at, Alphabet::WORD)
                && word.start < end
            {
                at = word.end;
                let before = scan.before(word.start);
                let option = login.option(scan.slice(word.clone()));
                let Some(option) = option.filter(|_| is_apart(before)) else {
                    continue;
                };
                let in_quotes = matches!(before, Some(b'"' | b'\''));
                let start = word.start + option;
                let start = match scan.byte(start) {
                    Some(b'=') => start + 1,
                    _ if login.form == Form::Attached => start,
                    // `"-u", "user:password"`
                    _ if in_quotes => scan.past(start, b" \t,\"'\\"),
                    _ => scan.past_spaces(start),
                };
                let mut password = value(scan, start, in_quotes);
                let in_quotes = in_quotes || password.start > start;
                at = at.max(password.end);
                if login.form == Form::AfterColon {
                    let Some(user) = scan.slice(password.clone()).find(':') else {
                        continue;
                    };
                    password.start += user + 1;
                    if password.is_empty() && !in_quotes {
                        // Only the password is in quotes.
                        password = value(scan, password.start, false);
                        at = at.max(password.end);
                    }
                }
                // A reference is no secret.
                if scan.byte(password.start) != Some(b'$') && !password.is_empty() {
                    found.push(password);
                }
            }
            at = at.max(end);
        }
    }
}

/// The value of an option: to the end of the quotes that it stands in, or else of its word.
#[inline(never)]
fn value(scan: &Scan<'_>, start: usize, in_quotes: bool) -> Range<usize> {
    let ends: &[u8] = match in_quotes {
        true => b"\"'\\\r\n",
        false => b" \t\r\n\"'\\;|&<>`",
    };
    quoted(scan, start).unwrap_or_else(|| start..scan.find_any(start, ends))
}

/// Finds the password in an argument, which follows an option or has it in itself. The program may stand
/// anywhere before, as in `sudo mysql -ppassword`.
pub(crate) fn in_argument(
    program: &mut Option<&'static Login>,
    option: &str,
    argument: &str,
) -> Option<Range<usize>> {
    let found = program.and_then(|login| login.password(option, argument));
    if found.is_none()
        && let Some(name) = argument.rsplit(['/', '\\']).next()
        && let Some(login) = LOGINS.iter().find(|login| name.starts_with(login.program))
    {
        *program = Some(login);
    }
    found
}

/// Where the line ends that a place is on, and those that go on from it.
fn line_end(scan: &Scan<'_>, from: usize) -> usize {
    let mut at = from;
    loop {
        let end = scan.find_any(at, b"\n");
        let last = scan.before(end);
        let is_continued =
            last == Some(b'\\') || (last == Some(b'\r') && scan.before(end - 1) == Some(b'\\'));
        if end == scan.len() || !is_continued {
            return end;
        }
        at = end + 1;
    }
}

fn is_of_word(byte: u8) -> bool {
    Alphabet::WORD.contains(byte)
}

#[inline(never)]
fn is_apart(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| b" \t\r\n\"'\\".contains(&byte))
}
