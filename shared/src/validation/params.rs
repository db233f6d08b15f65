//! Reading query strings.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::validation::ValidationErrors;

/// The parameters of a query string; the last one of a name counts.
pub struct Params {
    values: BTreeMap<String, String>,
    problems: ValidationErrors,
}

/// A type that is read from a query string.
pub trait FromParams: Sized + Send {
    fn from_params(params: &mut Params) -> Option<Self>;
}

impl Params {
    /// Reads a query string that was split into names and values.
    pub fn parse<T: FromParams>(pairs: Vec<(String, String)>) -> Result<T, Error> {
        let mut params = Params { values: pairs.into_iter().collect(), problems: ValidationErrors::default() };
        let read = T::from_params(&mut params);
        params.problems.finish(read)
    }

    /// An absent or empty parameter is none.
    pub fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).filter(|text| !text.is_empty()).cloned()
    }

    /// Records an error about a parameter.
    pub fn problem(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.problems.add(vec![name.into()], code, message);
    }

    /// A parameter that must be there.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.problem(name, "required", format!("the query parameter {name} is required"));
        }
        text
    }

    /// A page size of 1 to 100.
    pub fn limit(&mut self, default: usize) -> Option<usize> {
        let Some(text) = self.text("limit") else { return Some(default) };
        let limit = text.parse().ok().filter(|n| (1..=100).contains(n));
        if limit.is_none() {
            self.problem("limit", "out_of_range", "limit must be a whole number from 1 to 100");
        }
        limit
    }

    /// `true` or `1`, `false` or `0`; absent is `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.text(name).as_deref() {
            None | Some("false" | "0") => Some(false),
            Some("true" | "1") => Some(true),
            Some(_) => {
                self.problem(name, "not_a_boolean", format!("{name} must be true or false"));
                None
            }
        }
    }

    /// One of the words of `choices`, or `default` if absent.
    pub fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)], default: T) -> Option<T> {
        let Some(text) = self.text(name) else { return Some(default) };
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.problem(name, "not_offered", format!("{name} must be one of {}", words.join(", ")));
        }
        found.map(|(_, choice)| *choice)
    }
}
