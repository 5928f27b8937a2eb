//! The passwords among the options of a program, such as `-u user:password`.

use std::ops::Range;

use super::scan::{Alphabet, Scan};

/// A program with options whose value is a password, or a user's name and password.
pub(super) struct Login {
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
    password("mysqldump", b"p", Form::Attached),
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
}

/// Finds the passwords among the options of programs, each up to the end of its line.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Range<usize>>) {
    for login in LOGINS {
        let mut at = 0;
        while let Some(program) = scan.find(at, login.program) {
            at = program + login.program.len();
            if scan.before(program).is_some_and(is_of_word) || !is_space(scan.byte(at)) {
                continue;
            }
            let end = line_end(scan, at);
            while let Some(word) = scan.next_run(at, Alphabet::WORD)
                && word.start < end
            {
                at = word.end;
                let is_apart = is_space(scan.before(word.start));
                let option = login.option(scan.slice(word.clone()));
                let Some(option) = option.filter(|_| is_apart) else {
                    continue;
                };
                if login.form == Form::Attached && is_end(scan.byte(word.start + option)) {
                    continue;
                }
                let mut start = value_start(scan, word.start + option);
                if login.form == Form::AfterColon {
                    at = at.max(scan.find_any(start, b": \t\r\n\"'\\"));
                    if scan.byte(at) != Some(b':') {
                        continue;
                    }
                    start = at + 1;
                }
                let password = start..scan.find_any(start, b" \t\r\n\"'\\;|&<>`");
                at = at.max(password.end);
                // A reference is no secret.
                if scan.byte(password.start) != Some(b'$') && !password.is_empty() {
                    found.push(password);
                }
            }
            at = at.max(end);
        }
    }
}

/// Finds the password in the argument of a program that follows an option, or has it in itself.
pub(crate) fn in_argument(program: &str, option: &str, argument: &str) -> Option<Range<usize>> {
    let name = program.rsplit(['/', '\\']).next()?;
    let login = LOGINS.iter().find(|login| login.program == name)?;
    let start = match login.option(option) {
        Some(length) if length == option.len() && login.form != Form::Attached => 0,
        _ => {
            let word = argument.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            let length = login.option(word.into_iter().next()?)?;
            length + usize::from(argument.as_bytes().get(length) == Some(&b'='))
        }
    };
    let start = match login.form {
        Form::AfterColon => start + argument.get(start..)?.find(':')? + 1,
        Form::Value | Form::Attached => start,
    };
    (start < argument.len()).then_some(start..argument.len())
}

/// Where the value of an option begins that ends at a place.
fn value_start(scan: &Scan<'_>, at: usize) -> usize {
    let at = match scan.byte(at) {
        Some(b'=') => at + 1,
        _ => scan.past_spaces(at),
    };
    // The quotes that it stands in, escaped ones as well.
    scan.past(at, b"\"'\\")
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

fn is_space(byte: Option<u8>) -> bool {
    matches!(byte, Some(b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether a word ends here, also one that is quoted.
fn is_end(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| b" \t\n\r;|&\\`".contains(&byte))
}
