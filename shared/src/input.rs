//! Reading JSON objects and queries that strangers sent: every bad field is collected with its
//! path, so that one answer names them all.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::error::{Error, FieldError, Step};
use crate::json::{self, Fault, Json};
use crate::secrets::hex;

/// What has been found wrong so far.
#[derive(Debug, Default)]
pub struct Problems {
    fields: Vec<FieldError>,
    warnings: Vec<FieldError>,
    too_large: Option<String>,
    loopback: bool,
}

impl Problems {
    /// Nothing yet. `loopback` lets a URL name this machine's own loopback addresses.
    pub fn none(loopback: bool) -> Self {
        Self { loopback, ..Self::default() }
    }

    /// Notes a problem; beyond the first hundred nobody reads them.
    pub fn add(&mut self, path: Vec<Step>, code: &'static str, message: impl Into<String>) {
        const MANY: usize = 100;
        if self.fields.len() >= MANY {
            return;
        }
        self.fields.push(FieldError { path, code, message: message.into() });
    }

    /// The first problem, if there is any.
    pub fn first(&self) -> Option<&FieldError> {
        self.fields.first()
    }

    /// What was understood otherwise than it was written, so far; it is told once.
    pub fn take_warnings(&mut self) -> Vec<FieldError> {
        std::mem::take(&mut self.warnings)
    }

    /// Notes what was understood otherwise than it was written.
    pub fn warn(&mut self, path: Vec<Step>, code: &'static str, message: impl Into<String>) {
        self.warnings.push(FieldError { path, code, message: message.into() });
    }

    /// `value` if nothing was wrong. Being too large is told before being wrong.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Error> {
        match (self.too_large, value) {
            (Some(sentence), _) => Err(Error::TooLarge(sentence)),
            (None, Some(value)) if self.fields.is_empty() => Ok(value),
            (None, _) => Err(Error::Invalid(self.fields)),
        }
    }
}

/// A type that is read from a JSON object.
pub trait FromObject: Sized + Send {
    /// Reads what it needs and notes each problem; `None` only together with a problem.
    fn from_object(object: &mut Object<'_>) -> Option<Self>;
}

/// Reads a whole body. The first parse is the strict one: it refuses what no string may hold
/// (lone surrogates) and nesting over [`json::MAX_LEVELS`]. None of them builds more than the
/// members of one object, so that a body takes about its own size of memory, whatever is in it.
pub fn parse<T: FromObject>(body: &[u8], mut problems: Problems) -> Result<T, Error> {
    let text = json::text_of(body).map_err(Error::MalformedJson)?;
    let refused = |err| Error::MalformedJson(Fault::of(text, &err));
    json::check(text).map_err(refused)?;
    let read = if text.trim_start().starts_with('{') {
        let raw: &RawValue = serde_json::from_str(text).map_err(refused)?;
        Object::of(raw, vec![], &mut problems).and_then(|mut object| T::from_object(&mut object))
    } else {
        problems.add(vec![], "not_an_object", "The body must be a JSON object.");
        None
    };
    problems.or(read)
}

/// Reads an object that was accepted before, or one that has no body around it.
pub fn parse_at<T: FromObject>(json: &Json, path: Vec<Step>, problems: &mut Problems) -> Option<T> {
    let raw: &RawValue = serde_json::from_str(json.as_str()).ok()?;
    Object::of(raw, path, problems).and_then(|mut object| T::from_object(&mut object))
}

/// One JSON object of the input and the way to it.
pub struct Object<'a> {
    members: BTreeMap<String, &'a RawValue>,
    path: Vec<Step>,
    problems: &'a mut Problems,
}

impl<'a> Object<'a> {
    /// `None`, with a problem, when `raw` is no object.
    pub fn of(raw: &'a RawValue, path: Vec<Step>, problems: &'a mut Problems) -> Option<Self> {
        match serde_json::from_str(raw.get()) {
            Ok(members) => Some(Self { members, path, problems }),
            Err(_) => {
                problems.add(path, "not_an_object", "must be an object");
                None
            }
        }
    }

    pub fn problem(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let path = self.path_to(name);
        self.problems.add(path, code, message);
    }

    /// Notes that a member was understood otherwise than it was written.
    pub fn warn(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let path = self.path_to(name);
        self.problems.warn(path, code, message);
    }

    pub fn path(&self) -> &[Step] {
        &self.path
    }

    pub fn path_to(&self, name: &str) -> Vec<Step> {
        let mut path = self.path.clone();
        path.push(name.into());
        path
    }

