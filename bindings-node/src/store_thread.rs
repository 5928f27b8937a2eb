//! What comes to JavaScript from other threads: the answers of a store's thread, the calls of a server's clients, and the news of a
//! job. It waits in a list until the JavaScript thread fetches it, all that has come meanwhile in one call.
//! Node stays alive while an answer is awaited, and ends by itself when none is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use tenure_bridge::Answer;
use tenure_core::Json;

/// Calls JavaScript without a value: what it is called with is made on the JavaScript thread.
type Wake = ThreadsafeFunction<(), (), String, Status, false, true>;

/// Delivers what other threads answer to the `done` of one handle.
pub(crate) struct StoreThread {
    env: Env,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    items: Mutex<Vec<Item>>,
    state: Mutex<State>,
}

/// What is delivered.
enum Item {
    /// The answer of an operation.
    Answer(u32, Answer),
    /// The call of a client, of which JavaScript gets the number.
    Call(CallNumber),
    /// What becomes of a job, as JSON.
    News(Json),
}

/// Where a call of a client is found, and the operation that it calls.
pub(crate) struct CallNumber {
    pub(crate) server: u32,
    pub(crate) call: u32,
    pub(crate) operation: &'static str,
}

#[derive(Default)]
struct State {
    /// How many answers are awaited.
    awaited: usize,
    /// Dropped when the handle is closed and nothing is awaited.
    wake: Option<Wake>,
    closed: bool,
}

impl StoreThread {
    /// Answers by calling `done`.
    pub(crate) fn new(env: Env, done: &Function<'_, String, ()>) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let fetched_by = Arc::clone(&shared);
        let wake = done
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build_callback(move |context| fetched_by.fetch(&context.env))?;
        lock(&shared.state).wake = Some(wake);
        Ok(Self { env, shared })
    }

    /// Expects the answer of an operation, and returns its completion. Call it on the JavaScript thread.
    pub(crate) fn expect(&self) -> Result<Completion> {
        let mut state = lock(&self.shared.state);
        state.awaited += 1;
        keep_alive(&mut state, &self.env)?;
        Ok(Completion(Arc::clone(&self.shared)))
    }

    /// Passes what becomes of a job. Node does not stay alive for it.
    pub(crate) fn news(&self) -> News {
        News(Arc::clone(&self.shared))
    }

    /// Passes calls of clients, as long as an answer is awaited.
    pub(crate) fn calls(&self) -> Calls {
        Calls(Arc::clone(&self.shared))
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.closed = true;
        if state.awaited == 0 {
            state.wake = None;
        }
    }
}

/// Takes the answer of one operation from a store's thread to the JavaScript thread.
pub(crate) struct Completion(Arc<Shared>);

impl Completion {
    /// Sends the answer of an operation.
    pub(crate) fn send(self, operation: u32, answer: Answer) {
        self.0.send(Item::Answer(operation, answer));
    }
}

/// Takes calls of clients from the threads of a server to the JavaScript thread.
pub(crate) struct Calls(Arc<Shared>);

impl Calls {
    /// Sends the number of a call.
    pub(crate) fn send(&self, call: CallNumber) {
        self.0.send(Item::Call(call));
    }
}

/// Takes what becomes of a job from its thread to the JavaScript thread.
pub(crate) struct News(Arc<Shared>);

impl News {
    /// Sends what has become of it.
    pub(crate) fn send(&self, news: Json) {
        self.0.send(Item::News(news));
    }
}

impl Shared {
    fn send(&self, item: Item) {
        let mut items = lock(&self.items);
        items.push(item);
        // The first one wakes the JavaScript thread, which then fetches those that follow too.
        if items.len() == 1 {
            drop(items);
            if let Some(wake) = &lock(&self.state).wake {
                wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
        }
    }

    /// Takes what has come, as the JSON text of a list of `{operation, answer}`, `{server, call, name}` and `{news}`.
    fn fetch(&self, env: &Env) -> Result<String> {
        let items = std::mem::take(&mut *lock(&self.items));
        let answers = items.iter().filter(|item| matches!(item, Item::Answer(..)));
        let mut state = lock(&self.state);
        state.awaited = state.awaited.saturating_sub(answers.count());
        keep_alive(&mut state, env)?;
        if state.closed && state.awaited == 0 {
            state.wake = None;
        }
        let items: Vec<String> = items.iter().map(Item::text).collect();
        Ok(format!("[{}]", items.join(",")))
    }
}

impl Item {
    fn text(&self) -> String {
        match self {
            Self::Answer(operation, answer) => {
                format!(r#"{{"operation":{operation},"answer":{answer}}}"#)
            }
            Self::Call(CallNumber {
                server,
                call,
                operation,
            }) => format!(r#"{{"server":{server},"call":{call},"name":"{operation}"}}"#),
            Self::News(news) => format!(r#"{{"news":{}}}"#, news.as_str()),
        }
    }
}

/// Lets Node live as long as something is awaited.
#[expect(
    deprecated,
    reason = "the named replacement, a clone of a strong function, cannot be let go of on the \
              JavaScript thread alone"
)]
fn keep_alive(state: &mut State, env: &Env) -> Result<()> {
    let awaited = state.awaited > 0;
    match &mut state.wake {
        Some(wake) if awaited => wake.refer(env),
        Some(wake) => wake.unref(env),
        None => Ok(()),
    }
}

/// What is locked here is whole after every statement, so a panic elsewhere has not spoiled it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
