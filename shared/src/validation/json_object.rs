//! Reading one JSON object of the input, member by member.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::Step;
use crate::json::{self, Json};
use crate::validation::{FromObject, ValidationErrors};

/// One JSON object of the input and its path.
pub struct JsonObject<'a> {
    pub(super) members: BTreeMap<String, &'a RawValue>,
    path: Vec<Step>,
    problems: &'a mut ValidationErrors,
}

impl<'a> JsonObject<'a> {
    /// `None`, with an error, if `raw` is not an object.
    pub fn of(raw: &'a RawValue, path: Vec<Step>, problems: &'a mut ValidationErrors) -> Option<Self> {
        match serde_json::from_str(raw.get()) {
            Ok(members) => Some(Self { members, path, problems }),
            Err(_) => {
                problems.add(path, "not_an_object", "must be an object");
                None
            }
        }
    }

    /// Records an error about a member.
    pub fn problem(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let path = self.path_to(name);
        self.problems.add(path, code, message);
    }

    /// Records a warning about a member.
    pub fn warn(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let path = self.path_to(name);
        self.problems.warn(path, code, message);
    }

    /// The path to the object.
    pub fn path(&self) -> &[Step] {
        &self.path
    }

    /// The path to a member.
    pub fn path_to(&self, name: &str) -> Vec<Step> {
        let mut path = self.path.clone();
        path.push(name.into());
        path
    }

    /// Records that a part is too large: the request is answered with 413 and this sentence.
    pub fn too_large(&mut self, sentence: impl Into<String>) {
        self.problems.too_large(sentence);
    }

    /// The errors of the whole request.
    pub fn problems(&mut self) -> &mut ValidationErrors {
        self.problems
    }

    /// Whether URLs may name loopback addresses.
    pub fn may_name_loopback(&self) -> bool {
        self.problems.may_name_loopback()
    }