    /// A part is larger than allowed: the whole request is a 413 with this sentence.
    pub fn too_large(&mut self, sentence: impl Into<String>) {
        self.problems.too_large.get_or_insert(sentence.into());
    }

    pub fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// Whether a URL may name this machine's own loopback addresses.
    pub fn may_name_loopback(&self) -> bool {
        self.problems.loopback
    }

    /// The member's raw text, unless it is absent or null.
    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied().filter(|raw| raw.get() != "null")
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The member, to look into. What is longer than anything that is ever looked into is not built:
    /// its kind alone is of use then.
    pub fn value(&self, name: &str) -> Option<Value> {
        const LONGEST: usize = 256 * 1024;
        let text = self.raw(name)?.get();
        let is_long = text.len() > LONGEST && text.starts_with(['{', '[']);
        if is_long { Some(Value::Null) } else { json::understood(text).ok() }
    }

    /// The member if it is neither an object nor an array: of those, an empty one is given.
    fn scalar(&self, name: &str) -> Option<Value> {
        match self.raw(name)?.get().as_bytes().first() {
            Some(b'{') => Some(Value::Object(Map::new())),
            Some(b'[') => Some(Value::Array(vec![])),
            _ => self.value(name),
        }
    }

    /// Notes that a required member is absent.
    pub fn require<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if !self.has(name) {
            self.problem(name, "required", format!("{name} is required"));
            return None;
        }
        read(self)
    }

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

    /// An id that somebody else gave: 1 to `max` characters, not all blank, and nothing trimmed,
    /// for it is given back and compared.
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

    /// An object whose content is the sender's own, kept as it came.
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
        let mut object = Object::of(raw, path, self.problems)?;
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

    /// A hash of what the object says: the order of members and spaces do not count.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, raw) in &self.members {
            hasher.update(Value::from(name.as_str()).to_string());
            canonical_text(raw, &mut hasher);
        }
        hex(&hasher.finalize())
    }

    /// The same of one member; none of one that is absent, null or an empty array.
    pub fn hash_of(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        let is_empty = serde_json::from_str::<[(); 0]>(raw.get()).is_ok();
        let mut hasher = (!is_empty).then(Sha256::new)?;
        canonical_text(raw, &mut hasher);
        Some(hex(&hasher.finalize()))
    }

    /// An array whose every element is an object, read by `T`.
    pub fn objects<T: FromObject>(&mut self, name: &str, max: usize) -> Option<Vec<T>> {
        let elements = self.elements(name, max)?;
        let mut read = Vec::with_capacity(elements.len());
        for (index, raw) in elements.iter().enumerate() {
            let mut path = self.path_to(name);
            path.push(index.into());
            if let Some(mut object) = Object::of(raw, path, self.problems) {
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

/// Feeds a value to a hash with its members in order. Of what is large only one level is built at a
/// time.
fn canonical_text(raw: &RawValue, hasher: &mut Sha256) {
    const SMALL: usize = 64 * 1024;
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') if text.len() > SMALL => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
            hasher.update("{");
            for (name, member) in members {
                hasher.update(Value::from(name).to_string());
                canonical_text(member, hasher);
            }
            hasher.update("}");
        }
        Some(b'[') if text.len() > SMALL => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            hasher.update("[");
            elements.into_iter().for_each(|element| canonical_text(element, hasher));
            hasher.update("]");
        }
        _ => canonical(&json::comparable(text).unwrap_or(Value::Null), hasher),
    }
}

/// The same of a value that was built.
fn canonical(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            hasher.update("{");
            for (name, member) in sorted {
                hasher.update(Value::from(name.as_str()).to_string());
                canonical(member, hasher);
            }
            hasher.update("}");
        }
        Value::Array(elements) => {
            hasher.update("[");
            elements.iter().for_each(|element| canonical(element, hasher));
            hasher.update("]");
        }
        scalar => {
            hasher.update(scalar.to_string());
            hasher.update(",");
        }
    }
}

/// The parameters of a query string; the last one of a name counts.
pub struct Params {
    values: BTreeMap<String, String>,
    problems: Problems,
}

/// A type that is read from a query string.
pub trait FromParams: Sized + Send {
    fn from_params(params: &mut Params) -> Option<Self>;
}

impl Params {
    pub fn parse<T: FromParams>(pairs: Vec<(String, String)>) -> Result<T, Error> {
        let mut params = Params { values: pairs.into_iter().collect(), problems: Problems::default() };
        let read = T::from_params(&mut params);
        params.problems.or(read)
    }

    /// An absent or empty parameter is none.
    pub fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).filter(|text| !text.is_empty()).cloned()
    }

    pub fn problem(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.problems.add(vec![name.into()], code, message);
    }

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
