//! The routes of webhooks: which changes are delivered to which endpoints. Every commit that reports a
//! change reads them, so all are in one small record. The rest of an endpoint, with its secrets, has
//! a record of its own, which only deliveries read.

use serde::Serialize;

use crate::error::{Cause, Result};
use crate::stored::record::Record;
use crate::value::json::Json;
use crate::value::properties::{Properties, Stored};

/// The kind of the record that stores the routes.
pub const KIND: &str = "webhookRoutes";
/// The kind of the records that store the rest of the endpoints.
pub const ENDPOINT_KIND: &str = "webhookEndpoint";
/// The key of the routes.
pub const KEY: &str = "all";

/// Which changes are delivered to an endpoint. A list that is absent selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// The id of the endpoint.
    pub endpoint: String,
    /// The events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// The modes of the sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modes: Option<Vec<String>>,
    /// The users of the sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// Whether the deliveries of a session are in order.
    pub ordered: bool,
    /// Whether the event `abandoned` is delivered as an `error`, as the API of `tenure/compat` has it.
    pub abandoned_as_error: bool,
    /// Whether the endpoint is disabled: nothing more is queued for it.
    #[serde(skip_serializing_if = "is_false")]
    pub disabled: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Route {
    /// Whether a change is delivered to the endpoint.
    pub fn selects(&self, event: &str, mode: &str, user: Option<&str>) -> bool {
        let has = |list: &Option<Vec<String>>, text: Option<&str>| {
            let names = |list: &Vec<String>| list.iter().any(|known| Some(known.as_str()) == text);
            list.as_ref().is_none_or(names)
        };
        !self.disabled
            && has(&self.events, Some(event))
            && has(&self.modes, Some(mode))
            && has(&self.users, user)
    }
}

impl Stored for Route {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            endpoint: properties.get("endpoint")?,
            events: properties.take("events"),
            modes: properties.take("modes"),
            users: properties.take("users"),
            ordered: properties.take_or("ordered", true),
            abandoned_as_error: properties.take_or("abandoned_as_error", false),
            disabled: properties.take_or("disabled", false),
        })
    }
}

/// All routes of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Routes {
    /// One for each endpoint.
    pub routes: Vec<Route>,
}

impl Stored for Routes {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            routes: properties.take_or_default("routes"),
        })
    }
}

crate::stored_properties!(Route);

impl Routes {
    /// Reads the routes that a record stores; without a record there are none.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` if the record has no routes.
    pub fn read_record(record: Option<&Record>) -> Result<Self> {
        let Some(record) = record else {
            return Ok(Self::default());
        };
        Stored::read("routes", &record.body).map_err(|error: crate::error::Error| {
            Cause::StoreMisbehaved {
                method: "record".to_owned(),
                problem: format!(
                    "the record of the routes of webhooks is invalid: {error}; `tenure check --repair` makes it from the endpoints"
                ),
            }
            .into()
        })
    }

    /// Sets the route of an endpoint, or removes it.
    pub fn set(&mut self, endpoint: &str, route: Option<Route>) {
        self.routes.retain(|known| known.endpoint != endpoint);
        if let Some(route) = route {
            let before = |known: &Route| known.endpoint.as_str() < endpoint;
            let place = self.routes.partition_point(before);
            self.routes.insert(place, route);
        }
    }

    /// The record that stores them.
    pub fn to_record(&self) -> Record {
        Record {
            kind: KIND.to_owned(),
            key: KEY.to_owned(),
            version: 1,
            expires_at: None,
            owner: None,
            body: Json::of(self).as_str().to_owned(),
        }
    }
}
