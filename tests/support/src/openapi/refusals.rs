//! The error responses of every operation. Their examples are generated from the error table.

use serde_json::Value;
use shared::clock::Timestamp;
use shared::error::{Error, FieldError};
use shared::http::ErrorBody;
use shared::json::Fault;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Components, Content, ContentBuilder, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::security;

/// The facts about an operation that determine its error responses.
pub struct OperationFacts<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub has_channel_parameter: bool,
    pub has_input: bool,
    pub has_body: bool,
}

/// An error response that operations share: its name, description and example errors.
struct Refusal {
    name: &'static str,
    what: &'static str,
    examples: Vec<Error>,
}

/// Declares every shared error response, which operations reference.
pub fn declare(components: &mut Components) {
    let mut nested = vec![(ErrorBody::name().into_owned(), ErrorBody::schema())];
    ErrorBody::schemas(&mut nested);
    components.schemas.extend(nested);
    for refusal in all() {
        components.responses.insert(refusal.name.to_owned(), RefOr::T(refusal.response()));
    }
}

fn all() -> Vec<Refusal> {
    let refusal = |name, what, examples| Refusal { name, what, examples };
    let invalid = Error::Invalid(vec![FieldError {
        path: vec!["review".into(), "type".into()],
        code: "required",
        message: "type is required".to_owned(),
    }]);
    let malformed = Error::MalformedJson(half_character_fault());
    let too_large = Error::TooLarge(shared::http::upload::FILE_TOO_LARGE.to_owned());
    vec![
        refusal("Invalid", "The input is invalid; every invalid field is named", vec![invalid, malformed]),
        refusal("NoApiKey", "No API key, or one that is unknown, malformed or revoked", vec![Error::NoApiKey]),
        refusal("NoSession", "No session, or one that is unknown, malformed or expired", vec![Error::NoSession]),
        refusal("WrongCredentials", "Wrong e-mail or password", vec![Error::WrongPassword]),
        refusal("NotYourAgent", "The channel does not exist, or is another person's", vec![Error::NotYourAgent]),
        refusal("ForeignPage", "A page of another origin sent the call, with a cookie", vec![Error::ForeignPage]),
        refusal(
            "NotFound",
            "The resource does not exist, or the caller may not see it",
            vec![Error::NotFound("message")],
        ),
        refusal("Conflict", "The idempotency key was used with a different body", vec![Error::IdempotencyConflict]),
        refusal("TooLarge", "The body is too large; the message names the limit and the alternative", vec![too_large]),
        refusal(
            "UnsupportedMediaType",
            "The content type of the body is not supported",
            vec![Error::UnsupportedMediaType("application/json")],
        ),
        refusal("TooManyTries", "Too many failed attempts", vec![Error::TooManyTries { retry_after_seconds: 900 }]),
        refusal(
            "Unavailable",
            "Storage is busy or unreachable; nothing was partly written",
            vec![Error::unavailable("for the document")],
        ),
    ]
}

/// Adds the error responses that the operation does not describe itself.
pub fn add(facts: &OperationFacts<'_>, operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
        if let RefOr::T(response) = response
            && response.content.is_empty()
        {
            let errors = errors_in(status, &response.description);
            response.content.insert("application/json".to_owned(), content_of(&errors));
            if errors.iter().any(|error| error.retry_after().is_some()) {
                response.headers.insert("Retry-After".to_owned(), retry_after());
            }
        }
    }
    for (status, name) in facts.refusals() {
        responses.entry(status.to_owned()).or_insert_with(|| Ref::from_response_name(name).into());
    }
}

