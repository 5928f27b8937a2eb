//! The job that delivers: it claims what is due, has its driver post it, and settles what has ended, with a
//! bounded number of posts and of bytes in flight. And the job that posts an example to an endpoint.

use serde::Serialize;
use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::value::text::Text;
use tenure_core::work::job::{
    Ended, EndedPost, Header, JobContext, JobError, JobResult, Post, Posting, Side,
};

use super::endpoint::MAX_ENDPOINTS;
use super::params::{
    WebhookClaim, WebhookClaimParams, WebhookClaims, WebhookParams, WebhookResult,
    WebhookSettleParams, WebhookSettled,
};
use super::queue::{MAX_CLAIMS, WEBHOOK_CLAIM, WEBHOOK_SAMPLE, WEBHOOK_SETTLE};
use super::reason::{Secrets, has_arrived, reason};

/// The default number of posts in flight.
const CONCURRENCY: u32 = 8;
/// The default size of what is in flight, in bytes.
const MAX_BYTES: u64 = 8 << 20;
/// How long to wait at most before it looks for more, in milliseconds: other processes add to the queue,
/// too.
const POLL_MS: u64 = 2000;
/// The longest time between two looks, in milliseconds.
const LONGEST_POLL_MS: u64 = 3_600_000;
/// The first delay after an error of the store, in milliseconds, and the longest; it doubles with each.
const RETRY_MS: u64 = 500;
const LONGEST_RETRY_MS: u64 = 60_000;
/// How long to wait for the end of a post when no other is started, in milliseconds. Each has a timeout.
const END_MS: u64 = 120_000;

declare_params! {
    /// How to deliver.
    pub struct WebhookDeliverParams {
        /// End when nothing is due; by default it goes on until its driver stops it.
        pub once: Option<bool>,
        /// Only to this endpoint; by default to all.
        pub endpoint: Option<Text>,
        /// Whether addresses of private networks and of this machine are allowed; `false` by default.
        pub allow_private: Option<bool>,
        /// The greatest number of posts in flight: 1 to 64; 8 by default.
        pub concurrency: Option<u32>,
        /// The size of what is in flight, in bytes, beyond which no further post is started; 8 MiB by
        /// default.
        pub max_bytes: Option<u64>,
        /// How often to look for what other processes have queued, in milliseconds; 2,000 by default.
        pub poll_ms: Option<u64>,
    }

    /// An endpoint to test.
    pub struct WebhookTestParams {
        /// Its id.
        pub id: Text,
        /// Whether addresses of private networks and of this machine are allowed; `false` by default.
        pub allow_private: Option<bool>,
    }
}

/// What was delivered since the job began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivered {
    /// The number of deliveries that have arrived.
    pub delivered: u64,
    /// The number of attempts that have failed and are repeated.
    pub retried: u64,
    /// The number of deliveries that have failed for good.
    pub failed: u64,
    /// The endpoints that were disabled, because they have answered 410.
    pub disabled: Vec<String>,
    /// The endpoints whose last attempt has failed, and why.
    pub failing: Vec<WebhookFailing>,
    /// The error of the store that is retried; `null` if there is none.
    #[cfg_attr(feature = "ts", ts(type = "CoreErrorCode | DriverErrorCode | null"))]
    pub error: Option<String>,
    /// Its message.
    pub problem: Option<String>,
}

/// An endpoint whose last attempt has failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WebhookFailing {
    /// The id of the endpoint.
    pub endpoint: String,
    /// Why it has failed: the status with the beginning of the answer, or why there was none.
    pub problem: String,
}

/// How the test of an endpoint has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WebhookTested {
    /// Whether the endpoint has taken the example: with a status of 200 to 299.
    pub delivered: bool,
    /// The status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// Why it has failed: the status with the beginning of the answer, or why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

