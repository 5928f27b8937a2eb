//! The files of the web UI. They are read once, so that no request can name another file.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;

/// A file that the server serves.
#[derive(Debug)]
pub struct File {
    path: String,
    media_type: &'static str,
    content: Bytes,
    gzip: OnceLock<Bytes>,
}

/// The files that a server serves.
#[derive(Debug, Clone, Default)]
pub struct Files(Arc<[File]>);

/// The path of the page.
const INDEX: &str = "/index.html";
/// The file of the page in the folder of the web UI. Its `index.html` is for a page without a server.
const PAGE: &str = "server.html";
/// What only a page without a server uses.
const UNUSED: [&str; 4] = [
    "/index.html",
    "/service-worker.js",
    "/files.json",
    "/manifest.webmanifest",
];

/// The media types by the extensions of names.
const MEDIA_TYPES: [(&str, &str); 7] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
];

impl File {
    /// A file with a content.
    pub fn new(path: &str, content: &'static [u8]) -> Self {
        Self::of(path.to_owned(), Bytes::from_static(content))
    }

    fn of(path: String, content: Bytes) -> Self {
        let extension = Path::new(&path).extension().and_then(OsStr::to_str);
        let known = MEDIA_TYPES
            .iter()
            .find(|(known, _)| extension == Some(known));
        Self {
            media_type: known.map_or("application/octet-stream", |(_, media_type)| media_type),
            path,
            content,
            gzip: OnceLock::new(),
        }
    }

    /// Its media type.
    pub(crate) fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Its content.
    pub(crate) fn content(&self) -> Bytes {
        self.content.clone()
    }

    /// Its content as gzip, if that is shorter. It is compressed for the first request.
    pub(crate) fn gzip(&self) -> Option<Bytes> {
        let gzip = self.gzip.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            // Writing into memory does not fail.
            let written = encoder.write_all(&self.content);
            let finished = written.and_then(|()| encoder.finish());
            finished.map_or_else(|_| self.content.clone(), Bytes::from)
        });
        (gzip.len() < self.content.len()).then(|| gzip.clone())
    }

    /// Whether another content would have another path.
    pub(crate) fn is_hashed(&self) -> bool {
        self.path.starts_with("/assets/")
    }
}

impl Files {
    /// These files.
    pub fn of(files: Vec<File>) -> Self {
        Self(files.into())
    }

    /// Reads the folder that the web UI is built into.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        read_folder(folder, "", &mut files)?;
        files.retain(|file: &File| !UNUSED.contains(&file.path.as_str()));
        for file in &mut files {
            if file.path.strip_prefix('/') == Some(PAGE) {
                file.path = INDEX.to_owned();
            }
        }
        Ok(Self::of(files))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The file of a path.
    pub(crate) fn find(&self, path: &str) -> Option<&File> {
        let path = if path == "/" { INDEX } else { path };
        self.0.iter().find(|file| file.path == path)
    }
}

fn read_folder(folder: &Path, path: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // The names of the web UI are plain.
        let Some(name) = name.to_str() else { continue };
        let path = format!("{path}/{name}");
        match entry.file_type()?.is_dir() {
            true => read_folder(&entry.path(), &path, files)?,
            false => files.push(File::of(path, fs::read(entry.path())?.into())),
        }
    }
    Ok(())
}
