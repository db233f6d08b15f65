//! The one error table: every error of this service with its status, code and sentence.
//!
//! A handler or a storage function returns a variant; the HTTP layer renders the body, which also
//! names the request. 4xx sentences say what to do. 5xx sentences are fixed; their cause is logged
//! once, where the response is written, and never sent.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

mod field;
mod upstream;

pub use crate::json::{Step, place};
pub use field::FieldError;
pub use upstream::UpstreamFailure;

use field::in_short;

use crate::clock::Timestamp;
use crate::json::Fault;

/// An error response, in the order of the statuses.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("The request is not valid: {}.", in_short(.0))]
    Invalid(Vec<FieldError>),
    #[error("The body is not valid JSON: {0}.")]
    MalformedJson(Fault),
    #[error("Send a valid API key (Authorization: Bearer hp_..., or x-api-key).")]
    NoApiKey,
    #[error("This API key has ended.")]
    ApiKeyExpired,
    #[error("This API key may only read.")]
    ReadOnlyKey,
    #[error("This API key reaches one agent only.")]
    KeyOfOneAgent,
    #[error("Sign in first (Authorization: Bearer <session token>, or the access_token cookie).")]
    NoSession,
    #[error("Wrong e-mail or password.")]
    WrongPassword,
    #[error("Not your agent")]
    NotYourAgent,
    #[error("Only an owner may do this.")]
    OwnerOnly,
    #[error("You cannot remove your own account; another owner can.")]
    OwnAccount,
    #[error("This form was submitted from another site.")]
    ForeignForm,
    #[error("This request was sent by a page of another site.")]
    ForeignPage,
    #[error("Review already responded")]
    ReviewAlreadyResponded,
    #[error("Review expired")]
    ReviewExpired,
    #[error("Review cancelled")]
    ReviewCancelled,
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    #[error("Method not allowed for this path.")]
    MethodNotAllowed,
    #[error("{0}")]
    TooLarge(String),
    #[error("The range starts beyond the end of the file, which has {0} bytes.")]
    RangeNotSatisfiable(u64),
    #[error("Send the body as {0}.")]
    UnsupportedMediaType(&'static str),
    #[error("This service is not available at this host name.")]
    UnknownHost,
    #[error(
        "Pages are served at the inbox URL only, which placet-local prints when it starts; this address is for agents."
    )]
    NotAtInbox,
    #[error("Send the body without Content-Encoding: {0} is not supported.")]
    UnsupportedEncoding(String),
    #[error("This clientId or Idempotency-Key was already used with a different body.")]
    IdempotencyConflict,
    #[error("Another account already uses this e-mail address.")]
    EmailTaken,
    #[error("The last owner can be neither removed nor made a member: make another user an owner first.")]
    LastOwner,
    #[error("This stream has ended; nothing can be added to it.")]
    StreamEnded,
    #[error("Nothing was allowed: the review is not decided, was denied, expired or cancelled, or is about no action.")]
    NotAllowed,
    #[error("Another action was approved: its digest is in the review's decision.")]
    DigestMismatch,
    #[error("This approval was consumed already.")]
    AlreadyConsumed { consumed_at: Timestamp },
    #[error("This review is answered already; read it for the decision.")]
    AlreadyDecided,
    #[error("This review has expired already.")]
    AlreadyExpired,
    #[error("This review is cancelled already.")]
    AlreadyCancelled,
    #[error("Too many failed attempts for this e-mail address; try again later.")]
    TooManyTries { retry_after_seconds: u64 },
    #[error("{what}; try again later.")]
    TooManyRequests { what: &'static str, retry_after_seconds: u64 },
    #[error("The body did not arrive in time.")]
    BodyTooSlow,
    #[error("There is more to delete than one call can; it is hidden already. Repeat the call to continue.")]
    StillRemoving,
    #[error("{0}")]
    NotImplemented(&'static str),
    #[error("The called host {0}.")]
    UpstreamFailed(UpstreamFailure),
    #[error("This deployment sends no notifications: its operator can turn them on (docs/NOTIFICATIONS.md).")]
    NotificationsOff,
    #[error("this deployment sends no e-mails")]
    MailOff,
    #[error("Storage is busy or unreachable. Nothing was partly written; the call is safe to repeat.")]
    Unavailable(Cause),
    #[error("This was stored by a newer version of the service; this version cannot read it.")]
    NewerData {
        /// The schema version of what was stored.
        version: u32,
    },
    #[error("Something went wrong on our side; the requestId finds it in the logs.")]
    Internal(Cause),
}

/// The cause of a 5xx, for the log only.
#[derive(Clone)]
pub struct Cause(String);

impl Cause {
    /// The text of the cause.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<dynamo::Error> for Error {
    fn from(err: dynamo::Error) -> Self {
        match err {
            dynamo::Error::Unavailable(cause) => Self::unavailable(cause),
            dynamo::Error::Internal(cause) => Self::internal(cause),
            dynamo::Error::Newer { found } => Self::NewerData { version: found },
        }
    }
}

impl Error {
    /// A fault of the service: 500. The cause goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(Cause(cause.to_string()))
    }

    /// Storage did not answer: 503. The cause goes to the log only.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::Unavailable(Cause(cause.to_string()))
    }

    /// A limit of callers (429) that should be free again after `wait`.
    pub fn too_many(what: &'static str, wait: Duration) -> Self {
        let retry_after_seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
        Self::TooManyRequests { what, retry_after_seconds: retry_after_seconds.max(1) }
    }

    /// The error for a bare status that the framework returned.
    pub fn of_framework(status: StatusCode) -> Self {
        match status {
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge("The body is too large for this path.".to_owned()),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType("the type that this path takes"),
            StatusCode::NOT_FOUND => Self::NotFound("path"),
            status if status.is_client_error() => Self::field([], "malformed_request", "the request cannot be read"),
            status => Self::internal(format!("a bare {status}")),
        }
    }

    /// A 400 about one field.
    pub fn field(path: impl IntoIterator<Item = Step>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { path: path.into_iter().collect(), code, message: message.into() }])
    }

    /// Whether repeating the call would fail in the same way: the input is invalid, or a stored item
    /// cannot be read.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::NewerData { .. } | Self::StillRemoving | Self::TooManyTries { .. })
    }

    /// Turns 403 into 404, on routes that name something by its id alone: what belongs to another
    /// user does not exist for the caller.
    pub fn or_not_found(self, what: &'static str) -> Self {
        if matches!(self, Self::NotYourAgent) { Self::NotFound(what) } else { self }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.row().0
    }

    /// The stable code for programs, such as `not_found`.
    pub fn code(&self) -> &'static str {
        self.row().1
    }

    /// The table.
    fn row(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "validation_failed"),
            Self::MalformedJson(_) => (StatusCode::BAD_REQUEST, "malformed_json"),
            Self::NoApiKey | Self::NoSession => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::ApiKeyExpired => (StatusCode::UNAUTHORIZED, "api_key_expired"),
            Self::ReadOnlyKey => (StatusCode::FORBIDDEN, "read_only_key"),
            Self::KeyOfOneAgent => (StatusCode::FORBIDDEN, "key_of_one_agent"),
            Self::WrongPassword => (StatusCode::UNAUTHORIZED, "wrong_credentials"),
            Self::NotYourAgent => (StatusCode::FORBIDDEN, "not_your_agent"),
            Self::OwnerOnly => (StatusCode::FORBIDDEN, "owner_only"),
            Self::OwnAccount => (StatusCode::FORBIDDEN, "own_account"),
            Self::ForeignForm => (StatusCode::FORBIDDEN, "foreign_form"),
            Self::ForeignPage => (StatusCode::FORBIDDEN, "foreign_page"),
            Self::ReviewAlreadyResponded => (StatusCode::FORBIDDEN, "review_already_responded"),
            Self::ReviewExpired => (StatusCode::FORBIDDEN, "review_expired"),
            Self::ReviewCancelled => (StatusCode::FORBIDDEN, "review_cancelled"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::IdempotencyConflict => (StatusCode::CONFLICT, "idempotency_conflict"),
            Self::EmailTaken => (StatusCode::CONFLICT, "email_taken"),
            Self::LastOwner => (StatusCode::CONFLICT, "last_owner"),
            Self::StreamEnded => (StatusCode::CONFLICT, "stream_ended"),
            Self::NotAllowed => (StatusCode::CONFLICT, "not_allowed"),
            Self::DigestMismatch => (StatusCode::CONFLICT, "digest_mismatch"),
            Self::AlreadyConsumed { .. } => (StatusCode::CONFLICT, "already_consumed"),
            Self::AlreadyDecided => (StatusCode::CONFLICT, "already_decided"),
            Self::AlreadyExpired => (StatusCode::CONFLICT, "review_expired"),
            Self::AlreadyCancelled => (StatusCode::CONFLICT, "already_cancelled"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::RangeNotSatisfiable(_) => (StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::UnknownHost => (StatusCode::MISDIRECTED_REQUEST, "unknown_host"),
            Self::NotAtInbox => (StatusCode::MISDIRECTED_REQUEST, "not_at_inbox"),
            Self::UnsupportedEncoding(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding"),
            Self::TooManyTries { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_tries"),
            Self::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow"),
            Self::StillRemoving => (StatusCode::SERVICE_UNAVAILABLE, "still_removing"),
            Self::NotImplemented(_) => (StatusCode::NOT_IMPLEMENTED, "not_implemented"),
            Self::NotificationsOff => (StatusCode::NOT_IMPLEMENTED, "notifications_off"),
            Self::MailOff => (StatusCode::NOT_IMPLEMENTED, "mail_off"),
            Self::UpstreamFailed(_) => (StatusCode::BAD_GATEWAY, "upstream_failed"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "storage_unavailable"),
            Self::NewerData { .. } => (StatusCode::SERVICE_UNAVAILABLE, "newer_data"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }

    /// The invalid fields of a 400.
    pub fn fields(&self) -> Option<Vec<FieldError>> {
        match self {
            Self::Invalid(fields) => Some(fields.clone()),
            Self::MalformedJson(fault) => {
                Some(vec![FieldError { path: fault.path.clone(), code: self.code(), message: self.to_string() }])
            }
            _ => None,
        }
    }

    /// When an approval was consumed, if that is why the call is refused.
    pub fn consumed_at(&self) -> Option<Timestamp> {
        match self {
            Self::AlreadyConsumed { consumed_at } => Some(*consumed_at),
            _ => None,
        }
    }

    /// Seconds for `Retry-After`, if the caller should retry.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyTries { retry_after_seconds } | Self::TooManyRequests { retry_after_seconds, .. } => {
                Some(*retry_after_seconds)
            }
            Self::StillRemoving | Self::Unavailable(_) => Some(1),
            // Only a deployment ends it.
            Self::NewerData { .. } => Some(60),
            _ => None,
        }
    }
}
