//! The locks of database files.
//!
//! SQLite uses POSIX locks, which belong to the process. Two copies of SQLite in one process do not
//! see each other's, and closing any descriptor of a file ends all locks of the process on it: when
//! a second copy of the package opens the store, or the program copies its own data folder.
//!
//! On Linux SQLite is therefore given other system calls, which lock *open file descriptions*. Such a
//! lock ends with its own descriptor only, and excludes other copies of SQLite in the process as it
//! excludes other processes. Within this copy, SQLite relies on its locks belonging to the process: it
//! acquires one with the descriptor of one connection and releases it with that of another. So all
//! locks on a file belong to one description, that of the first descriptor which locks the file.
//!
//! Other systems, and kernels without such locks, keep POSIX locks. There a file that the process has
//! open already is refused, because its second use would be unsafe.

#[cfg(unix)]
use crate::identity::Identity;

/// Whose locks SQLite's locks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Open file descriptions, or what the system has in their place.
    Description,
    /// The process, in which only one copy of SQLite may open a file.
    Process,
}

/// Whose locks SQLite's locks are on this system. Before the first use of SQLite, replaces its locks
/// if possible.
pub(crate) fn owner() -> Owner {
    system::owner()
}

/// Whether a descriptor of this process refers to a file.
#[cfg(unix)]
pub(crate) fn is_open(file: &Identity) -> bool {
    descriptors().any(|descriptor| Identity::of_descriptor(descriptor).as_ref() == Some(file))
}

/// On these systems locks belong to handles.
#[cfg(not(unix))]
pub(crate) fn is_open(_: &crate::identity::Identity) -> bool {
    false
}

/// The open descriptors of this process; none if the system does not list them.
#[cfg(unix)]
fn descriptors() -> impl Iterator<Item = std::os::fd::RawFd> {
    let folder = std::fs::read_dir("/dev/fd").ok();
    folder
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use descriptions as system;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod system {
    use super::Owner;

    pub(super) fn owner() -> Owner {
        if cfg!(unix) {
            Owner::Process
        } else {
            Owner::Description
        }
    }
}

/// SQLite's system calls for locks, with open file descriptions as the owners.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[expect(
    unsafe_code,
    reason = "SQLite's system calls are replaced by functions of C"
)]
mod descriptions {
    use std::collections::HashMap;
    use std::ffi::{CStr, OsStr, c_char, c_int, c_ulong, c_void};
    use std::fs::File;
    use std::mem::{MaybeUninit, transmute};
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::ptr;
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    use rusqlite::ffi;

    use super::{Owner, descriptors};
    use crate::identity::Identity;

    /// The signature of `fcntl` with its third argument. It is variadic in C. On the supported
    /// processors a variadic integer or pointer is passed as any other.
    type Fcntl = unsafe extern "C" fn(c_int, c_int, *mut c_void) -> c_int;
    type Close = unsafe extern "C" fn(c_int) -> c_int;
    type Open = unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int;
    /// Any system call of SQLite.
    type SystemCall = unsafe extern "C" fn();

    static OWNER: LazyLock<Owner> = LazyLock::new(|| match is_supported() && install() {
        true => Owner::Description,
        false => Owner::Process,
    });

    pub(super) fn owner() -> Owner {
        *OWNER
    }

    /// Whether the kernel has locks of open file descriptions.
    fn is_supported() -> bool {
        let Ok(file) = File::open("/dev/null") else {
            return false;
        };
        let mut nothing = libc::flock {
            l_type: libc::F_UNLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        // SAFETY: the descriptor is open, and the kernel only reads the lock.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut nothing) == 0 }
    }

    /// Replaces the system calls of this copy of SQLite.
    fn install() -> bool {
        // SAFETY: SQLite calls a system call with the signature of the original, to which the types
        // above correspond.
        let replacements = unsafe {
            [
                (c"fcntl", transmute::<Fcntl, SystemCall>(fcntl)),
                (c"open", transmute::<Open, SystemCall>(open)),
                (c"close", transmute::<Close, SystemCall>(close)),
            ]
        };
        // SAFETY: SQLite's default file system lives as long as the process.
        unsafe {
            let system = ffi::sqlite3_vfs_find(ptr::null());
            let Some(replace) = system.as_ref().and_then(|system| system.xSetSystemCall) else {
                return false;
            };
            replacements.into_iter().all(|(name, replacement)| {
                replace(system, name.as_ptr(), Some(replacement)) == ffi::SQLITE_OK
            })
        }
    }

    /// The file of a descriptor.
    fn file_of(descriptor: c_int) -> Option<Identity> {
        let mut status = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: the status is initialized if the call succeeds.
        unsafe {
            (libc::fstat(descriptor, status.as_mut_ptr()) == 0).then(|| {
                let status = status.assume_init();
                Identity::of_numbers(status.st_dev, status.st_ino)
            })
        }
    }

    /// The descriptors with which SQLite has locked files.
    #[derive(Default)]
    struct Locks {
        /// Each descriptor with the descriptor that owns the locks on its file.
        descriptors: HashMap<c_int, Locked>,
        files: HashMap<Identity, Shared>,
        /// Descriptors that SQLite has closed, and that stay open.
        unclosed: Vec<(c_int, Identity)>,
    }

    /// A descriptor that SQLite uses for locks.
    struct Locked {
        owner: c_int,
        file: Identity,
    }

    /// The owner of the locks on a file: a duplicate of a descriptor, with the same description.
    struct Shared {
        owner: c_int,
        users: usize,
    }

    static LOCKS: LazyLock<Mutex<Locks>> = LazyLock::new(Mutex::default);

    fn locks() -> MutexGuard<'static, Locks> {
        // No code panics while the locks are used.
        LOCKS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl Locks {
        /// The descriptor that owns the locks which SQLite acquires with `descriptor`.
        fn owner_of(&mut self, descriptor: c_int) -> Option<c_int> {
            if let Some(locked) = self.descriptors.get(&descriptor) {
                return Some(locked.owner);
            }
            let file = file_of(descriptor)?;
            let owner = match self.files.get_mut(&file) {
                Some(shared) => {
                    shared.users += 1;
                    shared.owner
                }
                None => {
                    // SAFETY: SQLite has the descriptor open.
                    let owner = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3) };
                    if owner < 0 {
                        return None;
                    }
                    let users = 1;
                    self.files.insert(file.clone(), Shared { owner, users });
                    owner
                }
            };
            self.descriptors.insert(descriptor, Locked { owner, file });
            Some(owner)
        }

