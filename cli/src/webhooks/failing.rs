//! Why attempts to deliver fail, each reason once until an attempt at the endpoint ends otherwise.

use tenure_apps::webhooks::job::WebhookFailing;

/// The endpoints that were failing when it was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Failing(Vec<WebhookFailing>);

impl Failing {
    /// Those that fail since then, or for another reason.
    pub(crate) fn news(&mut self, failing: &[WebhookFailing]) -> Vec<WebhookFailing> {
        let before = std::mem::replace(&mut self.0, failing.to_vec());
        let is_new = |one: &&WebhookFailing| !before.contains(one);
        failing.iter().filter(is_new).cloned().collect()
    }
}
