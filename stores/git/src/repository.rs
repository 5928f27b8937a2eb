//! The remote repository: its operations, and a cache of its refs. Refs are fetched into a
//! [`Workspace`], and pushed from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tenure_core::error::Cause;
use tenure_core::{Error, Result};

use crate::bucket::{self, Bucket, FILE};
use crate::failure::unavailable;
use crate::options::GitOptions;
use crate::plan::Write;
use crate::program::{Program, Ran};
use crate::remote::{self, NAME, Remote};
use crate::scratch::{Scratch, Workspace};
use crate::turns::{FetchQueue, Fetched};

/// Up to this number, refs are fetched by name; of more, their folders are fetched.
const PATTERNS: usize = 100;
/// The maximum number of cached refs. Beyond it the cache is emptied.
const KNOWN: usize = 5_000;

/// A remote repository.
#[derive(Debug)]
pub(crate) struct Repository {
    program: Program,
    /// The address without what may be secret.
    pub(crate) address: String,
    /// The refs when they were last read. They may have moved since.
    known: Mutex<BTreeMap<String, Bucket>>,
    reads: FetchQueue,
    pub(crate) scratch: Scratch,
}

/// The result of a push.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// All refs were moved.
    Applied,
    /// No ref was moved, for this reason.
    Refused(String),
    /// The push ended without a reply of the server, for this reason. It may have been applied, or
    /// be applied later.
    Unconfirmed(String),
}

impl Repository {
    /// Finds the repository of a name or an address, without connecting to it.
    pub(crate) async fn find(place: &str, options: &GitOptions) -> Result<Self> {
        let here = match &options.folder {
            Some(folder) => folder.clone(),
            None => std::env::current_dir()
                .map_err(|error| unavailable(format!("the working directory is gone: {error}")))?,
        };
        let scratch = Scratch::new()?;
        let timeout = Duration::from_millis(options.timeout_ms);
        let checkout = Program::new(here, timeout);
        let remote = Remote::find(place, &checkout).await?;
        let mut program = Program::new(remote.folder, timeout);
        program.settings = remote.settings;
        let asked = program
            .run(
                Some(&scratch.workspace()?),
                &["ls-remote", "--get-url", NAME],
                b"",
            )
            .await?;
        let address = String::from_utf8_lossy(&asked.out);
        program.kills_helpers = !(asked.succeeded() && remote::is_path(address.trim_end()));
        Ok(Self {
            program,
            address: remote.shown,
            known: Mutex::default(),
            reads: FetchQueue::default(),
            scratch,
        })
    }

    /// A workspace for a call.
    pub(crate) fn workspace(&self) -> Result<Workspace> {
        self.scratch.workspace()
    }

