//! Reading input that clients send: JSON objects and query strings. Every bad field is collected
//! with its path, so one response names them all.
//!
//! - [`errors`]: the errors collected so far
//! - [`json_object`], [`params`]: reading members of an object and parameters of a query
//! - [`body_hash`]: hashes by which repeated calls are recognised
//! - [`email`]: e-mail addresses

pub mod body_hash;
pub mod email;
pub mod errors;
pub mod json_object;
pub mod params;

use serde_json::value::RawValue;

use crate::error::{Error, Step};
use crate::json::{self, Fault, Json};

pub use email::Email;
pub use errors::ValidationErrors;
pub use json_object::JsonObject;
pub use params::{FromParams, Params};

/// A type that is read from a JSON object.
pub trait FromObject: Sized + Send {
    /// Reads its members and records each error; returns `None` only together with an error.
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self>;
}

/// Reads a whole body. The first pass is strict: it rejects lone surrogates and nesting beyond
/// [`json::MAX_LEVELS`]. No pass builds more than the members of one object, so a body takes about its
/// own size in memory.
pub fn parse<T: FromObject>(body: &[u8], mut problems: ValidationErrors) -> Result<T, Error> {
    let text = json::text_of(body).map_err(Error::MalformedJson)?;
    let refused = |err| Error::MalformedJson(Fault::of(text, &err));
    json::check(text).map_err(refused)?;
    let read = if text.trim_start().starts_with('{') {
        let raw: &RawValue = serde_json::from_str(text).map_err(refused)?;
        JsonObject::of(raw, vec![], &mut problems).and_then(|mut object| T::from_object(&mut object))
    } else {
        problems.add(vec![], "not_an_object", "The body must be a JSON object.");
        None
    };
    problems.finish(read)
}

/// Reads an object that was accepted before, or one that is not a body.
pub fn parse_at<T: FromObject>(json: &Json, path: Vec<Step>, problems: &mut ValidationErrors) -> Option<T> {
    let raw: &RawValue = serde_json::from_str(json.as_str()).ok()?;
    JsonObject::of(raw, path, problems).and_then(|mut object| T::from_object(&mut object))
}
