//! The files of the web UI. They are a list in the program, so that no request can name another file.

/// A file that the server serves.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Its path, such as `/assets/app.js`.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: &'static [u8],
}

/// The files that a server serves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files(pub &'static [File]);

/// The file of the path `/`.
const INDEX: &str = "/index.html";

/// What is served at `/` if there are no files.
const NO_FILES: File = File {
    path: INDEX,
    media_type: "text/plain; charset=utf-8",
    content: b"This is a Tenure server. POST /v1/{operation} calls an operation, GET /v1/watch streams the \
               changes, and GET /v1/openapi.json describes both.\n",
};

impl Files {
    /// The file of a path.
    pub(crate) fn find(&self, path: &str) -> Option<File> {
        let path = if path == "/" { INDEX } else { path };
        let found = self.0.iter().find(|file| file.path == path);
        match found {
            None if path == INDEX => Some(NO_FILES),
            found => found.copied(),
        }
    }
}
