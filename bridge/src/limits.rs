//! The limits of an open handle. The available models may change while it is open; a call uses the limits
//! of the time when it was made, also if it runs later.

use std::cell::RefCell;
use std::sync::Arc;

use tenure_core::value::models::Answers;
use tenure_core::value::properties::{Params, Properties};
use tenure_core::{Limits, Models, Result, Text};

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

    /// Sets the available models: `{"models": [..]}`, `{"models": null}` if they are not known, or
    /// `{"askModels": true}` if the host decides about each.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn set_models(&self, params: &str) -> Result<()> {
        let ModelsParams { models } = ModelsParams::read("setModels", params)?;
        let limits = with_models(&self.now(), models);
        self.0.replace(limits);
        Ok(())
    }
}

/// The same limits with other models.
fn with_models(limits: &Limits, models: Models) -> Arc<Limits> {
    Arc::new(Limits {
        models,
        ..limits.clone()
    })
}

/// The limits of a call that is made again with the host's answers about models:
/// `{"available": [..], "missing": [..]}`.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) fn with_answers(limits: &Limits, answers: &str) -> Result<Arc<Limits>> {
    let AnswersParams { available, missing } = AnswersParams::read("answers", answers)?;
    let names = |names: Vec<Text>| names.into_iter().map(Text::into_string).collect();
    let answers = Answers {
        available: names(available),
        missing: names(missing),
    };
    Ok(with_models(limits, Models::Asked(answers)))
}

struct ModelsParams {
    models: Models,
}

impl Params for ModelsParams {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            models: models(properties),
        }
    }
}

struct AnswersParams {
    available: Vec<Text>,
    missing: Vec<Text>,
}

impl Params for AnswersParams {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            available: properties.take("available"),
            missing: properties.take("missing"),
        }
    }
}

/// The properties `models` and `askModels`, which are also options of a store.
pub(crate) fn models(properties: &mut Properties<'_>) -> Models {
    let names = properties.take::<Option<Vec<Text>>>("models");
    let asks = properties.take_or("ask_models", false);
    match names {
        Some(names) => Models::Names(names.into_iter().map(Text::into_string).collect()),
        None if asks => Models::Asked(Answers::default()),
        None => Models::Unknown,
    }
}
