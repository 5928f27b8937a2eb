//! The job that imports the files that other programs left in a folder and its subfolders. The driver
//! reads folders and files; this module decides which of them are read.

use serde::Serialize;
use tenure_core::declare_params;
use tenure_core::value::text::Text;
use tenure_core::work::job::{FolderEntry, JobContext, JobResult, Side};

use super::file::{FileImport, FileProblem, Holds, ImportFileParams, is_wanted};
use super::operations::IMPORT_FILE;

/// The maximum number of problems in a result.
const MAX_LISTED: usize = 1000;

declare_params! {
    /// What to import.
    pub struct ImportDirectoryParams {
        /// The path of the folder, or of one file, with `/` or `\` as separator.
        pub path: Text,
        /// Whether the path is that of a file; `false` by default.
        pub is_file: Option<bool>,
        /// Only report what would be written; `false` by default.
        pub dry_run: Option<bool>,
        /// The fencing token of the leases of the sessions in their place, if those are held.
        pub token: Option<u64>,
    }
}

/// The progress of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ImportProgress {
    /// The last processed file, relative to the folder.
    pub path: String,
    /// The number of processed files.
    pub files: u64,
}

/// The result of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ImportDirectoryResult {
    /// The sessions.
    pub sessions: ImportCounts,
    /// The leases.
    pub leases: ImportCounts,
    /// The entries of the audit log.
    pub audit: ImportCounts,
    /// The number of files with a known format.
    pub files: u64,
    /// The number of problems.
    pub failed: u64,
    /// The first 1,000 problems.
    pub problems: Vec<ImportProblem>,
    /// Whether the call was a dry run and wrote nothing.
    pub dry_run: bool,
}

/// The numbers of imported sessions, leases or entries of the audit log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ImportCounts {
    /// The number that was written, or would be with `dryRun`.
    pub written: u64,
    /// The number that existed already.
    pub unchanged: u64,
    /// The number that is newer in the target, and was not changed.
    pub newer: u64,
}

/// A file that could not be read, or an item that could not be written. Others are not affected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ImportProblem {
    /// The file or folder, relative to the folder of the import.
    pub path: String,
    /// The code of the error.
    pub code: String,
    /// The error message.
    pub message: String,
}

/// The code of the error of a driver that cannot read a file or folder.
const UNREADABLE: &str = "FILE_UNREADABLE";

tenure_core::jobs! {
    /// Imports the files that other programs left in a folder and its subfolders.
    IMPORT_DIRECTORY = "importDirectory" (ImportDirectoryParams) -> ImportDirectoryResult, import,
        r#"{"path":"a/b","isFile":false,"dryRun":true,"token":1}"#;
}

async fn import(
    context: JobContext,
    params: ImportDirectoryParams,
) -> JobResult<ImportDirectoryResult> {
    let mut importing = Importing {
        context,
        root: params.path.clone(),
        token: params.token,
        result: ImportDirectoryResult {
            dry_run: params.dry_run.unwrap_or(false),
            ..ImportDirectoryResult::default()
        },
    };
    let root = FolderEntry {
        path: params.path,
        is_folder: !params.is_file.unwrap_or(false),
    };
    importing.walk(root).await?;
    Ok(importing.result)
}

/// A running import.
struct Importing {
    context: JobContext,
    root: Text,
    token: Option<u64>,
    result: ImportDirectoryResult,
}

impl Importing {
    /// Visits the files of a folder and its subfolders, in the order of their paths.
    async fn walk(&mut self, root: FolderEntry) -> JobResult<()> {
        let mut waiting = vec![root];
        while let Some(FolderEntry { path, is_folder }) = waiting.pop() {
            if !is_folder {
                self.import_file(path).await?;
                continue;
            }
            match self.context.read_folder(path.clone()).await {
                Ok(mut entries) => {
                    entries.retain(is_wanted_entry);
                    // The last one is visited first.
                    entries.sort_by(|a, b| b.path.as_str().cmp(a.path.as_str()));
                    waiting.append(&mut entries);
                }
                Err(error) if error.code() == UNREADABLE => {
                    self.add_problem(&path, error.code(), &error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn import_file(&mut self, path: Text) -> JobResult<()> {
        self.result.files += 1;
        match self.context.read_file(path.clone()).await {
            Ok(file) => {
                let params = ImportFileParams {
                    path: path.clone(),
                    text: file.text,
                    modified_at: file.modified_at,
                    dry_run: Some(self.result.dry_run),
                    token: self.token,
                };
                let import = self.context.run(Side::Target, &IMPORT_FILE, params).await?;
                self.add(&path, import);
            }
            Err(error) if error.code() == UNREADABLE => {
                self.add_problem(&path, error.code(), &error.to_string());
            }
            Err(error) => return Err(error),
        }
        let progress = ImportProgress {
            path: self.relative(&path),
            files: self.result.files,
        };
        self.context.progress(progress).await
    }

    fn add(&mut self, path: &Text, import: FileImport) {
        for FileProblem { code, message } in import.problems {
            self.add_problem(path, &code, &message);
        }
        let counts = match import.holds {
            Some(Holds::Sessions) => &mut self.result.sessions,
            Some(Holds::Leases) => &mut self.result.leases,
            Some(Holds::Audit) => &mut self.result.audit,
            None => return,
        };
        counts.written += import.written;
        counts.unchanged += import.unchanged;
        counts.newer += import.newer;
    }

    fn add_problem(&mut self, path: &Text, code: &str, message: &str) {
        self.result.failed += 1;
        if self.result.problems.len() < MAX_LISTED {
            self.result.problems.push(ImportProblem {
                path: self.relative(path),
                code: code.to_owned(),
                message: message.to_owned(),
            });
        }
    }

    /// The path relative to the root; `.` for the root.
    fn relative(&self, path: &Text) -> String {
        let inner = path.as_str().strip_prefix(self.root.as_str());
        match inner.map(|inner| inner.trim_start_matches(['/', '\\'])) {
            Some("") => ".".to_owned(),
            Some(inner) => inner.to_owned(),
            None => path.to_string(),
        }
    }
}

/// Whether a file is to be imported, or a folder to be visited.
fn is_wanted_entry(entry: &FolderEntry) -> bool {
    match entry.is_folder {
        true => is_wanted(&format!("{}/", entry.path)),
        false => is_wanted(entry.path.as_str()),
    }
}
