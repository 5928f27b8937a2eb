//! Requests: statements with their parameters, and how they are sent. The statements of one exchange are sent
//! together, and the server runs them one after another, so that an exchange is one round trip.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error, Row, Statement};

use crate::failure::Failure;
use crate::pool::{Connection, Form, Manager, Pooled};

/// How long before the deadline a request is canceled, at most: the server has to answer that, too.
const TO_CANCEL: Duration = Duration::from_millis(500);

/// A parameter.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Integer(Option<i64>),
    Boolean(Option<bool>),
    Text(Option<Cow<'a, str>>),
    Integers(Vec<Option<i64>>),
    Booleans(Vec<bool>),
    Texts(Vec<Option<&'a str>>),
}

impl Value<'_> {
    fn type_of(&self) -> Type {
        match self {
            Self::Integer(_) => Type::INT8,
            Self::Boolean(_) => Type::BOOL,
            Self::Text(_) => Type::TEXT,
            Self::Integers(_) => Type::INT8_ARRAY,
            Self::Booleans(_) => Type::BOOL_ARRAY,
            Self::Texts(_) => Type::TEXT_ARRAY,
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Integer(value) => value.to_sql(of, out),
            Self::Boolean(value) => value.to_sql(of, out),
            Self::Text(value) => value.as_deref().to_sql(of, out),
            Self::Integers(values) => values.to_sql(of, out),
            Self::Booleans(values) => values.to_sql(of, out),
            Self::Texts(values) => values.to_sql(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> From<tenure_columns::Value<'a>> for Value<'a> {
    fn from(value: tenure_columns::Value<'a>) -> Self {
        match value {
            tenure_columns::Value::Integer(integer) => Self::Integer(integer),
            tenure_columns::Value::Boolean(boolean) => Self::Boolean(boolean),
            tenure_columns::Value::Text(text) => Self::Text(text),
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(Some(value))
    }
}

impl From<Option<bool>> for Value<'_> {
    fn from(value: Option<bool>) -> Self {
        Self::Boolean(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(Cow::Borrowed(value)))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(value)))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}

/// What stands for a parameter in a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(usize);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.0)
    }
}

/// A statement with its parameters. Its text depends only on which parameters there are, so that few texts are
/// prepared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request<'a> {
    pub(crate) sql: String,
    values: Vec<Value<'a>>,
}

impl<'a> Request<'a> {
    /// Adds a parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value<'a>>) -> Mark {
        self.values.push(value.into());
        Mark(self.values.len())
    }

    /// Adds to the text.
    pub(crate) fn push(&mut self, text: fmt::Arguments<'_>) {
        // A `String` has room for everything.
        let _ = self.sql.write_fmt(text);
    }

    fn types(&self) -> Vec<Type> {
        self.values.iter().map(Value::type_of).collect()
    }
}

/// What is around the statements of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Nothing: each statement is a transaction of its own.
    Alone,
    /// A transaction, of which each statement sees what is committed then.
    Write,
    /// A transaction that reads, and whose statements see one state.
    Snapshot,
}

impl Frame {
    fn begin(self) -> Option<&'static str> {
        match self {
            Self::Alone => None,
            Self::Write => Some("BEGIN ISOLATION LEVEL READ COMMITTED"),
            Self::Snapshot => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        }
    }
}

/// The rows of each statement.
pub(crate) type Replies = Vec<Vec<Row>>;

/// Requests that are sent together.
#[derive(Debug, Clone)]
pub(crate) struct Batch<'r> {
    /// The method of the store that sends them.
    pub(crate) method: &'static str,
    pub(crate) frame: Frame,
    pub(crate) requests: &'r [Request<'r>],
    /// What is sent behind them. Its reply is not waited for.
    pub(crate) after: Option<Request<'static>>,
}

impl<'r> Batch<'r> {
    pub(crate) fn new(method: &'static str, frame: Frame, requests: &'r [Request<'r>]) -> Self {
        Self {
            method,
            frame,
            requests,
            after: None,
        }
    }
}

/// A connection over which requests are sent. If the caller does not wait for the replies, it leaves the pool: the server
/// may be busy with them for long, and the next call would wait behind them.
struct InUse(Option<Pooled>);

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Pooled::take(connection));
        }
    }
}

/// Sends requests over a connection, and returns it to the pool afterwards. What is not answered in time is
/// canceled. The connection is not used again then: the server may perform the cancellation later, on the statement
/// that follows.
pub(crate) async fn exchange(
    connection: Pooled,
    manager: &Manager,
    batch: &Batch<'_>,
    (statements_until, deadline): (Instant, Instant),
) -> Result<Replies, Failure> {
    let mut in_use = InUse(Some(connection));
    let Some(connection) = in_use.0.as_ref() else {
        return Err(Failure::Lost("the connection is not there".to_owned()));
    };
    let mut sent = Box::pin(send(connection, batch));
    let cancels_at =
        statements_until.min(deadline - TO_CANCEL.min((deadline - Instant::now()) / 5));
    let mut is_canceled = false;
    let replies = match timeout_at(cancels_at, &mut sent).await {
        Ok(replies) => Some(replies),
        Err(_) => {
            is_canceled = true;
            let (token, tls) = (connection.client.cancel_token(), manager.tls());
            tokio::spawn(async move {
                // If it does not succeed, the outcome is unknown.
                let _ = token.cancel_query(tls).await;
            });
            timeout_at(deadline, &mut sent).await.ok()
        }
    };
    drop(sent);
    let Some(connection) = in_use.0.take() else {
        return Err(Failure::Lost("the connection is not there".to_owned()));
    };
    let failure = match replies {
        Some(Ok(replies)) => {
            if is_canceled {
                drop(Pooled::take(connection));
            }
            return Ok(replies);
        }
        Some(Err(error)) => Failure::of(&error, batch.method),
        None => Failure::Lost("the server did not answer in time".to_owned()),
    };
    match &failure {
        Failure::Lost(_) => drop(Pooled::take(connection)),
        Failure::Unprepared(_) => {
            manager.stop_preparing();
            drop(Pooled::take(connection));
        }
        _ if is_canceled => drop(Pooled::take(connection)),
        // After a failover another server is the primary one.
        Failure::Failed(_) if connection.client.is_closed() => drop(Pooled::take(connection)),
        _ => {}
    }
    Err(failure)
}

