//! Tenure's store of records in the refs of a git repository, for jobs that share nothing else: the
//! leases of runs and of commits, and the audit log. It keeps no sessions.
//!
//! ```text
//! refs/tenure/lease/my-workflow-push-abc12345-<hash>   a record, or those whose keys have one hash
//! refs/tenure/audit/20260108-0 ... 20260108-3          the entries of a day, in four parts
//! ```
//!
//! A ref points to a commit without a parent, with one file, `records.json`. A write is a new, unique
//! commit for each ref, and one push that moves all refs together or none, each only from the commit
//! that was read. So the server decides which of several writers succeeds, and a ref has no history.
//!
//! It runs the program `git`, in folders of its own that are removed. A checkout provides the address
//! of its remote and the credentials, and nothing is written into it.
//!
//! The store is asynchronous. Many calls may be in flight on one handle: reads that wait at the same
//! time are one fetch, and writes of different refs are pushed side by side. A call that is dropped
//! kills its git.
//!
//! A write replaces the whole content of its refs, so one into the audit log grows with its day. A scan
//! asks which refs exist, and fetches those that it needs and that have changed.
//!
//! `layout` decides which ref contains a record, `program` runs git, `remote` finds the repository,
//! `scratch` has the temporary folders, `repository` the operations on refs, `turns` the order of
//! calls, `plan` the changes of a commit, and `store` the handle.

mod bucket;
mod failure;
mod layout;
mod options;
mod plan;
mod program;
mod remote;
mod repository;
mod scratch;
mod store;
mod turns;

pub use options::GitOptions;
pub use store::GitStore;
