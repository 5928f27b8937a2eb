//! The option `--token` of commands that change a session. A command that `tenure run` records changes
//! its own session with the token of the run, which it finds in its environment.

use std::env;

use tenure_core::Text;

/// The variable with the id of the session of a run.
pub(crate) const SESSION: &str = "TENURE_SESSION";
/// The variable with the fencing token of that session.
pub(crate) const TOKEN: &str = "TENURE_TOKEN";

/// The fencing token of a session's lease.
#[derive(Debug, clap::Args)]
pub(crate) struct TokenArg {
    /// The fencing token of the session, which `lease acquire session:ID` prints
    #[arg(long, value_name = "N")]
    token: Option<u64>,
}

impl TokenArg {
    /// The token that was given.
    pub(crate) fn given(&self) -> Option<u64> {
        self.token
    }

    /// The token for a write to these sessions.
    pub(crate) fn of(&self, ids: &[Text]) -> Option<u64> {
        self.token.or_else(|| {
            let session = env::var(SESSION).ok()?;
            let is_own = !ids.is_empty() && ids.iter().all(|id| id.as_str() == session);
            env::var(TOKEN).ok().filter(|_| is_own)?.parse().ok()
        })
    }
}
