//! Which models are available: those of the sessions in slots.

/// Which models are available.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Models {
    /// It is not known. Every model counts as available.
    #[default]
    Unknown,
    /// The models with these names.
    Names(Vec<String>),
    /// The host decides about each name. An operation that needs an answer which is not there yet ends
    /// with the names to ask about, and is run again with the answers.
    Asked(Answers),
}

/// The host's answers so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// The names of models that are available.
    pub available: Vec<String>,
    /// The names of models that are not available.
    pub missing: Vec<String>,
}

impl Models {
    /// Whether the model of this name is available; `None` if the host has to be asked.
    pub fn is_available(&self, name: &str) -> Option<bool> {
        let is_among = |names: &[String]| names.iter().any(|known| known == name);
        match self {
            Self::Unknown => Some(true),
            Self::Names(names) => Some(is_among(names)),
            Self::Asked(answers) if is_among(&answers.available) => Some(true),
            Self::Asked(answers) if is_among(&answers.missing) => Some(false),
            Self::Asked(_) => None,
        }
    }
}
