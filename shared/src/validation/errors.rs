//! The validation errors of one request, collected so that one response names them all.

use crate::error::{Error, FieldError, Step};

/// The errors and warnings so far.
#[derive(Debug, Default)]
pub struct ValidationErrors {
    fields: Vec<FieldError>,
    warnings: Vec<FieldError>,
    too_large: Option<String>,
    loopback: bool,
}

impl ValidationErrors {
    /// No errors yet. `loopback` allows URLs with loopback addresses.
    pub fn new(loopback: bool) -> Self {
        Self { loopback, ..Self::default() }
    }

    /// Records an error; at most the first hundred are kept.
    pub fn add(&mut self, path: Vec<Step>, code: &'static str, message: impl Into<String>) {
        const MAX_ERRORS: usize = 100;
        if self.fields.len() >= MAX_ERRORS {
            return;
        }
        self.fields.push(FieldError { path, code, message: message.into() });
    }

    /// The first error, if there is any.
    pub fn first(&self) -> Option<&FieldError> {
        self.fields.first()
    }

    /// Takes the warnings so far.
    pub fn take_warnings(&mut self) -> Vec<FieldError> {
        std::mem::take(&mut self.warnings)
    }

    /// Records a warning: a value was read differently from how it was written.
    pub fn warn(&mut self, path: Vec<Step>, code: &'static str, message: impl Into<String>) {
        self.warnings.push(FieldError { path, code, message: message.into() });
    }

    /// Records that a part is too large; the first one answers the whole request with 413.
    pub fn too_large(&mut self, sentence: impl Into<String>) {
        self.too_large.get_or_insert(sentence.into());
    }

    /// Whether URLs may name loopback addresses.
    pub fn may_name_loopback(&self) -> bool {
        self.loopback
    }

    /// `value` if there are no errors. 413 takes precedence over 400.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Error> {
        match (self.too_large, value) {
            (Some(sentence), _) => Err(Error::TooLarge(sentence)),
            (None, Some(value)) if self.fields.is_empty() => Ok(value),
            (None, _) => Err(Error::Invalid(self.fields)),
        }
    }
}