    /// The cached refs among these names.
    pub(crate) fn known<'n>(
        &self,
        names: impl IntoIterator<Item = &'n String>,
    ) -> BTreeMap<String, Bucket> {
        let all = self.all_known();
        let known = |name: &String| Some((name.clone(), all.get(name)?.clone()));
        names.into_iter().filter_map(known).collect()
    }

    fn all_known(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self, buckets: impl IntoIterator<Item = (String, Bucket)>) {
        let mut known = self.all_known();
        known.extend(buckets);
        if known.len() > KNOWN {
            known.clear();
        }
    }

    /// The refs whose names have this prefix, each with its commit.
    pub(crate) async fn refs(
        &self,
        workspace: &Workspace,
        prefix: &str,
    ) -> Result<BTreeMap<String, String>> {
        let pattern = format!("{prefix}*");
        let arguments = ["ls-remote", "--refs", NAME, &pattern];
        let ran = self.program.run(Some(workspace), &arguments, b"").await?;
        self.succeeded(&ran)?;
        let out = String::from_utf8_lossy(&ran.out);
        let refs = out.lines().filter_map(|line| line.split_once('\t'));
        // The pattern may also match refs in subfolders.
        let refs = refs.filter(|(_, name)| name.starts_with(prefix));
        let refs: BTreeMap<String, String> = refs
            .map(|(commit, name)| (name.to_owned(), commit.to_owned()))
            .collect();
        let is_current = |name: &String, bucket: &mut Bucket| {
            !name.starts_with(prefix) || refs.get(name) == bucket.commit.as_ref()
        };
        self.all_known().retain(is_current);
        Ok(refs)
    }

    /// Reads refs, except those that are cached at the given commits. A ref that has moved
    /// meanwhile may be read at a later commit.
    pub(crate) async fn read_at(
        &self,
        workspace: &Workspace,
        refs: &BTreeMap<&String, &String>,
    ) -> Result<BTreeMap<String, Bucket>> {
        let mut buckets = self.known(refs.keys().copied());
        buckets.retain(|name, bucket| bucket.commit.as_ref() == refs.get(name).copied());
        let mut changed: BTreeSet<String> = refs.keys().map(|name| (*name).clone()).collect();
        changed.retain(|name| !buckets.contains_key(name));
        for (name, bucket) in self.fetch(workspace, &changed).await? {
            buckets.insert(name, bucket?);
        }
        Ok(buckets)
    }

    /// Reads the present state of refs, in one fetch together with other pending reads.
    pub(crate) async fn read(
        &self,
        workspace: &Workspace,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Bucket>> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let read = self.reads.enter(names);
        let _turn = self.reads.turn().await;
        let fetched = match read.reply() {
            Some(fetched) => fetched,
            None => {
                let batch = self.reads.batch(&read, PATTERNS);
                let all = batch.iter().flat_map(|read| read.names());
                let all = all.cloned().collect();
                let fetched = self.fetch(workspace, &all).await;
                for read in batch {
                    read.set_reply(&fetched);
                }
                fetched
            }
        };
        let own = fetched?
            .into_iter()
            .filter(|(name, _)| names.contains(name));
        own.map(|(name, bucket)| Ok((name, bucket?))).collect()
    }

    /// Fetches the present state of refs. A ref that does not exist has no records.
    async fn fetch(&self, workspace: &Workspace, names: &BTreeSet<String>) -> Result<Fetched> {
        if names.is_empty() {
            return Ok(Fetched::new());
        }
        // A pattern may match nothing, whereas the name of a missing ref would be an error. Git
        // compares each pattern with each ref.
        let patterns: BTreeSet<&str> = match names.len() <= PATTERNS {
            true => names.iter().map(String::as_str).collect(),
            false => names.iter().map(|name| folder(name)).collect(),
        };
        let patterns = patterns.iter().map(|start| format!("+{start}*:{start}*\n"));
        let patterns: String = patterns.collect();
        let options = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--prune",
            "--no-write-fetch-head",
        ];
        let arguments = [&options[..], &["--stdin", NAME]].concat();
        let program = &self.program;
        let ran = program
            .run(Some(workspace), &arguments, patterns.as_bytes())
            .await?;
        self.succeeded(&ran)?;
        self.read_fetched(workspace, names).await
    }

    /// Reads the fetched refs.
    async fn read_fetched(
        &self,
        workspace: &Workspace,
        names: &BTreeSet<String>,
    ) -> Result<Fetched> {
        let wanted = names.iter().map(|name| format!("{name}\n{name}:{FILE}\n"));
        let wanted: String = wanted.collect();
        let program = &self.program;
        let ran = program
            .run(Some(workspace), &["cat-file", "--batch"], wanted.as_bytes())
            .await?;
        if !ran.succeeded() {
            return Err(failed("record", &ran.complaint));
        }
        let mut objects = Objects(&ran.out);
        let mut fetched = Fetched::new();
        for name in names {
            let commit = objects.next()?;
            let file = objects.next()?;
            let records = match (&commit, &file) {
                (None, _) => Ok(Vec::new()),
                (Some(_), Some(file)) => bucket::parse(name, file.text),
                (Some(_), None) => bucket::parse(name, b""),
            };
            let commit = commit.map(|commit| commit.id);
            let bucket = records.map(|records| Bucket { commit, records });
            fetched.insert(name.clone(), bucket);
        }
        let valid = fetched.iter().filter_map(|(name, bucket)| {
            let bucket = bucket.as_ref().ok()?;
            Some((name.clone(), bucket.clone()))
        });
        self.cache(valid);
        Ok(fetched)
    }

    /// Creates the commits of writes in a workspace. They are unique, even if the content of two
    /// writes is the same.
    pub(crate) async fn commit(
        &self,
        workspace: &Workspace,
        writes: &[Write],
    ) -> Result<Vec<Option<String>>> {
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
        let program = &self.program;
        let ran = program
            .run(Some(workspace), &arguments, text.as_bytes())
            .await?;
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

    /// Moves all refs of writes to their new commits, if they have not moved meanwhile.
    pub(crate) async fn push(
        &self,
        workspace: &Workspace,
        writes: &[Write],
        commits: &[Option<String>],
    ) -> Result<Pushed> {
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
        let ran = self.program.run(Some(workspace), &arguments, b"").await?;
        if ran.succeeded() {
            let written = writes.iter().zip(commits).map(|(write, commit)| {
                let bucket = Bucket {
                    commit: commit.clone(),
                    records: write.records.clone(),
                };
                (write.name.clone(), bucket)
            });
            self.cache(written);
            return Ok(Pushed::Applied);
        }
        let out = String::from_utf8_lossy(&ran.out);
        let refusals = out.lines().filter_map(|line| line.strip_prefix("!\t"));
        let reasons: BTreeSet<&str> = refusals
            .filter_map(|line| line.split('\t').nth(1))
            .collect();
        // A missing report of the server is not a refusal.
        let unreported = |reason: &&str| reason.starts_with("[remote failure]");
        let is_refused = !reasons.is_empty() && !reasons.iter().any(unreported);
        let problem: Vec<&str> = reasons.into_iter().chain([&*ran.complaint]).collect();
        let problem = problem.join("; ");
        Ok(match is_refused {
            true => Pushed::Refused(problem),
            false => Pushed::Unconfirmed(problem),
        })
    }

    /// The error for a problem with the repository, with advice.
    pub(crate) fn unavailable(&self, problem: &str) -> Error {
        let help = match is_denied(problem) {
            true => {
                "; it needs write permission (in a workflow on GitHub: permissions: contents: write)"
            }
            // An older git does not read settings from the environment.
            false if problem.contains("'tenure-store' does not appear to be") => {
                "; git 2.31 or a newer one is needed"
            }
            false => "",
        };
        unavailable(format!("git repository {}: {problem}{help}", self.address))
    }

    fn succeeded(&self, ran: &Ran) -> Result<()> {
        match ran.succeeded() {
            true => Ok(()),
            false => Err(self.unavailable(&ran.complaint)),
        }
    }
}

/// Whether an error message of git is about a missing permission.
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

/// The name of a ref up to its last slash.
fn folder(name: &str) -> &str {
    name.rfind('/')
        .and_then(|end| name.get(..=end))
        .unwrap_or(name)
}

fn failed(method: &str, problem: &str) -> Error {
    Cause::StoreFailed {
        method: method.to_owned(),
        problem: format!("git: {problem}"),
    }
    .into()
}

/// The parsed output of `git cat-file --batch`.
struct Objects<'o>(&'o [u8]);

struct Object<'o> {
    id: String,
    text: &'o [u8],
}

impl<'o> Objects<'o> {
    /// The next object; `None` if it does not exist.
    fn next(&mut self) -> Result<Option<Object<'o>>> {
        let invalid = || failed("record", "cat-file printed something other than objects");
        let end = self
            .0
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(invalid)?;
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
        let size: usize = size.ok_or_else(invalid)?;
        let text = rest.get(..size).ok_or_else(invalid)?;
        self.0 = rest.get(size + 1..).ok_or_else(invalid)?;
        Ok(Some(Object { id, text }))
    }
}
