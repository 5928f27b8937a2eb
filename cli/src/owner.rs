//! The owner of a lease or a machine. The command ends at once, and leases of an ended process are
//! free. So the owner is the process that ran the command, a shell or an agent, unless another process
//! or a name is given. A lease of a process lasts as long as the process runs; a lease of a name lasts
//! until it expires.

use tenure_core::Text;
use tenure_host::OnBehalf;

use crate::context::Context;
use crate::exit::Failure;

/// The owner.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OwnerArgs {
    /// The PID of the owner; by default the process that runs this command
    #[arg(
        long,
        value_name = "PID",
        env = "TENURE_OWNER_PID",
        hide_env_values = true
    )]
    owner_pid: Option<u32>,
    /// The owner's session id, if its process registered one
    #[arg(
        long,
        value_name = "UUID",
        env = "TENURE_OWNER_SESSION",
        hide_env_values = true
    )]
    session: Option<String>,
    /// A name as the owner instead of a process; its lease expires
    #[arg(long, value_name = "NAME")]
    holder: Option<Text>,
}

impl OwnerArgs {
    /// Makes the owner the actor of the command's operations; returns its name if it is no process.
    pub(crate) fn act_as(self, context: &mut Context) -> Result<Option<Text>, Failure> {
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
                "the process that runs this command is not visible here; \
                 name a process with --owner-pid, or an owner with --holder"
                    .to_owned(),
            ),
        };
        context.act_for(behalf.ok_or_else(|| Failure::usage(option, problem))?);
        Ok(None)
    }
}
