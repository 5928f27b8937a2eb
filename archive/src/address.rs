//! The address of an archive, and its opening. Credentials come from the environment of the process, and never from the address.

use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use tenure_core::value::address::shown;
use tenure_sealed::Seal;

use crate::coding::Coding;
use crate::error::{ArchiveError, Result};
use crate::http::Connector;
use crate::name::{MANIFESTS, SESSIONS};

/// How sessions are archived.
#[derive(Debug, Clone, Default)]
pub struct ArchiveOptions {
    /// Compress them.
    pub compress: bool,
    /// Encrypt them, and decrypt those that are encrypted.
    pub seal: Option<Arc<Seal>>,
    /// The sessions that are archived at a time; 2 by default.
    pub workers: Option<usize>,
}

/// An archive of sessions.
#[derive(Clone)]
pub struct Archive {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) root: Path,
    pub(crate) coding: Coding,
    pub(crate) workers: usize,
    /// The folder, of an archive in one.
    pub(crate) folder: Option<PathBuf>,
    shown: String,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Archive").field(&self.shown).finish()
    }
}

impl fmt::Display for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Archive {
    /// Opens the archive of an address: `file:./archive`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`. A folder
    /// that does not exist is created.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, and `ARCHIVE_FAILED`.
    pub fn open(address: &str, options: ArchiveOptions) -> Result<Self> {
        Self::connect(address, options, true)
    }

    /// Opens an archive that exists, to read from it.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and `INVALID_ARGUMENT` for a folder that does not exist.
    pub fn open_existing(address: &str, options: ArchiveOptions) -> Result<Self> {
        Self::connect(address, options, false)
    }

    fn connect(address: &str, options: ArchiveOptions, creates: bool) -> Result<Self> {
        let (store, root, folder) = connect(address, creates)?;
        Ok(Self {
            folder,
            ..Self::over(store, root, shown(address), options)
        })
    }

    /// Whether a text is the address of an archive, and no path of a file.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| matches!(scheme, "file" | "s3" | "gs" | "az"))
    }

    /// The archive in an object store, below a path.
    pub fn over(
        store: Arc<dyn ObjectStore>,
        root: Path,
        shown: impl Into<String>,
        options: ArchiveOptions,
    ) -> Self {
        Self {
            store,
            root,
            coding: Coding {
                compresses: options.compress,
                seal: options.seal,
            },
            workers: options.workers.unwrap_or(2).max(1),
            folder: None,
            shown: shown.into(),
        }
    }

    pub(crate) fn sessions(&self) -> Path {
        self.root.clone().join(SESSIONS)
    }

    pub(crate) fn manifests(&self) -> Path {
        self.root.clone().join(MANIFESTS)
    }
}

type Connected = (Arc<dyn ObjectStore>, Path, Option<PathBuf>);

fn connect(address: &str, creates: bool) -> Result<Connected> {
    const EXPECTED: &str = "expected file:./directory, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix";
    let (scheme, rest) = address.split_once(':').unwrap_or((address, ""));
    if rest.is_empty() || !Archive::is_address(address) {
        return Err(unsupported(address, EXPECTED));
    }
    if scheme == "file" {
        return folder(rest.strip_prefix("//").unwrap_or(rest), creates);
    }
    let (bucket, root) = bucket(address, rest)?;
    let store: Arc<dyn ObjectStore> = match scheme {
        "s3" => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
            Arc::new(builder.with_http_connector(Connector).build()?)
        }
        "gs" => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
            Arc::new(builder.with_http_connector(Connector).build()?)
        }
        _ => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket);
            Arc::new(builder.with_http_connector(Connector).build()?)
        }
    };
    Ok((store, root, None))
}

/// A folder of this machine, which only its owner may read.
fn folder(path: &str, creates: bool) -> Result<Connected> {
    let path = FilePath::new(path);
    let address = format!("file:{}", path.display());
    if !creates && !path.is_dir() {
        // A name that is misspelled, or a disk that is not mounted.
        return Err(unsupported(&address, "there is no such directory"));
    }
    let create = || -> std::io::Result<LocalFileSystem> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        if creates {
            builder.create(path)?;
            for part in [SESSIONS, MANIFESTS] {
                // What cannot be created fails when it is written.
                let _ = builder.create(path.join(part));
            }
        }
        LocalFileSystem::new_with_prefix(path).map_err(std::io::Error::other)
    };
    let store = create().map_err(|error| ArchiveError::NotOpened {
        address: shown(&address),
        problem: error.to_string(),
    })?;
    // What was archived survives the loss of power.
    let store: Arc<dyn ObjectStore> = Arc::new(store.with_fsync(true));
    Ok((store, Path::default(), Some(path.to_owned())))
}

fn bucket<'a>(address: &str, rest: &'a str) -> Result<(&'a str, Path)> {
    let rest = rest.strip_prefix("//").unwrap_or_default();
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() || bucket.contains(['@', '?', '#', ':']) {
        let problem = "expected scheme://bucket/prefix, without credentials and a query";
        return Err(unsupported(address, problem));
    }
    let root = Path::parse(prefix.trim_end_matches('/'));
    let root =
        root.map_err(|_| unsupported(address, "its prefix has an empty part, or one of dots"))?;
    Ok((bucket, root))
}

fn unsupported(address: &str, problem: &str) -> ArchiveError {
    ArchiveError::Unsupported {
        address: shown(address),
        problem: problem.to_owned(),
    }
}
