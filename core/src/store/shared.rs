//! What the sessions of a group share.

use crate::stored::status::Status;

/// What the sessions of a [`Group`](crate::store::tally::Group) share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shared<'a> {
    /// Their user; `None` for those of all users and of none.
    pub user_id: Option<&'a str>,
    /// Their mode; `None` for those of all modes.
    pub mode: Option<&'a str>,
    /// Their status; `None` for those of all statuses and models.
    pub status: Option<Status>,
    /// The model of those with a status; `None` for those without a model.
    pub model: Option<&'a str>,
}
