//! A simulated disk in memory. Every change is a step, and at a chosen step the process dies or the
//! disk is full. When power is lost, each name and each content that was not synced survives or is
//! lost, independently of all others. Only a renamed folder is never in two places, because no file
//! system allows that.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::rc::Rc;

use fastrand::Rng;
use tenure_file::{Disk, Entry};

/// A simulated disk. Clones share its state.
#[derive(Clone, Default)]
pub(crate) struct SimulatedDisk(Rc<RefCell<State>>);

/// The fault, and when it occurs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The process dies before this step.
    Death(u64),
    /// This step fails because the disk is full.
    FullOnce(u64),
    /// From this step on, steps that need space fail.
    Full(u64),
    /// The same, until a file that is not empty is removed.
    FullUntilRemoval(u64),
}

#[derive(Clone, Default)]
struct State {
    nodes: Vec<Node>,
    steps: u64,
    /// How often each file was read.
    reads: RefCell<BTreeMap<String, u64>>,
    fault: Fault,
    failed: bool,
}

#[derive(Clone)]
enum Node {
    File {
        bytes: Vec<u8>,
        /// The content that survives the loss of power.
        synced: Vec<u8>,
    },
    Folder {
        now: BTreeMap<String, usize>,
        synced: BTreeMap<String, usize>,
    },
}

impl Node {
    fn content(&mut self) -> io::Result<&mut Vec<u8>> {
        match self {
            Self::File { bytes, .. } => Ok(bytes),
            Self::Folder { .. } => error(ErrorKind::IsADirectory),
        }
    }

    fn sync(&mut self) {
        if let Self::File { bytes, synced } = self {
            synced.clone_from(bytes);
        }
    }
}

/// Whether a step needs space.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Room,
    Nothing,
}

