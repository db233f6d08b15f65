//! JSON-RPC messages. Values that are passed on keep the text that they were sent with.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use shared::error::Error;
use shared::json;

/// The members of an object, each with the text that it was sent with.
pub type Members = BTreeMap<String, Box<RawValue>>;

/// The body is no JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The JSON is no request of JSON-RPC 2.0.
pub const INVALID_REQUEST: i32 = -32600;
/// No such method in this revision of the protocol.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters do not fit the method.
pub const INVALID_PARAMS: i32 = -32602;
/// A header differs from what the body says.
pub const HEADER_MISMATCH: i32 = -32020;
/// The client has not declared a capability that the method needs.
pub const MISSING_CAPABILITY: i32 = -32021;
/// The client asks for a revision that the service does not speak.
pub const UNSUPPORTED_VERSION: i32 = -32022;

/// The text of a member, if it is one.
pub fn text_of(members: &Members, name: &str) -> Option<String> {
    members.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// Objects inside of others, by their names; empty where one is missing.
pub fn members_at(members: &Members, path: &[&str]) -> Members {
    path.iter().fold(members.clone(), |within, name| {
        within.get(*name).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    })
}

/// A value as a member.
pub fn raw(value: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(value).map_err(Error::internal)
}

/// The members of an object.
pub fn members(object: &impl Serialize) -> Result<Members, Error> {
    serde_json::from_str(raw(object)?.get()).map_err(Error::internal)
}

/// A refusal in JSON-RPC's terms.
#[derive(Debug)]
pub struct Failure {
    pub code: i32,
    message: String,
    data: Option<Value>,
}

impl Failure {
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub fn with(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// The response to the request with this id.
    pub fn answer(self, id: &RawValue, status: StatusCode) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = self.data {
            error["data"] = data;
        }
        let body = axum::Json(Answer { jsonrpc: "2.0", id, result: None, error: Some(error) });
        (status, body).into_response()
    }
}

/// A successful response.
pub fn success(id: &RawValue, result: &Members) -> Response {
    axum::Json(Answer { jsonrpc: "2.0", id, result: Some(result), error: None }).into_response()
}

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Members>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

/// Why a request has no result.
pub enum Refusal {
    /// In JSON-RPC's terms, about one request.
    Rpc(Failure),
    /// In HTTP's terms: no valid key, too many requests, no storage.
    Http(Error),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Rpc(failure)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Http(error)
    }
}

/// A message of a client.
pub enum Incoming {
    Request(Request),
    /// A notification, or a response to a request: neither is answered.
    Unanswered,
}

/// A request of a client.
pub struct Request {
    pub id: Box<RawValue>,
    pub method: String,
    pub params: Members,
}

/// A message that cannot be answered as a request, with the id if that could be read.
pub struct Malformed(pub Box<RawValue>, pub Failure);

impl Incoming {
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let text = json::text_of(body).ok().filter(|text| json::check(text).is_ok());
        let Some(text) = text else {
            return Err(Malformed(RawValue::NULL.to_owned(), Failure::new(PARSE_ERROR, "The body is not valid JSON.")));
        };
        let invalid = |sentence: &str| Failure::new(INVALID_REQUEST, sentence);
        let nameless = |sentence: &str| Malformed(RawValue::NULL.to_owned(), invalid(sentence));
        let message: Members = serde_json::from_str(text).map_err(|_| nameless("The body must be one message."))?;
        if text_of(&message, "jsonrpc").as_deref() != Some("2.0") {
            return Err(nameless("jsonrpc must be \"2.0\"."));
        }
        let method = text_of(&message, "method");
        if method.is_none() && (message.contains_key("result") || message.contains_key("error")) {
            return Ok(Self::Unanswered);
        }
        let method = method.ok_or_else(|| nameless("method must be a string."))?;
        let Some(id) = message.get("id") else { return Ok(Self::Unanswered) };
        let is_id = id.get().starts_with('"') || id.get().parse::<i64>().is_ok();
        let id = if is_id { id.clone() } else { return Err(nameless("id must be a string or an integer.")) };
        let params = match message.get("params").map(|params| serde_json::from_str(params.get())) {
            None => Members::new(),
            Some(Ok(params)) => params,
            Some(Err(_)) => return Err(Malformed(id, Failure::new(INVALID_PARAMS, "params must be an object."))),
        };
        Ok(Self::Request(Request { id, method, params }))
    }
}
