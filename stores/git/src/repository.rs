//! What is asked of the repository, and what of it is known: a bare repository of the store's own, in
//! a folder that is gone at the end, into which refs are fetched, and from which they are pushed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tenure_core::{Error, Result};

use crate::bucket::{self, Bucket, FILE};
use crate::options::GitOptions;
use crate::plan::Write;
use crate::program::{Program, Ran, scratch_failed, unavailable};
use crate::remote::{NAME, Remote};

/// Refs that are fetched one by one; of more, all that are beside them are.
const PATTERNS: usize = 100;

/// A repository that is far away.
#[derive(Debug)]
pub(crate) struct Repository {
    program: Program,
    pub(crate) shown: String,
    /// Refs as they were when they were last seen.
    known: RefCell<BTreeMap<String, Bucket>>,
    /// Removed when the handle is.
    _folder: TempDir,
}

/// How a push ended.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// All refs are where they were to be.
    Done,
    /// No ref was moved, and why.
    Refused(String),
    /// It broke off, and why.
    Broken(String),
}

impl Repository {
    /// Finds the repository and makes a folder for what is fetched from it. Nothing is asked of it yet.
    pub(crate) fn find(place: &str, options: &GitOptions) -> Result<Self> {
        let temporary = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("tenure-git-")
            .tempdir()
            .map_err(|error| scratch_failed(&temporary, &error))?;
        let here = match &options.folder {
            Some(folder) => folder.clone(),
            None => std::env::current_dir()
                .map_err(|error| unavailable(format!("the working directory is gone: {error}")))?,
        };
        let mut program = Program {
            folder: here,
            scratch: folder.path().to_owned(),
            timeout: Duration::from_millis(options.timeout_ms),
            repository: None,
            settings: Vec::new(),
        };
        let remote = Remote::find(place, &program)?;
        let own = folder.path().join("own.git");
        make(&own).map_err(|error| scratch_failed(&own, &error))?;
        program.folder = remote.folder;
        program.repository = Some(own);
        program.settings = remote.settings;
        Ok(Self {
            program,
            shown: remote.shown,
            known: RefCell::default(),
            _folder: folder,
        })
    }

    /// What is known of a ref.
    pub(crate) fn known(&self, name: &str) -> Option<Bucket> {
        self.known.borrow().get(name).cloned()
    }

    /// The refs that there are whose names begin so.
    pub(crate) fn refs(&self, prefix: &str) -> Result<Vec<String>> {
        let pattern = format!("{prefix}*");
        let ran = self
            .program
            .run(&["ls-remote", "--refs", NAME, &pattern], b"")?;
        self.succeeded(&ran)?;
        let mut known = self.known.borrow_mut();
        let mut refs = BTreeSet::new();
        for line in String::from_utf8_lossy(&ran.out).lines() {
            let Some((commit, name)) = line.split_once('\t') else {
                continue;
            };
            // The pattern may also match further down.
            if name.starts_with(prefix) {
                refs.insert(name.to_owned());
                if known
                    .get(name)
                    .is_some_and(|it| it.commit.as_deref() != Some(commit))
                {
                    known.remove(name);
                }
            }
        }
        known.retain(|name, _| !name.starts_with(prefix) || refs.contains(name));
        Ok(refs.into_iter().collect())
    }

