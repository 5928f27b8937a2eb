//! The outbox: what is to be delivered of the notices of a unit of work. It is written in the same commit as
//! the changes that the notices report, so that neither is ever there without the other. A build without
//! the feature `outbox`, as the browser's module is, writes none.

use crate::error::{Error, Result};
use crate::store::{Expect, SessionWrite};
use crate::stored::delivery::Delivery;
use crate::stored::route::{self, Route, Routes};
use crate::value::fingerprint::Fingerprint;
use crate::value::json::{Json, Object};
use crate::value::print::json_text;
use crate::value::time::Timestamp;

use super::transaction::{Attempt, Transaction};
use super::webhook::{WebhookEvent, WebhookPayload};

/// The reason in the payload of a session that was abandoned, for endpoints that know no such event.
const ABANDONED: &str = "abandoned";

impl Transaction<'_> {
    /// Writes what is to be delivered of the notices so far. It is called once, when the decision has ended.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn fill_outbox(&mut self) -> Attempt<()> {
        if self.notices().is_empty() {
            return Ok(());
        }
        let Routes { routes } = self.routes()?;
        if routes.is_empty() {
            return Ok(());
        }
        let mut records = Vec::new();
        for (number, notice) in self.notices().iter().enumerate() {
            let selects = |route: &&Route| {
                let session = &notice.session;
                let user = session.user_id.as_deref();
                route.selects(notice.event.as_str(), &session.mode, user)
            };
            for route in routes.iter().filter(selects) {
                let delivery = self.delivery(number, notice, route)?;
                // A call that is repeated has no notices, so that no delivery is written twice.
                records.push(delivery.to_record());
                records.push(delivery.wake_record(self.now()));
            }
        }
        for record in records {
            self.put_record_expecting(record, Expect::Any);
        }
        Ok(())
    }

    /// The routes. Where a read is a request of its own, a store in which no routes were seen is assumed to have
    /// none, and the commit expects that, so that changes take no further request while there are no endpoints.
    fn routes(&mut self) -> Attempt<Routes> {
        let limits = self.limits();
        if self.can_assume_no_routes() && !limits.has_routes.get() {
            self.expect_unchanged(route::KIND, route::KEY.to_owned(), None);
            return Ok(Routes::default());
        }
        let record = self.record(route::KIND, route::KEY)?;
        limits.has_routes.set(record.is_some());
        Ok(Routes::read_record(record.as_ref())?)
    }

    fn delivery(&self, number: usize, notice: &WebhookPayload, route: &Route) -> Result<Delivery> {
        let session = &notice.session.id;
        let (created_at, version) = self.written(session);
        Ok(Delivery {
            endpoint: route.endpoint.clone(),
            session: session.clone(),
            place: Delivery::place(created_at, version, number),
            message: self.message_id(session, version, number),
            event: notice.event.as_str().to_owned(),
            created_at: notice.timestamp,
            payload: text(notice, route)?,
            ..Delivery::default()
        })
    }

    /// The id of a message. It is the same when the decision is made again, and no other call has it.
    fn message_id(&self, session: &str, version: u64, number: usize) -> String {
        let mut seed = self.entropy().bits().to_vec();
        seed.extend(version.to_le_bytes());
        seed.extend((number as u64).to_le_bytes());
        seed.extend(session.as_bytes());
        format!("msg_{}", Fingerprint::of("webhook", seed).text())
    }

    /// When a session that the transaction writes was created, and the version that it writes.
    fn written(&self, session: &str) -> (Timestamp, u64) {
        let mut sessions = self.written_sessions().iter();
        let change = sessions.find(|change| change.id.as_str() == session);
        match change.map(|change| &change.write) {
            Some(SessionWrite::Put { head, .. }) => (head.created_at, head.version),
            Some(SessionWrite::Delete) | None => (self.now(), 0),
        }
    }
}

/// The text of a payload: that of the notice, which listeners get.
fn text(notice: &WebhookPayload, route: &Route) -> Result<String> {
    let text = match route.abandoned_as_error && notice.event == WebhookEvent::Abandoned {
        true => json_text(&abandoned_as_error(notice)),
        false => json_text(notice),
    };
    text.map_err(|error| Error::internal(error.to_string()))
}

fn abandoned_as_error(notice: &WebhookPayload) -> WebhookPayload {
    let given = notice.data.clone().unwrap_or_default();
    let detail = Object::parse(&given).read::<Json>("reason");
    let mut data = Object::default();
    data.set("reason", ABANDONED);
    if let Some(detail) = detail {
        data.set("detail", &detail);
    }
    WebhookPayload {
        event: WebhookEvent::Error,
        data: Some(data.to_json()),
        ..notice.clone()
    }
}