/// A request with the form in which it is sent.
struct Prepared<'r> {
    request: &'r Request<'r>,
    form: Form,
    types: Vec<Type>,
}

impl<'r> Prepared<'r> {
    fn new(connection: &Connection, request: &'r Request<'r>) -> Self {
        Self {
            request,
            form: connection.form(&request.sql),
            types: request.types(),
        }
    }

    /// Sends the request when it is polled first.
    async fn send(&self, client: &Client) -> Result<Vec<Row>, Error> {
        let values = &self.request.values;
        match &self.form {
            Form::Prepared(statement) => {
                let values: Vec<&(dyn ToSql + Sync)> =
                    values.iter().map(|value| value as _).collect();
                client.query(statement, &values).await
            }
            Form::Text | Form::TextAndPrepare => {
                let values: Vec<(&(dyn ToSql + Sync), Type)> = values
                    .iter()
                    .zip(&self.types)
                    .map(|(value, of)| (value as _, of.clone()))
                    .collect();
                client.query_typed(&self.request.sql, &values).await
            }
        }
    }
}

/// A reply to one of the messages of an exchange.
enum Reply {
    Rows(Result<Vec<Row>, Error>),
    Ended(Result<(), Error>),
    Prepared(usize, Result<Statement, Error>),
}

type Sending<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// Sends requests, with the first error that occurs. A transaction is rolled back then.
async fn send(connection: &Connection, batch: &Batch<'_>) -> Result<Replies, Error> {
    let client = &connection.client;
    let Batch {
        frame, requests, ..
    } = batch;
    let prepared: Vec<Prepared<'_>> = requests
        .iter()
        .map(|request| Prepared::new(connection, request))
        .collect();
    let after = batch.after.as_ref();
    let after = after.map(|request| Prepared::new(connection, request));
    let mut messages: Vec<Sending<'_>> = Vec::with_capacity(requests.len() + 3);
    if let Some(begin) = frame.begin() {
        messages.push(Box::pin(async move {
            Reply::Ended(client.batch_execute(begin).await)
        }));
    }
    for request in &prepared {
        messages.push(Box::pin(async { Reply::Rows(request.send(client).await) }));
    }
    if *frame != Frame::Alone {
        messages.push(Box::pin(async move {
            Reply::Ended(client.batch_execute("COMMIT").await)
        }));
    }
    for (number, request) in prepared.iter().enumerate() {
        if let Form::TextAndPrepare = request.form {
            messages.push(Box::pin(async move {
                let sql = &request.request.sql;
                Reply::Prepared(number, client.prepare_typed(sql, &request.types).await)
            }));
        }
    }
    let after: Option<Sending<'_>> = after
        .as_ref()
        .map(|request| Box::pin(async { Reply::Rows(request.send(client).await) }) as Sending<'_>);
    let mut replies = Vec::with_capacity(requests.len());
    let mut failed = None;
    for reply in together(messages, after).await {
        match reply {
            Reply::Rows(Ok(rows)) => replies.push(rows),
            Reply::Rows(Err(error)) | Reply::Ended(Err(error)) => {
                failed.get_or_insert(error);
            }
            Reply::Ended(Ok(())) => {}
            Reply::Prepared(number, prepared) => {
                // Without it, the statement is sent with its text.
                if let (Some(request), Ok(statement)) = (requests.get(number), prepared) {
                    connection.keep(&request.sql, statement);
                }
            }
        }
    }
    match failed {
        None => Ok(replies),
        Some(error) => Err(error),
    }
}

/// Sends messages in their order, without waiting for replies in between, and waits for all replies but that to
/// the message behind them.
async fn together(mut messages: Vec<Sending<'_>>, mut after: Option<Sending<'_>>) -> Vec<Reply> {
    let mut replies: Vec<Option<Reply>> = messages.iter().map(|_| None).collect();
    // A message is sent when its future is polled first.
    poll_fn(|context| {
        for (message, reply) in messages.iter_mut().zip(&mut replies) {
            if let Poll::Ready(ready) = message.as_mut().poll(context) {
                *reply = Some(ready);
            }
        }
        if let Some(after) = &mut after {
            let _ = after.as_mut().poll(context);
        }
        Poll::Ready(())
    })
    .await;
    drop(after);
    // Replies come in the order of the messages.
    for (message, reply) in messages.into_iter().zip(&mut replies) {
        if reply.is_none() {
            *reply = Some(message.await);
        }
    }
    replies.into_iter().flatten().collect()
}