    /// Fetches those of some refs of which nothing is known.
    pub(crate) fn fetch_unknown<'n>(
        &self,
        names: impl IntoIterator<Item = &'n String>,
    ) -> Result<()> {
        let known = |name: &&String| !self.known.borrow().contains_key(*name);
        let unknown: Vec<&String> = names.into_iter().filter(known).collect();
        self.fetch(unknown)
    }

    /// Fetches refs as they are now; those that are not there are known to be nothing.
    pub(crate) fn fetch<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Result<()> {
        let names: Vec<&String> = names.into_iter().collect();
        if names.is_empty() {
            return Ok(());
        }
        // A pattern may match nothing, where the name of a ref that is gone would be an error. Git
        // compares each with each ref.
        let patterns: BTreeSet<&str> = match names.len() <= PATTERNS {
            true => names.iter().map(|name| name.as_str()).collect(),
            false => names.iter().map(|name| folder(name)).collect(),
        };
        let patterns = patterns.iter().map(|start| format!("+{start}*:{start}*\n"));
        let options = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--prune",
            "--no-write-fetch-head",
        ];
        let arguments = [&options[..], &["--stdin", NAME]].concat();
        let ran = self
            .program
            .run(&arguments, patterns.collect::<String>().as_bytes())?;
        self.succeeded(&ran)?;
        self.read(&names)
    }

    /// Reads what was fetched.
    fn read(&self, names: &[&String]) -> Result<()> {
        let wanted = names.iter().map(|name| format!("{name}\n{name}:{FILE}\n"));
        let wanted: String = wanted.collect();
        let ran = self
            .program
            .run(&["cat-file", "--batch"], wanted.as_bytes())?;
        if !ran.succeeded() {
            return Err(failed("record", &ran.complaint));
        }
        let mut objects = Objects(&ran.out);
        for name in names {
            let commit = objects.next()?;
            let file = objects.next()?;
            let records = match (&commit, &file) {
                (None, _) => Vec::new(),
                (Some(_), Some(file)) => bucket::parse(name, file.text)?,
                (Some(_), None) => bucket::parse(name, b"")?,
            };
            let commit = commit.map(|commit| commit.id);
            let bucket = Bucket { commit, records };
            self.known.borrow_mut().insert((*name).clone(), bucket);
        }
        Ok(())
    }

    /// Makes the commits of writes. They tell of no other write, however alike.
    pub(crate) fn commit(&self, writes: &[Write]) -> Result<Vec<Option<String>>> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| failed("commit", &error.to_string()))?;
        let message = format!("Write {:032x}\n", u128::from_be_bytes(random));
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let mut text = String::new();
        let put = |write: &&Write| !write.records.is_empty();
        for (number, write) in writes.iter().filter(put).enumerate() {
            let file = bucket::print(&write.records)?;
            let (mark, length) = (number + 1, message.len());
            text.push_str(&format!(
                "commit refs/new/{mark}\nmark :{mark}\n\
                 committer Tenure <tenure@localhost> {now} +0000\n\
                 data {length}\n{message}M 100644 inline {FILE}\ndata {}\n{file}\n\
                 get-mark :{mark}\n",
                file.len()
            ));
        }
        if text.is_empty() {
            return Ok(vec![None; writes.len()]);
        }
        text.push_str("done\n");
        let arguments = ["fast-import", "--quiet", "--force", "--done"];
        let ran = self.program.run(&arguments, text.as_bytes())?;
        if !ran.succeeded() {
            return Err(failed("commit", &ran.complaint));
        }
        let out = String::from_utf8_lossy(&ran.out);
        let mut made = out.lines().map(str::to_owned);
        let commits = writes.iter().map(|write| {
            if !put(&write) {
                return Ok(None);
            }
            let commit = made.next().filter(|commit| !commit.is_empty());
            commit
                .map(Some)
                .ok_or_else(|| failed("commit", "git made too few commits"))
        });
        commits.collect()
    }

    /// Moves all refs of writes to their commits, if they are where they were.
    pub(crate) fn push(&self, writes: &[Write], commits: &[Option<String>]) -> Result<Pushed> {
        let mut arguments: Vec<String> = ["push", "--porcelain", "--atomic", "--no-verify"]
            .map(str::to_owned)
            .to_vec();
        for write in writes {
            let expected = write.expected.as_deref().unwrap_or_default();
            arguments.push(format!("--force-with-lease={}:{expected}", write.name));
        }
        arguments.push(NAME.to_owned());
        for (write, commit) in writes.iter().zip(commits) {
            let commit = commit.as_deref().unwrap_or_default();
            arguments.push(format!("{commit}:{}", write.name));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = self.program.run(&arguments, b"")?;
        if ran.succeeded() {
            for (write, commit) in writes.iter().zip(commits) {
                let bucket = Bucket {
                    commit: commit.clone(),
                    records: write.records.clone(),
                };
                self.known.borrow_mut().insert(write.name.clone(), bucket);
            }
            return Ok(Pushed::Done);
        }
        let out = String::from_utf8_lossy(&ran.out);
        let refusals = out.lines().filter_map(|line| line.strip_prefix("!\t"));
        let said: BTreeSet<&str> = refusals
            .filter_map(|line| line.split('\t').nth(1))
            .collect();
        // That the server did not say how it went is no refusal.
        let heard = !said.is_empty() && !said.iter().any(|it| it.starts_with("[remote failure]"));
        let said: Vec<&str> = said.into_iter().chain([&*ran.complaint]).collect();
        let said = said.join("; ");
        Ok(match heard {
            true => Pushed::Refused(said),
            false => Pushed::Broken(said),
        })
    }

    /// What went wrong with the repository, and what may help.
    pub(crate) fn unavailable(&self, problem: &str) -> Error {
        let help = match is_denied(problem) {
            true => {
                "; whoever runs this has to be allowed to write to it (in a workflow on GitHub: \
                 permissions: contents: write)"
            }
            // What it is told in this way, an older one does not hear.
            false if problem.contains("'tenure-store' does not appear to be") => {
                "; git 2.31 or a newer one is needed"
            }
            false => "",
        };
        unavailable(format!("git repository {}: {problem}{help}", self.shown))
    }

    fn succeeded(&self, ran: &Ran) -> Result<()> {
        match ran.succeeded() {
            true => Ok(()),
            false => Err(self.unavailable(&ran.complaint)),
        }
    }
}

