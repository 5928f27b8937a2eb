//! For whom a command holds something. The command itself ends at once, and nothing that it held
//! would be held any more; so it holds for the process that ran it, the shell or the agent, unless
//! another process or a mere name is given. A process holds for as long as it runs; a name holds
//! until the time runs out.

use tenure_host::OnBehalf;

use crate::context::Context;
use crate::exit::Failure;

/// Who holds.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OwnerArgs {
    /// The process that owns it; by default the one that runs this command
    #[arg(
        long,
        value_name = "PID",
        env = "TENURE_OWNER_PID",
        hide_env_values = true
    )]
    owner_pid: Option<u32>,
    /// The owner's session, if its process has given itself one
    #[arg(
        long,
        value_name = "UUID",
        env = "TENURE_OWNER_SESSION",
        hide_env_values = true
    )]
    session: Option<String>,
    /// A name that owns it instead of a process, until the time runs out
    #[arg(long, value_name = "NAME")]
    holder: Option<String>,
}

impl OwnerArgs {
    /// Lets the command act for the owner; returns the name, if it is no process.
    pub(crate) fn act(self, context: &mut Context) -> Result<Option<String>, Failure> {
        if self.holder.is_some() {
            return Ok(self.holder);
        }
        let session = self.session.as_deref();
        let (behalf, option, problem) = match self.owner_pid {
            Some(pid) => (
                OnBehalf::of(pid, session),
                "--owner-pid",
                format!("there is no process {pid} here"),
            ),
            None => (
                OnBehalf::parent(session),
                "--holder",
                "the process that runs this command cannot be seen from here; \
                 name one with --owner-pid, or any other owner with --holder"
                    .to_owned(),
            ),
        };
        context.act_for(behalf.ok_or_else(|| Failure::usage(option, problem))?);
        Ok(None)
    }
}
