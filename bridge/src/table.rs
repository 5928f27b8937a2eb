//! The table of the operations and jobs of this build: those of the core, and of the applications if the build
//! contains them.

use tenure_core::table::Table;

/// The table of this build.
pub const TABLE: Table = Table {
    operations: &[
        tenure_core::table::OPERATIONS,
        #[cfg(feature = "apps")]
        tenure_core::table::ADMINISTRATION,
        #[cfg(feature = "apps")]
        tenure_apps::OPERATIONS,
    ],
    jobs: &[
        tenure_core::table::JOBS,
        #[cfg(feature = "apps")]
        tenure_apps::JOBS,
    ],
    instead,
};

/// The alternative to an operation that this build leaves out.
fn instead(name: &str) -> Option<&'static str> {
    match (cfg!(feature = "apps"), cfg!(feature = "telemetry")) {
        (_, false) if is_native(name) => {
            Some("it is not in WebAssembly; use Node or the command `tenure`")
        }
        (true, _) => None,
        (false, _) => left_out(name),
    }
}

/// Whether an operation is only in native builds.
fn is_native(name: &str) -> bool {
    ["metrics", "traces", "job", "deadLetter", "scheduled"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The alternative to an operation that the browser's module leaves out.
fn left_out(name: &str) -> Option<&'static str> {
    let is_left_out = LEFT_OUT.iter().any(|prefix| name.starts_with(prefix));
    is_left_out.then_some(
        "it is not in the browser's module; load the complete module, `init({ module })` with the URL of \
         `tenure/wasm/tenure_complete_bg.wasm`, or use Node or the command `tenure`",
    )
}

/// The prefixes of the names of the operations and jobs that the browser's module leaves out.
const LEFT_OUT: &[&str] = &[
    "agentCleanup",
    "agentStats",
    "copy",
    "dedup",
    "exportPart",
    "heads",
    "audit",
    "cleanup",
    "hookPreDelegate",
    "hookSubagentStop",
    "hookEvent",
    "importFile",
    "importDirectory",
    "leaseClear",
    "leaseTransfer",
    "processRegister",
    "purge",
    "activeSessions",
    "staleCleanup",
    "orphan",
    "override",
    "save",
    "retention",
    "startInSlots",
    "vm",
    "webhook",
];

#[cfg(all(test, feature = "apps"))]
mod tests {
    use tenure_core::value::json::{Json, Object};

    use super::*;

    #[test]
    fn a_build_without_applications_knows_the_names_of_all_their_operations() {
        let missing = [tenure_apps::OPERATIONS, tenure_core::table::ADMINISTRATION];
        for operation in missing.into_iter().flatten().copied().flatten() {
            let name = operation.name();
            assert!(left_out(name).is_some() || is_native(name), "{name}");
        }
        for operation in tenure_core::table::OPERATIONS.iter().copied().flatten() {
            assert_eq!(left_out(operation.name()), None, "{}", operation.name());
        }
    }

    #[test]
    fn a_build_with_everything_leaves_nothing_out() {
        for name in ["copy", "heads/x", "vmRegistered"] {
            assert_eq!(instead(name), None, "{name}");
            let error = TABLE.find(name).map(|_| ()).unwrap_err();
            assert_eq!(error.code(), "UNKNOWN_OPERATION", "{name}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_reads_its_sample() {
        let mut names = std::collections::BTreeSet::new();
        for operation in TABLE.iter() {
            let name = operation.name();
            assert!(names.insert(name), "{name} is declared twice");
            assert!(
                operation.read(operation.signature.sample()).is_ok(),
                "{name}"
            );
            assert!(!operation.signature.doc().is_empty(), "{name}");
        }
    }

    /// What is read of a sample beside its values: whether a method takes a token, whether it can be tried, and its parameters in OpenAPI.
    #[test]
    fn the_sample_of_an_operation_has_every_property() {
        for operation in TABLE.iter() {
            let name = operation.name();
            let sample = Json::parse(operation.signature.sample()).unwrap();
            let sample = Object::parse(&sample);
            let refused = operation.read(r#"{"?":0}"#).unwrap_err().to_string();
            let (_, known) = refused.split_once("is not known").unwrap();
            for property in known.split('`').skip(1).step_by(2) {
                assert!(sample.get(property).is_some(), "{name}: {property}");
            }
        }
    }
}