/// Whether what git complains of is that somebody is not allowed to do something.
pub(crate) fn is_denied(problem: &str) -> bool {
    let words = [
        "error: 403",
        "error: 401",
        "denied",
        "not granted",
        "not authorized",
    ];
    words.iter().any(|word| problem.contains(word))
}

/// The part of a ref's name that it shares with those beside it.
fn folder(name: &str) -> &str {
    name.rfind('/')
        .and_then(|end| name.get(..=end))
        .unwrap_or(name)
}

/// Makes an empty bare repository.
fn make(path: &Path) -> std::io::Result<()> {
    for folder in ["objects", "refs"] {
        fs::create_dir_all(path.join(folder))?;
    }
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
    fs::write(path.join("config"), config)?;
    fs::write(path.join("HEAD"), "ref: refs/heads/main\n")
}

fn failed(method: &str, problem: &str) -> Error {
    Error::StoreFailed {
        method: method.to_owned(),
        problem: format!("git: {problem}"),
    }
}

/// What `git cat-file --batch` prints.
struct Objects<'o>(&'o [u8]);

struct Object<'o> {
    id: String,
    text: &'o [u8],
}

impl<'o> Objects<'o> {
    /// The next object; nothing for one that is not there.
    fn next(&mut self) -> Result<Option<Object<'o>>> {
        let misread = || failed("record", "cat-file printed something else than objects");
        let end = self
            .0
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(misread)?;
        let (line, rest) = self.0.split_at(end);
        let line = String::from_utf8_lossy(line).into_owned();
        let rest = rest.get(1..).unwrap_or_default();
        if line.ends_with(" missing") {
            self.0 = rest;
            return Ok(None);
        }
        let mut words = line.split(' ');
        let id = words.next().unwrap_or_default().to_owned();
        let size = words.next_back().and_then(|size| size.parse().ok());
        let size: usize = size.ok_or_else(misread)?;
        let text = rest.get(..size).ok_or_else(misread)?;
        self.0 = rest.get(size + 1..).ok_or_else(misread)?;
        Ok(Some(Object { id, text }))
    }
}