fn error<T>(kind: ErrorKind) -> io::Result<T> {
    Err(kind.into())
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

impl SimulatedDisk {
    pub(crate) fn new() -> Self {
        let sim = Self::default();
        sim.0.borrow_mut().nodes.push(Node::Folder {
            now: BTreeMap::new(),
            synced: BTreeMap::new(),
        });
        sim
    }

    /// A separate disk in the same state.
    pub(crate) fn fork(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// The number of steps so far.
    pub(crate) fn steps(&self) -> u64 {
        self.0.borrow().steps
    }

    /// Sets the fault.
    pub(crate) fn set_fault(&self, fault: Fault) {
        let mut state = self.0.borrow_mut();
        state.fault = fault;
        state.failed = false;
    }

    /// Loses power and restarts.
    pub(crate) fn lose_power(&self, rng: &mut Rng) {
        let mut state = self.0.borrow_mut();
        state.fault = Fault::None;
        state.failed = false;
        for node in &mut state.nodes {
            match node {
                Node::File { bytes, synced } => {
                    // Each byte that was replaced in place, and a part of what was added.
                    for (byte, old) in bytes.iter_mut().zip(synced.iter()) {
                        if rng.bool() {
                            *byte = *old;
                        }
                    }
                    let (shorter, longer) = (synced.len().min(bytes.len()), bytes.len());
                    match synced.get(longer..) {
                        Some(cut) if rng.bool() => bytes.extend_from_slice(cut),
                        _ => bytes.truncate(rng.usize(shorter..=longer)),
                    }
                    synced.clone_from(bytes);
                }
                Node::Folder { now, synced } => {
                    let names: Vec<String> = now.keys().chain(synced.keys()).cloned().collect();
                    for name in names {
                        if rng.bool() {
                            match now.get(&name) {
                                Some(&node) => synced.insert(name, node),
                                None => synced.remove(&name),
                            };
                        }
                    }
                }
            }
        }
        state.settle_folders(rng);
    }

    /// How often a file was read as a whole.
    pub(crate) fn reads_of(&self, path: &str) -> u64 {
        let state = self.0.borrow();
        let reads = state.reads.borrow();
        reads.get(path).copied().unwrap_or(0)
    }

    /// How often files were read as a whole.
    pub(crate) fn all_reads(&self) -> u64 {
        self.0.borrow().reads.borrow().values().sum()
    }

    /// The names in a folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = self.list(folder).unwrap_or_default();
        entries.into_iter().map(|entry| entry.name).collect()
    }
}

impl State {
    /// Leaves each folder at most one name, and marks the remaining state as synced.
    fn settle_folders(&mut self, rng: &mut Rng) {
        let mut names: Vec<(usize, String, usize)> = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            if let Node::Folder { synced, .. } = node {
                let inside = synced
                    .iter()
                    .map(|(name, &node)| (place, name.clone(), node));
                names.extend(inside.filter(|(.., node)| self.is_folder(*node)));
            }
        }
        rng.shuffle(&mut names);
        let mut named = BTreeSet::new();
        for (place, name, node) in names {
            if !named.insert(node)
                && let Node::Folder { synced, .. } = &mut self.nodes[place]
            {
                synced.remove(&name);
            }
        }
        for node in &mut self.nodes {
            if let Node::Folder { now, synced } = node {
                now.clone_from(synced);
            }
        }
    }

    fn is_folder(&self, node: usize) -> bool {
        matches!(self.nodes[node], Node::Folder { .. })
    }

    fn step(&mut self, needs: Needs) -> io::Result<()> {
        let step = self.steps;
        self.steps += 1;
        let kind = match self.fault {
            Fault::Death(at) if step >= at => ErrorKind::ConnectionAborted,
            Fault::FullOnce(at) if step == at => ErrorKind::StorageFull,
            Fault::Full(at) | Fault::FullUntilRemoval(at) if step >= at && needs == Needs::Room => {
                ErrorKind::StorageFull
            }
            _ => return Ok(()),
        };
        self.failed = true;
        error(kind)
    }

    fn is_dead(&self) -> io::Result<()> {
        match self.fault {
            Fault::Death(_) if self.failed => error(ErrorKind::ConnectionAborted),
            _ => Ok(()),
        }
    }

    fn find(&self, path: &str) -> io::Result<usize> {
        let mut node = 0;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            node = match &self.nodes[node] {
                Node::Folder { now, .. } => match now.get(part) {
                    Some(&node) => node,
                    None => return error(ErrorKind::NotFound),
                },
                Node::File { .. } => return error(ErrorKind::NotADirectory),
            };
        }
        Ok(node)
    }

    fn bytes(&self, path: &str) -> io::Result<Vec<u8>> {
        match &self.nodes[self.find(path)?] {
            Node::File { bytes, .. } => Ok(bytes.clone()),
            Node::Folder { .. } => error(ErrorKind::IsADirectory),
        }
    }

    fn names(&mut self, folder: &str) -> io::Result<&mut BTreeMap<String, usize>> {
        let node = self.find(folder)?;
        match &mut self.nodes[node] {
            Node::Folder { now, .. } => Ok(now),
            Node::File { .. } => error(ErrorKind::NotADirectory),
        }
    }

    fn add(&mut self, path: &str, node: Node) -> io::Result<usize> {
        let (folder, name) = split(path);
        if self.names(folder)?.contains_key(name) {
            return error(ErrorKind::AlreadyExists);
        }
        self.step(Needs::Room)?;
        self.nodes.push(node);
        let number = self.nodes.len() - 1;
        self.names(folder)?.insert(name.to_owned(), number);
        Ok(number)
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        let (folder, name) = split(path);
        if !self.names(folder)?.contains_key(name) {
            return error(ErrorKind::NotFound);
        }
        self.step(Needs::Nothing)?;
        if let Some(node) = self.names(folder)?.remove(name)
            && matches!(&self.nodes[node], Node::File { bytes, .. } if !bytes.is_empty())
            && matches!(self.fault, Fault::FullUntilRemoval(_))
        {
            self.fault = Fault::None;
        }
        Ok(())
    }
}

impl Disk for SimulatedDisk {
    type Held = ();

    fn place(&self, path: &str) -> String {
        format!("sim:{path}")
    }

    fn make_base(&self) -> io::Result<()> {
        self.0.borrow().is_dead()
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        let folder = Node::Folder {
            now: BTreeMap::new(),
            synced: BTreeMap::new(),
        };
        match state.add(path, folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            added => added.map(|_| ()),
        }
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let state = self.0.borrow();
        state.is_dead()?;
        *state.reads.borrow_mut().entry(path.to_owned()).or_default() += 1;
        state.bytes(path)
    }