        /// Forgets a descriptor that is about to be closed. Returns its file, and the owner of the
        /// locks on the file if nothing else uses it.
        fn forget(&mut self, descriptor: c_int) -> Option<(Identity, Option<c_int>)> {
            let Locked { owner, file } = self.descriptors.remove(&descriptor)?;
            let shared = self.files.get_mut(&file)?;
            shared.users -= 1;
            let unused = shared.users == 0;
            if unused {
                self.files.remove(&file);
            }
            Some((file, unused.then_some(owner)))
        }

        /// Closes descriptors, unless that would end POSIX locks of another SQLite library of the
        /// process. Those stay open until it has released its locks.
        fn close(&mut self, closing: impl IntoIterator<Item = (c_int, Identity)>) {
            let mut all = std::mem::take(&mut self.unclosed);
            all.extend(closing);
            for (descriptor, file) in all {
                if Self::has_posix_locks(&file) {
                    self.unclosed.push((descriptor, file));
                } else {
                    // SAFETY: SQLite does not use the descriptor any more, or it is a duplicate of
                    // one that it has closed.
                    unsafe { libc::close(descriptor) };
                }
            }
        }

        /// Takes an unclosed descriptor of the file at a path that has the access of `flags`.
        fn reopen(&mut self, path: &Path, flags: c_int) -> Option<c_int> {
            let file = Identity::of(path).ok()?;
            let place = self.unclosed.iter().position(|(descriptor, unclosed)| {
                // SAFETY: the descriptor is open.
                let opened = unsafe { libc::fcntl(*descriptor, libc::F_GETFL) };
                *unclosed == file && opened & libc::O_ACCMODE == flags & libc::O_ACCMODE
            })?;
            Some(self.unclosed.swap_remove(place).0)
        }

        /// Whether another part of the process has POSIX locks on a file.
        fn has_posix_locks(file: &Identity) -> bool {
            descriptors().any(|descriptor| {
                file_of(descriptor).as_ref() == Some(file)
                    && std::fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}"))
                        .is_ok_and(|info| info.contains("POSIX"))
            })
        }
    }

    /// `fcntl` of SQLite: a lock of the process becomes a lock of a description.
    unsafe extern "C" fn fcntl(descriptor: c_int, command: c_int, argument: *mut c_void) -> c_int {
        let of_description = match command {
            libc::F_SETLK => libc::F_OFD_SETLK,
            libc::F_SETLKW => libc::F_OFD_SETLKW,
            libc::F_GETLK => libc::F_OFD_GETLK,
            // SAFETY: the arguments are SQLite's.
            _ => return unsafe { libc::fcntl(descriptor, command, argument as c_ulong) },
        };
        // The lock is not waited for while the table is locked.
        let owner = locks().owner_of(descriptor);
        let lock = argument.cast::<libc::flock>();
        // SAFETY: with these commands SQLite passes a lock. The owner stays open while SQLite has
        // the descriptor open.
        unsafe {
            // Required by the kernel. SQLite does not set it.
            (*lock).l_pid = 0;
            libc::fcntl(owner.unwrap_or(descriptor), of_description, lock)
        }
    }

    /// `open` of SQLite: a descriptor of the file that could not be closed is used again.
    unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
        let mut locks = locks();
        if !locks.unclosed.is_empty() {
            // SAFETY: the path is SQLite's.
            let path = Path::new(OsStr::from_bytes(
                unsafe { CStr::from_ptr(path) }.to_bytes(),
            ));
            if let Some(descriptor) = locks.reopen(path, flags) {
                return descriptor;
            }
        }
        drop(locks);
        // SAFETY: the arguments are SQLite's.
        unsafe { libc::open(path, flags, mode) }
    }

    /// `close` of SQLite.
    unsafe extern "C" fn close(descriptor: c_int) -> c_int {
        let mut locks = locks();
        let Some((file, owner)) = locks.forget(descriptor) else {
            drop(locks);
            // SAFETY: the argument is SQLite's.
            return unsafe { libc::close(descriptor) };
        };
        let owner = owner.map(|owner| (owner, file.clone()));
        locks.close(owner.into_iter().chain([(descriptor, file)]));
        0
    }
}
