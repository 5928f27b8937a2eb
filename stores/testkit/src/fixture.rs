//! What a store provides to the kit: how to open it. Within one fixture it is always the same
//! store, empty at first, so that a case can close and reopen it or have it open twice.

use std::cell::RefCell;

use tenure_core::store::{Answer, Capabilities};
use tenure_core::{Result, Store};

use crate::check::{Check, Failure};

/// One store, empty at first, that can be opened. It is opened again, or twice at once, only when
/// its [capabilities](Store::capabilities) say `persistent` or `shared`.
///
/// Any closure that returns an opened store is a fixture; what it captures (a temporary folder)
/// lives as long as the case.
pub trait Fixture {
    /// Opens the store.
    fn open<'a>(&'a self) -> Answer<'a, Box<dyn Store>>;
}

impl<F> Fixture for F
where
    F: Fn() -> Result<Box<dyn Store>>,
{
    fn open<'a>(&'a self) -> Answer<'a, Box<dyn Store>> {
        Box::pin(std::future::ready(self()))
    }
}

/// An opened store in the form that a [`Fixture`] returns.
///
/// # Errors
/// None; the result is there for a fixture to return as it is.
pub fn store(store: impl Store + 'static) -> Result<Box<dyn Store>> {
    Ok(Box::new(store))
}

/// One run of one case: the fixture, and how much work to spend on generated inputs.
pub struct Run<'f> {
    fixture: &'f dyn Fixture,
    scale: f64,
    /// A store that was opened to read its capabilities; the case begins with it.
    seen: RefCell<Option<Box<dyn Store>>>,
}

impl<'f> Run<'f> {
    /// A run over a fixture. `scale` multiplies the number of generated inputs: 0.1 is a quick
    /// test, 1 a thorough one.
    pub fn new(fixture: &'f dyn Fixture, scale: f64) -> Self {
        Self {
            fixture,
            scale,
            seen: RefCell::default(),
        }
    }

    /// The capabilities of the store. It stays open for the case: one that is not persistent cannot
    /// be opened again.
    pub(crate) async fn capabilities(&self) -> Check<Capabilities> {
        let store = self.open().await?;
        let capabilities = store.capabilities();
        *self.seen.borrow_mut() = Some(store);
        Ok(capabilities)
    }

    pub(crate) async fn open(&self) -> Check<Box<dyn Store>> {
        let seen = self.seen.borrow_mut().take();
        if let Some(store) = seen {
            return Ok(store);
        }
        self.fixture
            .open()
            .await
            .map_err(|error| Failure::from(error).within("opening the store"))
    }

    /// Closes the store and opens it again, unless it would be empty then.
    pub(crate) async fn reopen(&self, store: Box<dyn Store>) -> Check<Box<dyn Store>> {
        if store.capabilities().persistent {
            drop(store);
            self.open().await
        } else {
            Ok(store)
        }
    }

    /// How many of `number` generated inputs this run makes; at least one.
    pub(crate) fn scaled(&self, number: u32) -> u32 {
        // A float-to-integer cast saturates, and takes NaN to 0.
        ((f64::from(number) * self.scale).ceil() as u32).max(1)
    }
}