tenure_core::jobs! {
    /// Delivers what is queued for the endpoints. Each change of what it has delivered is reported as
    /// progress.
    WEBHOOK_DELIVER = "webhookDeliver" (WebhookDeliverParams) -> WebhookDelivered, deliver,
        r#"{"once":true,"endpoint":"bot","allowPrivate":true,"concurrency":2,"maxBytes":1000,"pollMs":100}"#;
    /// Posts a signed example to an endpoint. `null` if there is none.
    WEBHOOK_TEST = "webhookTest" (WebhookTestParams) -> Option<WebhookTested>, test,
        r#"{"id":"bot","allowPrivate":true}"#;
}

/// A post in flight.
struct Flight {
    number: u32,
    key: Text,
    claim: Text,
    endpoint: Text,
    secrets: Secrets,
    bytes: u64,
}

/// What a job that delivers knows.
struct Delivering {
    context: JobContext,
    params: WebhookDeliverParams,
    /// Few, so that a list is searched.
    flights: Vec<Flight>,
    last: u32,
    /// The endpoints that did not answer the last time.
    silent: Vec<Text>,
    /// What has ended and is not settled yet.
    results: Vec<WebhookResult>,
    done: WebhookDelivered,
    /// Whether that has changed since it was reported.
    has_news: bool,
    /// The delay of the next retry of the store, in milliseconds; 0 if it works.
    retry_ms: u64,
}

/// What follows a look at the queue.
#[derive(Default)]
struct Look {
    start: Vec<Post>,
    /// The time until the next look, in milliseconds; `None` if nothing waits.
    wait_ms: Option<u64>,
    has_more: bool,
}

async fn deliver(context: JobContext, params: WebhookDeliverParams) -> JobResult<WebhookDelivered> {
    let concurrency = checked_concurrency(&params)?;
    let once = params.once.unwrap_or(false);
    let poll = params.poll_ms.unwrap_or(POLL_MS).clamp(1, LONGEST_POLL_MS);
    let mut delivering = Delivering {
        context: context.clone(),
        params,
        flights: Vec::new(),
        last: 0,
        silent: Vec::new(),
        results: Vec::new(),
        done: WebhookDelivered::default(),
        has_news: false,
        retry_ms: 0,
    };
    let mut stops = false;
    loop {
        delivering.settle(once).await?;
        let look = match stops || !delivering.results.is_empty() {
            true => Look::default(),
            false => delivering.look(concurrency, once).await?,
        };
        if std::mem::take(&mut delivering.has_news) {
            context.progress(delivering.done.clone()).await?;
        }
        let is_idle = look.start.is_empty() && delivering.flights.is_empty();
        let is_done = stops || (once && !look.has_more);
        if is_idle && is_done && (stops || delivering.results.is_empty()) {
            return Ok(delivering.done);
        }
        let wait_ms = match (delivering.retry_ms, delivering.has_room(concurrency)) {
            (1.., _) => delivering.retry_ms,
            (0, false) => END_MS,
            (0, true) if look.has_more => 0,
            (0, true) if once => look.wait_ms.unwrap_or(END_MS).min(END_MS),
            (0, true) => look.wait_ms.unwrap_or(poll).min(poll),
        };
        let posting = Posting {
            start: look.start,
            wait_ms,
        };
        let ended = context.post(posting).await?;
        stops |= ended.stops;
        delivering.end(ended);
    }
}

/// The number of posts in flight. A driver that runs the job in the background calls it first.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn checked_concurrency(params: &WebhookDeliverParams) -> Result<u32> {
    let concurrency = params.concurrency.unwrap_or(CONCURRENCY);
    match (1..=MAX_CLAIMS).contains(&concurrency) {
        true => Ok(concurrency),
        false => Err(Error::invalid("concurrency", "expected 1 to 64")),
    }
}

impl Delivering {
    /// Whether a further post may be started.
    fn has_room(&self, concurrency: u32) -> bool {
        let max_bytes = self.params.max_bytes.unwrap_or(MAX_BYTES);
        self.flights.len() < concurrency as usize && self.bytes() < max_bytes
    }

    fn bytes(&self) -> u64 {
        self.flights.iter().map(|flight| flight.bytes).sum()
    }

