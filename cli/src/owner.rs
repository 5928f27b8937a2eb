//! The owner of a lease or a machine. The command ends at once, and leases of an ended process are
//! free. So the owner is the process that ran the command, a shell or an agent, unless another process
//! or a name is given. A lease of a process lasts as long as the process runs; a lease of a name lasts
//! until it expires.

use std::env;

use clap::builder::NonEmptyStringValueParser;
use tenure_core::Text;
use tenure_host::OnBehalf;

use crate::context::Context;
use crate::exit::Failure;

/// The variables that name the owner where no option does. clap does not read them: `--holder` names
/// another owner, and conflicts with the options only.
const PID: &str = "TENURE_OWNER_PID";
const SESSION: &str = "TENURE_OWNER_SESSION";

/// The value of a variable. An empty one counts as unset.
fn of_variable(name: &str) -> Option<String> {
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

/// The owner.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OwnerArgs {
    /// The PID of the owner; by default the process that runs this command [env:
    /// TENURE_OWNER_PID]
    #[arg(long, value_name = "PID")]
    owner_pid: Option<u32>,
    /// The owner's session id, if its process registered one [env:
    /// TENURE_OWNER_SESSION]
    #[arg(long, value_name = "UUID", value_parser = NonEmptyStringValueParser::new())]
    session: Option<String>,
    /// A name as the owner instead of a process; its lease expires
    #[arg(long, value_name = "NAME", conflicts_with_all = ["owner_pid", "session"])]
    holder: Option<Text>,
}

impl OwnerArgs {
    /// Makes the owner the actor of the command's operations; returns its name if it is no process.
    pub(crate) fn act_as(self, context: &mut Context) -> Result<Option<Text>, Failure> {
        if self.holder.is_some() {
            return Ok(self.holder);
        }
        let session = self.session.or_else(|| of_variable(SESSION));
        let session = session.as_deref();
        let owner_pid = match (self.owner_pid, of_variable(PID)) {
            (None, Some(pid)) => {
                let problem = || format!("expected a PID, got {pid:?}");
                let pid = pid.parse::<u32>();
                Some(pid.map_err(|_| Failure::usage(PID, problem()))?)
            }
            (pid, _) => pid,
        };
        let (behalf, option, problem) = match owner_pid {
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