    /// The member's raw text, unless it is absent or null.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied().filter(|raw| raw.get() != "null")
    }

    /// The names of all members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Whether a member is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// Whether a member is there and null.
    pub fn is_null(&self, name: &str) -> bool {
        self.members.contains_key(name) && !self.has(name)
    }

    /// The parsed member. A longer object or array than any that is inspected becomes null.
    pub fn value(&self, name: &str) -> Option<Value> {
        const MAX_PARSED: usize = 256 * 1024;
        let text = self.raw(name)?.get();
        let is_long = text.len() > MAX_PARSED && text.starts_with(['{', '[']);
        if is_long { Some(Value::Null) } else { json::parse_lossy(text).ok() }
    }

    /// The member if it is neither an object nor an array: of those, an empty one is given.
    fn scalar(&self, name: &str) -> Option<Value> {
        match self.raw(name)?.get().as_bytes().first() {
            Some(b'{') => Some(Value::Object(Map::new())),
            Some(b'[') => Some(Value::Array(vec![])),
            _ => self.value(name),
        }
    }

    /// Reads a required member; its absence is an error.
    pub fn require<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if !self.has(name) {
            self.problem(name, "required", format!("{name} is required"));
            return None;
        }
        read(self)
    }

    /// A string.
    pub fn string(&mut self, name: &str) -> Option<String> {
        match self.scalar(name)? {
            Value::String(text) => Some(text),
            _ => {
                self.problem(name, "not_a_string", format!("{name} must be a string"));
                None
            }
        }
    }

    /// A string of at most `max` characters.
    pub fn short_string(&mut self, name: &str, max: usize) -> Option<String> {
        let text = self.string(name)?;
        if text.chars().count() > max {
            self.problem(name, "too_long", format!("{name} may have at most {max} characters"));
            return None;
        }
        Some(text)
    }

    /// An id that the client chose: 1 to `max` characters, not all blank. It is not trimmed, because it is
    /// returned and compared.
    pub fn id(&mut self, name: &str, max: usize) -> Option<String> {
        let text = self.short_string(name, max)?;
        if text.trim().is_empty() {
            self.problem(name, "empty", format!("{name} must not be empty"));
            return None;
        }
        Some(text)
    }

    /// A name: 1 to `max` characters that are not all blank, trimmed.
    pub fn label(&mut self, name: &str, max: usize) -> Option<String> {
        Some(self.id(name, max)?.trim().to_owned())
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.scalar(name)? {
            Value::Bool(value) => Some(value),
            _ => {
                self.problem(name, "not_a_boolean", format!("{name} must be true or false"));
                None
            }
        }
    }

    /// A whole number of at least `min`; larger than 64 bits counts as the largest there is.
    pub fn integer(&mut self, name: &str, min: u64) -> Option<u64> {
        let value = self.scalar(name)?;
        let whole = value.as_u64().or_else(|| {
            let float = value.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0)?;
            // Saturates, which is what the caps behind it want.
            Some(float as u64)
        });
        match whole {
            Some(number) if number >= min => Some(number),
            _ => {
                self.problem(name, "not_an_integer", format!("{name} must be a whole number of at least {min}"));
                None
            }
        }
    }

    /// An RFC 3339 time.
    pub fn timestamp(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.string(name)?;
        let moment = Timestamp::parse(&text);
        if moment.is_none() {
            self.problem(name, "not_a_time", format!("{name} must be an RFC 3339 time, such as 2026-01-31T09:30:00Z"));
        }
        moment
    }

    /// One of the words of `choices`.
    pub fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let given = self.scalar(name)?;
        let found = choices.iter().find(|(word, _)| given.as_str() == Some(*word));
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.problem(name, "not_offered", format!("{name} must be one of {}", words.join(", ")));
        }
        found.map(|(_, choice)| *choice)
    }

    /// An object whose content the service does not interpret, kept as it was sent.
    pub fn json_object(&mut self, name: &str) -> Option<Json> {
        let raw = self.raw(name)?;
        if !raw.get().starts_with('{') {
            self.problem(name, "not_an_object", format!("{name} must be an object"));
            return None;
        }
        Some(Json::raw(raw))
    }

    /// A member object, read by `T`.
    pub fn object<T: FromObject>(&mut self, name: &str) -> Option<T> {
        let (raw, path) = (self.raw(name)?, self.path_to(name));
        let mut object = JsonObject::of(raw, path, self.problems)?;
        T::from_object(&mut object)
    }

    /// An array's elements, at most `max` of them: counted before anything is done with each.
    pub fn elements(&mut self, name: &str, max: usize) -> Option<Vec<&'a RawValue>> {
        let elements: Option<Vec<&RawValue>> = serde_json::from_str(self.raw(name)?.get()).ok();
        match elements {
            Some(elements) if elements.len() <= max => Some(elements),
            Some(_) => {
                self.problem(name, "too_many", format!("{name} may have at most {max} elements"));
                None
            }
            None => {
                self.problem(name, "not_an_array", format!("{name} must be an array"));
                None
            }
        }
    }

    /// An array whose every element is an object, read by `T`.
    pub fn objects<T: FromObject>(&mut self, name: &str, max: usize) -> Option<Vec<T>> {
        let elements = self.elements(name, max)?;
        let mut read = Vec::with_capacity(elements.len());
        for (index, raw) in elements.iter().enumerate() {
            let mut path = self.path_to(name);
            path.push(index.into());
            if let Some(mut object) = JsonObject::of(raw, path, self.problems) {
                read.extend(T::from_object(&mut object));
            }
        }
        Some(read)
    }

    /// An array of distinct strings.
    pub fn strings(&mut self, name: &str, max: usize) -> Option<Vec<String>> {
        let elements = self.elements(name, max)?;
        let mut read: Vec<String> = Vec::with_capacity(elements.len());
        for (index, raw) in elements.iter().enumerate() {
            let mut path = self.path_to(name);
            path.push(index.into());
            match serde_json::from_str::<String>(raw.get()) {
                Ok(text) if read.contains(&text) => {
                    self.problems.add(path, "repeated", format!("{name} names this twice"));
                }
                Ok(text) => read.push(text),
                Err(_) => self.problems.add(path, "not_a_string", "must be a string"),
            }
        }
        Some(read)
    }

    /// String values by name, as HTTP headers are given.
    pub fn string_map(&mut self, name: &str) -> Option<BTreeMap<String, String>> {
        let map = serde_json::from_str(self.raw(name)?.get()).ok();
        if map.is_none() {
            self.problem(name, "not_strings", format!("{name} must be an object whose values are strings"));
        }
        map
    }
}