    /// Claims what is due, as far as there is room. An error of the store is retried, except in a job that
    /// is to end.
    async fn look(&mut self, concurrency: u32, once: bool) -> JobResult<Look> {
        if !self.has_room(concurrency) {
            return Ok(Look::default());
        }
        let room = concurrency.saturating_sub(self.flights.len() as u32);
        let max_bytes = self.params.max_bytes.unwrap_or(MAX_BYTES);
        let shares = self.params.endpoint.is_none();
        let given = |list: Vec<Text>| Some(list).filter(|list| shares && !list.is_empty());
        let params = WebhookClaimParams {
            limit: room,
            max_bytes: max_bytes.saturating_sub(self.bytes()).max(1),
            endpoint: self.params.endpoint.clone(),
            skip: given(self.skipped(concurrency as usize)),
            silent: given(self.silent.clone()),
        };
        let claims: JobResult<WebhookClaims> =
            self.context.run(Side::Target, &WEBHOOK_CLAIM, params).await;
        let claims = match claims {
            Ok(claims) => claims,
            Err(error) if once => return Err(error),
            Err(error) => {
                self.fail(&error);
                return Ok(Look::default());
            }
        };
        self.recover();
        let start = claims.claims.into_iter().map(|claim| self.started(claim));
        let start: Vec<Post> = start.collect();
        Ok(Look {
            has_more: claims.more && self.has_room(concurrency),
            wait_ms: claims.next_in_ms,
            start,
        })
    }

