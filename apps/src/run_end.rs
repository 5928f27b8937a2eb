//! The operation with which `tenure run` ends the session of its command. No other host calls it, so it is not in the table.

use tenure_core::session::change::change;
use tenure_core::session::params::ChangeOnly;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};
use tenure_core::{SessionId, Status, Text, declare_params};

declare_params! {
    /// The end of a command.
    pub struct RunEndParams {
        /// The id of the session.
        pub id: Text,
        /// The fencing token of the session's lease.
        pub token: Option<u64>,
        /// Whether the command succeeded.
        pub is_success: bool,
        /// What is said of the end.
        pub description: Text,
    }
}

tenure_core::operations! {
    Group::Sessions;
    /// Completes or fails a session, unless it was paused or has ended. `false` if there is none.
    RUN_END = Write "runEnd" (RunEndParams) -> bool, unit end,
        r#"{"id":"s","token":1,"isSuccess":true,"description":"exit code 0"}"#;
}

fn end(tx: &mut Transaction<'_>, params: &RunEndParams) -> Attempt<bool> {
    let Some(head) = tx.head(&SessionId::parse(params.id.as_str())?)? else {
        return Ok(false);
    };
    if !matches!(head.status, Status::Active | Status::Timeout) {
        return Ok(true);
    }
    let target = ChangeOnly {
        id: params.id.clone(),
        token: params.token,
        ..ChangeOnly::default()
    };
    let description = Some(&params.description);
    change(tx, &target, &|draft| match params.is_success {
        true => draft.complete(description, None, None),
        false => draft.fail_with_stack(description, None),
    })?;
    Ok(true)
}
