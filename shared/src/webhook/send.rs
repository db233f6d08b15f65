//! One attempt to deliver an event.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use url::Url;

use crate::clock::Timestamp;
use crate::outbound::{Failure, Outbound};
use crate::secrets::WebhookSecret;
use crate::webhook::signature::signatures;
use crate::webhook::target::Target;

/// The time limit of an attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of the response body is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// What is sent: the body, and the id that stays the same over all attempts.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub id: &'a str,
    pub payload: &'a str,
}

/// How the receiver answered.
pub enum Answer {
    /// `retry_after` and `location` as they were sent.
    Http {
        status: StatusCode,
        retry_after: Option<String>,
        location: Option<String>,
        body: Vec<u8>,
    },
    None(Failure),
}

impl Answer {
    /// The `Retry-After` header, as it was sent.
    pub fn retry_after(&self) -> Option<&str> {
        match self {
            Self::Http { retry_after, .. } => retry_after.as_deref(),
            Self::None(_) => None,
        }
    }

    /// Why the attempt failed, if the status alone does not say it.
    pub fn failure(&self, target: &Target) -> Option<String> {
        match self {
            Self::None(failure) => Some(failure.to_string()),
            Self::Http { status, location: Some(location), .. } if status.is_redirection() => {
                let to = new_origin(&target.url, location).map(|origin| format!(" (to {origin})"));
                Some(format!("redirects are not followed{}", to.unwrap_or_default()))
            }
            Self::Http { .. } => None,
        }
    }
}

/// The origin that a redirect leads to, without path, query and credentials, which may be secret.
fn new_origin(from: &str, location: &str) -> Option<String> {
    let to = Url::parse(from).ok()?.join(location).ok()?;
    matches!(to.scheme(), "http" | "https").then(|| to.origin().ascii_serialization())
}

/// Sends an event once and measures how long that took. Never fails: the answer says what went wrong.
pub async fn send(
    outbound: &Outbound,
    event: Event<'_>,
    target: &Target,
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> (Answer, Duration) {
    let began = Instant::now();
    let answer = match request(event, target, secrets, now) {
        Ok(request) => call(outbound, request).await,
        // Hyper rejects the URL, although it was valid when it was set.
        Err(_) => Answer::None(Failure::Unreachable),
    };
    (answer, began.elapsed())
}

fn request(
    event: Event<'_>,
    target: &Target,
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> Result<Request<Bytes>, http::Error> {
    let timestamp = now.epoch_seconds();
    let body = Bytes::from(event.payload.to_owned());
    let mut request = Request::builder().method(target.method.clone()).uri(&target.url).body(body)?;
    let headers = request.headers_mut();
    *headers = target.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("placet-webhooks"));
    headers.insert("webhook-id", HeaderValue::from_str(event.id)?);
    headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
    headers.remove("webhook-signature");
    if let Some(signature) = signatures(secrets, event.id, timestamp, event.payload) {
        headers.insert("webhook-signature", HeaderValue::from_str(&signature)?);
    }
    Ok(request)
}

/// The status decides the outcome; the body is only for the log.
async fn call(outbound: &Outbound, request: Request<Bytes>) -> Answer {
    let deadline = tokio::time::Instant::now() + TIMEOUT;
    let response = match tokio::time::timeout_at(deadline, outbound.send(request)).await {
        Err(_) => return Answer::None(Failure::TimedOut),
        Ok(Err(failure)) => return Answer::None(failure),
        Ok(Ok(response)) => response,
    };
    let (parts, incoming) = response.into_parts();
    let header = |name| parts.headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let (retry_after, location) = (header(RETRY_AFTER), header(LOCATION));
    let mut body = vec![];
    // What arrived before the timeout is in `body`.
    let _ = tokio::time::timeout_at(deadline, read(incoming, &mut body)).await;
    Answer::Http { status: parts.status, retry_after, location, body }
}

/// Reads up to [`MAX_BODY`]; an error ends it early.
async fn read(mut incoming: Incoming, body: &mut Vec<u8>) {
    while let Some(Ok(frame)) = incoming.frame().await {
        let Ok(chunk) = frame.into_data() else { continue };
        let room = MAX_BODY - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() == MAX_BODY {
            return;
        }
    }
}
