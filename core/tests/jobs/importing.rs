//! The job that imports a folder: which files it reads, in which order, and the reported problems.

use std::collections::BTreeMap;

use serde_json::json;
use tenure_apps::folders::job::{IMPORT_DIRECTORY, ImportDirectoryParams, ImportDirectoryResult};
use tenure_core::work::job::{FolderEntry, JobReply, JobResult, Need, ReadFile};
use tenure_core::{Text, Timestamp};

use crate::support::jobs::{driver_error, run_job, run_step};
use crate::support::{World, call_at};

/// Files by their paths. A file without a text cannot be read.
type Files = BTreeMap<&'static str, Option<String>>;

fn session(id: &str) -> Option<String> {
    let session = json!({"id": id, "mode": "m", "task": "t", "status": "active", "createdAt": 0});
    Some(session.to_string())
}

/// Imports a tree of files. Returns the result and the files that were read.
fn import(
    world: &World,
    files: &Files,
    params: ImportDirectoryParams,
) -> (JobResult<ImportDirectoryResult>, Vec<String>) {
    let mut read = Vec::new();
    let result = run_job(&IMPORT_DIRECTORY, params, |need, _| match need {
        Need::ReadFolder(folder) if folder.as_str().ends_with("locked") => {
            Err(driver_error("FILE_UNREADABLE", 1))
        }
        Need::ReadFolder(folder) => Ok(JobReply::Folder(entries(files, folder.as_str()))),
        Need::ReadFile(path) => {
            read.push(path.to_string());
            match &files[path.as_str()] {
                Some(text) => Ok(JobReply::File(ReadFile {
                    text: text.as_str().into(),
                    modified_at: None,
                })),
                None => Err(driver_error("FILE_UNREADABLE", 1)),
            }
        }
        Need::Run(step) => {
            let call = call_at(Timestamp::from_millis(world.now())?, 1, &world.limits);
            Ok(run_step(&world.store, call, &*step)?.0)
        }
        Need::Progress(_) => Ok(JobReply::Done),
        _ => panic!("it needs something else"),
    });
    (result, read)
}

/// The entries of a folder, in the reverse order.
fn entries(files: &Files, folder: &str) -> Vec<FolderEntry> {
    let inner = files
        .keys()
        .filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'));
    let mut entries: Vec<FolderEntry> = inner
        .map(|inner| FolderEntry {
            path: format!("{folder}/{}", inner.split('/').next().unwrap()).into(),
            is_folder: inner.contains('/'),
        })
        .collect();
    entries.dedup();
    entries.reverse();
    entries
}

fn import_params(path: &str) -> ImportDirectoryParams {
    ImportDirectoryParams {
        path: path.into(),
        ..ImportDirectoryParams::default()
    }
}

#[test]
fn known_files_are_imported_in_the_order_of_their_paths() {
    let files = Files::from([
        ("/x/b/session.json", session("b")),
        ("/x/a/session.json", session("a")),
        ("/x/a/notes.txt", Some(String::new())),
        ("/x/node_modules/c/session.json", session("c")),
        ("/x/d/broken/session.json", Some("{".to_owned())),
        ("/x/e/session.json", None),
        ("/x/locked/session.json", session("f")),
    ]);
    let world = World::default();
    let (result, read) = import(&world, &files, import_params("/x"));
    let result = result.unwrap();
    let paths = ["a", "b", "d/broken", "e"].map(|folder| format!("/x/{folder}/session.json"));
    assert_eq!(read, paths);
    assert_eq!(
        (result.sessions.written, result.files, result.failed),
        (2, 4, 3)
    );
    let problems: Vec<&str> = result
        .problems
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    assert_eq!(
        problems,
        ["d/broken/session.json", "e/session.json", "locked"]
    );
    let (again, _) = import(&world, &files, import_params("/x"));
    assert_eq!(again.unwrap().sessions.unchanged, 2);
}

#[test]
fn a_dry_run_writes_nothing() {
    let files = Files::from([("/x/a/session.json", session("a"))]);
    let world = World::default();
    let params = ImportDirectoryParams {
        dry_run: Some(true),
        ..import_params("/x")
    };
    let (result, _) = import(&world, &files, params);
    let result = result.unwrap();
    assert_eq!((result.sessions.written, result.dry_run), (1, true));
    assert_eq!(world.ok("get", json!({"id": "a"})), json!(null));
}

#[test]
fn an_unreadable_file_or_root_folder_is_reported_as_a_dot() {
    let files = Files::from([("/x/a/session.json", None)]);
    let params = ImportDirectoryParams {
        is_file: Some(true),
        ..import_params("/x/a/session.json")
    };
    for params in [params, import_params("/locked")] {
        let (result, _) = import(&World::default(), &files, params);
        let result = result.unwrap();
        assert_eq!((result.failed, result.problems[0].path.as_str()), (1, "."));
    }
}

#[test]
fn the_import_ends_when_its_driver_fails() {
    let params = import_params("/x");
    let stopped = run_job(&IMPORT_DIRECTORY, params, |_, _| {
        Err(driver_error("ABORTED", 4))
    });
    assert_eq!(stopped, Err(driver_error("ABORTED", 4)));
}

#[test]
fn reported_windows_paths_are_relative_to_the_root() {
    let root = Text::from("C:\\bot");
    let params = ImportDirectoryParams {
        path: root,
        ..ImportDirectoryParams::default()
    };
    let result = run_job(&IMPORT_DIRECTORY, params, |need, _| match need {
        Need::ReadFolder(_) => Ok(JobReply::Folder(vec![FolderEntry {
            path: "C:\\bot\\session.json".into(),
            is_folder: false,
        }])),
        Need::ReadFile(_) => Err(driver_error("FILE_UNREADABLE", 1)),
        Need::Progress(_) => Ok(JobReply::Done),
        _ => panic!("it needs something else"),
    });
    assert_eq!(result.unwrap().problems[0].path, "session.json");
}

#[test]
fn a_session_file_does_not_get_past_the_approval_of_an_agent() {
    let world = World::default();
    world.ok("agentCreate", json!({"agentName": "a", "id": "agent-1"}));
    world.ok("requestApproval", json!({"id": "agent-1"}));
    let before = world.session("agent-1");
    let mut forged = before.clone();
    forged["status"] = json!("active");
    forged["phase"] = json!("executing");
    forged["approval"] = json!(null);
    forged["updatedAt"] = json!(world.now() + 1000);
    let files = Files::from([("/x/agent-1/session.json", Some(forged.to_string()))]);
    let (result, _) = import(&world, &files, import_params("/x"));
    let result = result.unwrap();
    assert_eq!((result.sessions.written, result.failed), (0, 1));
    let problems = format!("{:?}", result.problems);
    assert!(problems.contains("waits for"), "{problems}");
    assert_eq!(world.session("agent-1"), before);
}
