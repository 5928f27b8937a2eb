//! The counts that a connection has read. It need not read them again until the database changes.

use tenure_core::store::tally::Tally;

/// The most answers that are remembered.
const MOST: usize = 16;

/// The answers in one state of the database.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    state: (i64, u64),
    answers: Vec<Answer>,
}

#[derive(Debug)]
struct Answer {
    user_id: Option<String>,
    mode: Option<String>,
    users: u32,
    tally: Tally,
}

impl Answers {
    /// Forgets what was answered in another state.
    pub(crate) fn forget_unless(&mut self, state: (i64, u64)) {
        if self.state != state {
            self.answers.clear();
            self.state = state;
        }
    }

    /// The counts of one user or of all, in one mode or in all, with so many users.
    pub(crate) fn find(
        &self,
        user_id: Option<&str>,
        mode: Option<&str>,
        users: u32,
    ) -> Option<Tally> {
        let known = self.answers.iter().find(|known| {
            known.user_id.as_deref() == user_id
                && known.mode.as_deref() == mode
                && known.users == users
        });
        known.map(|known| known.tally.clone())
    }

    /// Remembers an answer, in place of the others if they are many.
    pub(crate) fn remember(
        &mut self,
        user_id: Option<&str>,
        mode: Option<&str>,
        users: u32,
        tally: &Tally,
    ) {
        if self.answers.len() >= MOST {
            self.answers.clear();
        }
        self.answers.push(Answer {
            user_id: user_id.map(str::to_owned),
            mode: mode.map(str::to_owned),
            users,
            tally: tally.clone(),
        });
    }
}