    fn peek(&self, path: &str, most: usize) -> io::Result<(Vec<u8>, u64)> {
        let state = self.0.borrow();
        state.is_dead()?;
        let mut bytes = state.bytes(path)?;
        let size = bytes.len() as u64;
        bytes.truncate(most);
        Ok((bytes, size))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let state = self.0.borrow();
        state.is_dead()?;
        match &state.nodes[state.find(folder)?] {
            Node::Folder { now, .. } => Ok(now
                .iter()
                .map(|(name, &node)| Entry {
                    name: name.clone(),
                    is_folder: matches!(state.nodes[node], Node::Folder { .. }),
                })
                .collect()),
            Node::File { .. } => error(ErrorKind::NotADirectory),
        }
    }

    fn write(&self, path: &str, given: &[u8]) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        if state.find(path).is_ok() {
            state.remove(path)?;
        }
        let empty = Node::File {
            bytes: Vec::new(),
            synced: Vec::new(),
        };
        let number = state.add(path, empty)?;
        // The steps are half of the content, the rest, and the sync.
        for end in [given.len() / 2, given.len()] {
            state.step(Needs::Room)?;
            if let Node::File { bytes, .. } = &mut state.nodes[number] {
                *bytes = given[..end].to_vec();
            }
        }
        state.step(Needs::Room)?;
        state.nodes[number].sync();
        Ok(())
    }

    fn append(&self, path: &str, size: u64, given: &[u8], sync: bool) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        let number = state.find(path)?;
        let size = usize::try_from(size).unwrap();
        assert!(
            state.nodes[number].content()?.len() >= size,
            "{path} was cut"
        );
        // The steps are the cut, half of the text, the rest, and the sync.
        let mut appended = Ok(());
        for end in [0, given.len() / 2, given.len()] {
            appended = appended.and_then(|()| {
                state.step(if end == 0 {
                    Needs::Nothing
                } else {
                    Needs::Room
                })?;
                let bytes = state.nodes[number].content()?;
                bytes.truncate(size);
                bytes.extend_from_slice(&given[..end]);
                Ok(())
            });
        }
        if sync {
            appended = appended.and_then(|()| state.step(Needs::Room));
            if appended.is_ok() {
                state.nodes[number].sync();
            }
        }
        if appended.is_err() && state.is_dead().is_ok() {
            state.nodes[number].content()?.truncate(size);
        }
        appended
    }

    fn overwrite(&self, path: &str, at: u64, byte: u8, sync: bool) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        let number = state.find(path)?;
        state.step(Needs::Nothing)?;
        state.nodes[number].content()?[usize::try_from(at).unwrap()] = byte;
        if sync {
            state.step(Needs::Nothing)?;
            state.nodes[number].sync();
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        let moved = state.find(from)?;
        let is_folder = |node: &Node| matches!(node, Node::Folder { .. });
        if let Ok(there) = state.find(to) {
            match &state.nodes[there] {
                Node::Folder { now, .. } if is_folder(&state.nodes[moved]) => {
                    if !now.is_empty() {
                        return error(ErrorKind::DirectoryNotEmpty);
                    }
                }
                Node::Folder { .. } => return error(ErrorKind::IsADirectory),
                Node::File { .. } if is_folder(&state.nodes[moved]) => {
                    return error(ErrorKind::NotADirectory);
                }
                Node::File { .. } => {}
            }
        }
        let ((source, old), (target, new)) = (split(from), split(to));
        state.names(target)?;
        state.step(Needs::Nothing)?;
        state.names(source)?.remove(old);
        state.names(target)?.insert(new.to_owned(), moved);
        Ok(())
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        state.remove(path)
    }

    fn remove_tree(&self, path: &str) -> io::Result<()> {
        let inside = match self.list(path) {
            Err(error) if error.kind() == ErrorKind::NotADirectory => Vec::new(),
            listed => listed?,
        };
        for entry in inside {
            self.remove_tree(&format!("{path}/{}", entry.name))?;
        }
        self.remove_file(path)
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        let node = state.find(path)?;
        state.step(Needs::Nothing)?;
        match &mut state.nodes[node] {
            Node::Folder { now, synced } => synced.clone_from(now),
            Node::File { .. } => return error(ErrorKind::NotADirectory),
        }
        Ok(())
    }

    fn try_lock(&self, path: &str) -> io::Result<Option<()>> {
        let mut state = self.0.borrow_mut();
        state.is_dead()?;
        if state.find(path).is_err() {
            let lock = Node::File {
                bytes: Vec::new(),
                synced: Vec::new(),
            };
            state.add(path, lock)?;
        }
        Ok(Some(()))
    }
}