    /// The endpoints whose share of the posts is in flight. A quarter of them, at least one, is left to endpoints that have none in
    /// flight. An endpoint that did not answer the last time gets one, and all of these together a half: one that hangs takes
    /// as long as its timeout.
    fn skipped(&self, concurrency: usize) -> Vec<Text> {
        let mut endpoints: Vec<&Text> = Vec::new();
        for Flight { endpoint, .. } in &self.flights {
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
        let shared = concurrency - (concurrency / 4).max(1).min(concurrency);
        let share = shared.div_ceil(endpoints.len().max(1)).max(1);
        let is_silent = |endpoint: &Text| self.silent.contains(endpoint);
        let silent = endpoints
            .iter()
            .filter(|endpoint| is_silent(endpoint))
            .count();
        let flights_to = |endpoint: &Text| {
            let flights = self.flights.iter();
            flights
                .filter(|flight| flight.endpoint == *endpoint)
                .count()
        };
        endpoints.retain(|endpoint| is_silent(endpoint) || flights_to(endpoint) >= share);
        if silent >= (concurrency / 2).max(1) {
            endpoints.extend(&self.silent);
        }
        endpoints.into_iter().cloned().collect()
    }

    fn started(&mut self, claim: WebhookClaim) -> Post {
        self.last = self.last.wrapping_add(1);
        let post = Post {
            number: self.last,
            url: claim.url,
            headers: headers(claim.headers),
            body: claim.body,
            timeout_ms: claim.timeout_ms,
            allow_private: self.params.allow_private.unwrap_or(false),
        };
        self.flights.push(Flight {
            number: post.number,
            key: claim.key,
            claim: claim.claim,
            endpoint: claim.endpoint,
            secrets: Secrets::of(&post),
            bytes: post.body.as_str().len() as u64,
        });
        post
    }

    /// Takes note of posts that have ended.
    fn end(&mut self, ended: Ended) {
        for post in ended.posts {
            let mut flights = self.flights.iter();
            let Some(place) = flights.position(|flight| flight.number == post.number) else {
                continue;
            };
            let flight = self.flights.swap_remove(place);
            self.silent.retain(|endpoint| *endpoint != flight.endpoint);
            if post.status.is_none() {
                self.silent.push(flight.endpoint.clone());
            }
            let EndedPost {
                status,
                retry_after,
                answer,
                problem,
                ..
            } = post;
            let result = WebhookResult {
                key: flight.key,
                claim: flight.claim,
                status,
                retry_after,
                answer: answer.map(|answer| flight.secrets.without(&answer)),
                problem,
            };
            self.note(flight.endpoint.into_string(), result.reason());
            self.results.push(result);
        }
    }

    /// Takes note of why the last attempt at an endpoint has failed, or that it has not.
    fn note(&mut self, endpoint: String, reason: Option<String>) {
        let failing = &mut self.done.failing;
        failing.retain(|failing| failing.endpoint != endpoint);
        if let Some(problem) = reason {
            failing.push(WebhookFailing { endpoint, problem });
        }
        // The oldest may be of endpoints that were removed meanwhile.
        let surplus = failing.len().saturating_sub(MAX_ENDPOINTS as usize);
        failing.drain(..surplus);
    }

    /// Settles what has ended. If the store fails, what has ended is settled later: until then it is not
    /// posted again by this job, and by another one only when its claim has ended.
    async fn settle(&mut self, once: bool) -> JobResult<()> {
        while !self.results.is_empty() {
            let count = self.results.len().min(MAX_CLAIMS as usize);
            let params = WebhookSettleParams {
                results: self.results.iter().take(count).cloned().collect(),
            };
            let settled: JobResult<WebhookSettled> = self
                .context
                .run(Side::Target, &WEBHOOK_SETTLE, params)
                .await;
            match settled {
                Ok(settled) => {
                    self.results.drain(..count);
                    self.done.delivered += settled.delivered;
                    self.done.retried += settled.retried;
                    self.done.failed += settled.failed;
                    self.done.disabled.extend(settled.disabled);
                    self.has_news = true;
                    self.recover();
                }
                Err(error) if once && self.flights.is_empty() => return Err(error),
                Err(error) => {
                    self.fail(&error);
                    break;
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, error: &JobError) {
        let code = error.code();
        self.retry_ms = match self.retry_ms {
            0 => RETRY_MS,
            last => last.saturating_mul(2).min(LONGEST_RETRY_MS),
        };
        if self.done.error.as_deref() != Some(code) {
            self.done.error = Some(code.to_owned());
            self.done.problem = Some(error.to_string());
            self.has_news = true;
        }
    }

    fn recover(&mut self) {
        self.retry_ms = 0;
        self.done.problem = None;
        self.has_news |= self.done.error.take().is_some();
    }
}

async fn test(context: JobContext, params: WebhookTestParams) -> JobResult<Option<WebhookTested>> {
    let id = WebhookParams { id: params.id };
    let claim: Option<WebhookClaim> = context.run(Side::Target, &WEBHOOK_SAMPLE, id).await?;
    let Some(claim) = claim else {
        return Ok(None);
    };
    let began = context.elapsed();
    let post = Post {
        number: 1,
        url: claim.url,
        headers: headers(claim.headers),
        body: claim.body,
        timeout_ms: claim.timeout_ms,
        allow_private: params.allow_private.unwrap_or(false),
    };
    let secrets = Secrets::of(&post);
    let mut start = vec![post];
    loop {
        let posting = Posting {
            start: std::mem::take(&mut start),
            wait_ms: END_MS,
        };
        let Ended { posts, stops } = context.post(posting).await?;
        let ended = posts.into_iter().next();
        if ended.is_none() && !stops {
            continue;
        }
        let ended = ended.unwrap_or_else(|| EndedPost {
            problem: Some("it was stopped".into()),
            ..EndedPost::default()
        });
        let answer = ended.answer.map(|answer| secrets.without(&answer));
        return Ok(Some(WebhookTested {
            delivered: has_arrived(ended.status),
            status: ended.status,
            problem: reason(ended.status, answer.as_ref(), ended.problem.as_ref()),
            duration_ms: context.elapsed().0.saturating_sub(began.0),
        }));
    }
}

fn headers(headers: Vec<super::params::WebhookHeader>) -> Vec<Header> {
    let header = |super::params::WebhookHeader { name, value }| Header { name, value };
    headers.into_iter().map(header).collect()
}
