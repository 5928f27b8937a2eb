//! The limits of an open handle. The known models may change while it is open; a call uses the limits
//! of the time when it was made, also if it runs later.

use std::cell::RefCell;
use std::sync::Arc;

use tenure_core::value::properties::{Params, Properties};
use tenure_core::{Limits, Result, Text};

/// The current limits of a handle.
#[derive(Debug, Default)]
pub struct HandleLimits(RefCell<Arc<Limits>>);

impl HandleLimits {
    /// The limits with which a handle is opened.
    pub fn new(limits: Limits) -> Self {
        Self(RefCell::new(Arc::new(limits)))
    }

    /// The limits for a call that is made now.
    pub fn now(&self) -> Arc<Limits> {
        Arc::clone(&self.0.borrow())
    }

    /// Sets the known models: `{"models": [..]}`, or `null` if they are not known.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn set_models(&self, params: &str) -> Result<()> {
        let KnownModels { models } = KnownModels::read("setModels", params)?;
        let limits = Limits {
            models,
            ..Limits::clone(&self.now())
        };
        self.0.replace(Arc::new(limits));
        Ok(())
    }
}

/// The names of the known models; `None` if they are not known.
struct KnownModels {
    models: Option<Vec<String>>,
}

impl Params for KnownModels {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            models: models(properties),
        }
    }
}

/// The property `models`, which is also an option of a store.
pub(crate) fn models(properties: &mut Properties<'_>) -> Option<Vec<String>> {
    let names: Vec<Text> = properties.take::<Option<_>>("models")?;
    Some(names.into_iter().map(Text::into_string).collect())
}
