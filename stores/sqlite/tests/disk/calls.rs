//! The system calls of this program. The linker takes these functions in place of those of the C library,
//! for SQLite and for the standard library of Rust. They do what the originals do for files that are not
//! watched.

#![expect(
    unsafe_code,
    reason = "functions of the C library are replaced by functions with their signatures"
)]

use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libc::{c_char, c_int, c_long, c_void, off_t, size_t, ssize_t};

use super::{COUNT, Folder, Recorded, Room, lock, watched};

/// What a descriptor of a watched folder refers to.
enum Target {
    File(u64),
    Folder,
}

/// The watched folder to which an open descriptor belongs.
fn target(descriptor: c_int) -> Option<(Arc<Folder>, Target)> {
    if COUNT.load(Ordering::SeqCst) == 0 {
        return None;
    }
    let path = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
    if let Some(folder) = watched(|folder| folder == path) {
        return Some((folder, Target::Folder));
    }
    let folder = watched(|folder| path.parent() == Some(folder))?;
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the status is initialized if the call succeeds.
    let inode = unsafe {
        (libc::fstat(descriptor, status.as_mut_ptr()) == 0).then(|| status.assume_init().st_ino)?
    };
    Some((folder, Target::File(inode)))
}

fn fail(number: c_int) -> ssize_t {
    // SAFETY: the number of the last error belongs to this thread.
    unsafe { *libc::__errno_location() = number };
    -1
}

/// Writes, at a place of the file or at its position.
///
/// # Safety
/// As for `pwrite`.
unsafe fn write_at(
    descriptor: c_int,
    bytes: *const c_void,
    length: size_t,
    at: Option<off_t>,
) -> ssize_t {
    // SAFETY: the arguments are those of the caller, or a part of its bytes.
    let write = |length: size_t| unsafe {
        match at {
            Some(at) => libc::syscall(libc::SYS_pwrite64, descriptor, bytes, length, at) as ssize_t,
            None => libc::syscall(libc::SYS_write, descriptor, bytes, length) as ssize_t,
        }
    };
    let Some((folder, Target::File(inode))) = target(descriptor) else {
        return write(length);
    };
    let mut state = lock(&folder.state);
    let length = match state.room(length) {
        Room::All => length,
        Room::Bytes(part) => part,
        Room::None => return fail(libc::ENOSPC),
    };
    state.look(&folder.path);
    // SAFETY: a position is only read.
    let at = at.unwrap_or_else(|| unsafe { libc::lseek(descriptor, 0, libc::SEEK_CUR) });
    let written = write(length);
    if let (Ok(at), Ok(written)) = (usize::try_from(at), usize::try_from(written)) {
        // SAFETY: so many bytes were read from there.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), written) };
        let file = state.file(inode);
        let bytes = bytes.to_vec();
        state.recorded.push(Recorded::Write { file, at, bytes });
    }
    written
}

/// # Safety
/// As for the function of the C library.
#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: the arguments are those of the caller.
    unsafe { write_at(descriptor, bytes, length, None) }
}

/// # Safety
/// As for the function of the C library.
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(
    descriptor: c_int,
    bytes: *const c_void,
    length: size_t,
    at: off_t,
) -> ssize_t {
    // SAFETY: the arguments are those of the caller.
    unsafe { write_at(descriptor, bytes, length, Some(at)) }
}

/// # Safety
/// As for the function of the C library.
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(
    descriptor: c_int,
    bytes: *const c_void,
    length: size_t,
    at: off_t,
) -> ssize_t {
    // SAFETY: the arguments are those of the caller.
    unsafe { write_at(descriptor, bytes, length, Some(at)) }
}

fn truncate(descriptor: c_int, length: off_t) -> c_int {
    // SAFETY: the arguments are those of the caller.
    let truncate =
        || unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, length as c_long) as c_int };
    let Some((folder, Target::File(inode))) = target(descriptor) else {
        return truncate();
    };
    let mut state = lock(&folder.state);
    state.look(&folder.path);
    let truncated = truncate();
    if let (0, Ok(length)) = (truncated, usize::try_from(length)) {
        let file = state.file(inode);
        state.recorded.push(Recorded::Truncate { file, length });
    }
    truncated
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(descriptor: c_int, length: off_t) -> c_int {
    truncate(descriptor, length)
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(descriptor: c_int, length: off_t) -> c_int {
    truncate(descriptor, length)
}

/// Syncs a file. What is on the disk of a watched folder is what was recorded, so that nothing waits for
/// the disk of this machine.
fn sync(descriptor: c_int, call: c_long) -> c_int {
    let Some((folder, target)) = target(descriptor) else {
        // SAFETY: the argument is that of the caller.
        return unsafe { libc::syscall(call, descriptor) as c_int };
    };
    let mut state = lock(&folder.state);
    state.look(&folder.path);
    let synced = match target {
        Target::File(inode) => Recorded::Sync(state.file(inode)),
        Target::Folder => Recorded::SyncNames,
    };
    state.recorded.push(synced);
    0
}

#[unsafe(no_mangle)]
extern "C" fn fsync(descriptor: c_int) -> c_int {
    sync(descriptor, libc::SYS_fsync)
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    sync(descriptor, libc::SYS_fdatasync)
}

/// # Safety
/// As for the function of the C library.
#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the argument is that of the caller.
    let unlink = || unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) as c_int };
    if COUNT.load(Ordering::SeqCst) == 0 {
        return unlink();
    }
    // SAFETY: the path is that of the caller.
    let name = Path::new(OsStr::from_bytes(
        unsafe { CStr::from_ptr(path) }.to_bytes(),
    ));
    let parent = name.parent().and_then(|parent| parent.canonicalize().ok());
    let Some(folder) = watched(|folder| parent.as_deref() == Some(folder)) else {
        return unlink();
    };
    let mut state = lock(&folder.state);
    state.look(&folder.path);
    let unlinked = unlink();
    state.look(&folder.path);
    unlinked
}
