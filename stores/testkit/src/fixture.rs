//! How the kit opens a store. A fixture always opens the same store, which is empty at first, so
//! that a case can close and reopen it or open it twice.

use std::cell::RefCell;

use tenure_core::store::{Answer, Capabilities};
use tenure_core::{Result, Store};

use crate::check::{Check, Failure};

/// A store that is empty at first. It is opened several times, one after another or at once, only
/// if its [capabilities](Store::capabilities) are `persistent` or `shared`.
///
/// Any closure that returns an opened store is a fixture. A temporary folder that it captures lives
/// as long as the case.
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

/// An opened store as the return value of a [`Fixture`].
///
/// # Errors
/// None. The result type is the one of fixtures.
pub fn store(store: impl Store + 'static) -> Result<Box<dyn Store>> {
    Ok(Box::new(store))
}

/// A run of a case: the fixture, and the scale of generated inputs.
pub struct Run<'f> {
    fixture: &'f dyn Fixture,
    scale: f64,
    /// A store that was opened to read its capabilities, with which the case begins.
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

    /// The capabilities of the store. The store stays open for the case, because it may not be
    /// persistent.
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

    /// Closes the store and opens it again, unless it is not persistent.
    pub(crate) async fn reopen(&self, store: Box<dyn Store>) -> Check<Box<dyn Store>> {
        if store.capabilities().persistent {
            drop(store);
            self.open().await
        } else {
            Ok(store)
        }
    }

    /// The number of generated inputs at the scale of this run; at least one.
    pub(crate) fn scaled(&self, number: u32) -> u32 {
        // A cast from a float to an integer saturates, and converts NaN to 0.
        ((f64::from(number) * self.scale).ceil() as u32).max(1)
    }

    /// The number of sessions of a case that lists them many times: a third in a quick run, since a
    /// store may read all of them for each list.
    pub(crate) fn sessions(&self, number: usize) -> usize {
        if self.scale < 1.0 { number / 3 } else { number }
    }
}
