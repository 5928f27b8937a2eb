//! The limits of an open handle. Which models there are may change while it is open; every call goes
//! by what was so when it began, also one that waits for its turn.

use std::cell::RefCell;
use std::sync::Arc;

use tenure_core::value::properties::{Params, Properties};
use tenure_core::{Limits, Result, Text};

/// The limits of a handle as they are now.
#[derive(Debug, Default)]
pub struct HandleLimits(RefCell<Arc<Limits>>);

impl HandleLimits {
    /// Those with which a handle is opened.
    pub fn new(limits: Limits) -> Self {
        Self(RefCell::new(Arc::new(limits)))
    }

    /// Those by which a call that begins now goes.
    pub fn now(&self) -> Arc<Limits> {
        Arc::clone(&self.0.borrow())
    }

    /// Says anew which models there are: `{"models": [..]}`, or `null` where that is not known.
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

/// The names of the models that there are, if that is known.
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

/// The property `models`, which is an option too.
pub(crate) fn models(properties: &mut Properties<'_>) -> Option<Vec<String>> {
    let names: Vec<Text> = properties.take::<Option<_>>("models")?;
    Some(names.into_iter().map(Text::into_string).collect())
}