/// The errors that a handler's own description of a response means, by their codes or key words.
fn errors_in(status: &str, words: &str) -> Vec<Error> {
    let known = [
        ("no owner", Error::OwnerOnly),
        ("e-mail address", Error::EmailTaken),
        ("last owner", Error::LastOwner),
        ("failed attempts", Error::TooManyTries { retry_after_seconds: 900 }),
        ("already responded", Error::ReviewAlreadyResponded),
        ("review expired", Error::ReviewExpired),
        ("different body", Error::IdempotencyConflict),
        ("stream has ended", Error::StreamEnded),
        ("review cancelled", Error::ReviewCancelled),
        ("answered already", Error::AlreadyDecided),
        ("expired already", Error::AlreadyExpired),
        ("cancelled already", Error::AlreadyCancelled),
        ("not_allowed", Error::NotAllowed),
        ("digest_mismatch", Error::DigestMismatch),
        ("already_consumed", Error::AlreadyConsumed { consumed_at: Timestamp::from_millis(1_769_850_600_000) }),
    ];
    let words = words.to_lowercase();
    let means = |(what, error): &(&str, Error)| words.contains(what) || words.contains(error.code());
    known
        .into_iter()
        .filter(|(_, error)| error.status().as_str() == status)
        .filter(means)
        .map(|(_, error)| error)
        .collect()
}

impl OperationFacts<'_> {
    fn refusals(&self) -> Vec<(&'static str, &'static str)> {
        let (path, public) = (self.path, security::is_public(self.path));
        let agent = security::is_for_agents(path);
        // These routes take an agent's id, and an unknown one is 404.
        let takes_agent_id = path.starts_with("/api/v1/status")
            || ["Webhook", "setManagement", "setSubagent"].iter().any(|end| path.ends_with(end));
        let signs_in = path == "/api/auth/login";
        let all = [
            ("400", "Invalid", self.has_input || self.has_body),
            ("401", "NoApiKey", !public && agent),
            ("401", "NoSession", !public && !agent),
            ("401", "WrongCredentials", signs_in),
            (
                "403",
                "NotYourAgent",
                self.has_channel_parameter && !takes_agent_id || (self.method, path) == ("GET", "/api/files"),
            ),
            ("403", "ForeignPage", self.method != "GET" && !agent),
            ("404", "NotFound", path.contains('{') || takes_agent_id),
            ("409", "Conflict", is_idempotent(self.method, path)),
            ("413", "TooLarge", self.has_body),
            ("415", "UnsupportedMediaType", self.has_body),
            ("429", "TooManyTries", signs_in),
            (
                "503",
                "Unavailable",
                !["/health", "/.well-known/jwks.json", "/api/openapi.json", "/api/docs"].contains(&path),
            ),
        ];
        all.into_iter().filter(|(_, _, applies)| *applies).map(|(status, name, _)| (status, name)).collect()
    }
}

/// Whether the call can be repeated safely, as the creation of a message.
pub fn is_idempotent(method: &str, path: &str) -> bool {
    method == "POST" && ["/api/v1/messages", "/api/messages"].contains(&path)
}

impl Refusal {
    fn response(&self) -> Response {
        let mut response = ResponseBuilder::new()
            .description(self.what)
            .content("application/json", content_of(&self.examples))
            .header("x-request-id", super::request_id());
        if self.examples.iter().any(|error| error.retry_after().is_some()) {
            response = response.header("Retry-After", retry_after());
        }
        response.build()
    }
}

/// The error body, with one example per error.
fn content_of(errors: &[Error]) -> Content {
    let examples = errors.iter().map(|error| (error.code(), ExampleBuilder::new().value(Some(example(error))).build()));
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).examples_from_iter(examples).build()
}

fn retry_after() -> Header {
    HeaderBuilder::new().schema(u64::schema()).description(Some("Seconds to wait before another attempt")).build()
}

fn example(error: &Error) -> Value {
    let at = Timestamp::parse("2026-01-31T09:30:00.000Z").expect("a time");
    let body = ErrorBody::of(error, "/api/v1/messages", at, "01KB0000000000000000000000");
    serde_json::to_value(body).expect("a body is JSON")
}

/// The error for a text that was cut inside a character.
fn half_character_fault() -> Fault {
    let body = r#"{"text":"cut \ud83d"}"#;
    let refusal = shared::json::parse_lossy(body).expect_err("half a character");
    Fault::of(body, &refusal)
}
