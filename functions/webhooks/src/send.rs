//! One try of a delivery.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use shared::app::App;
use shared::clock::Timestamp;
use shared::outbound::Failure;
use shared::storage::Delivery;
use shared::webhook_secret::WebhookSecret;

use crate::retries;
use crate::signature::signatures;
use crate::target::Target;

/// For all of a try.
const LIMIT: Duration = Duration::from_secs(10);
/// Of the answer's body.
const MAX_BODY: usize = 64 * 1024;

/// How the receiver answered.
pub enum Answer {
    Http { status: StatusCode, retry_after: Option<Duration>, body: Vec<u8> },
    None(Failure),
}

impl Answer {
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { retry_after, .. } => *retry_after,
            Self::None(_) => None,
        }
    }
}

pub async fn send(
    app: &App,
    delivery: &Delivery,
    target: &Target,
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> (Answer, Duration) {
    let began = Instant::now();
    let answer = match request(delivery, target, secrets, now) {
        Ok(request) => call(app, request, now).await,
        // A URL that hyper does not take; it was one when it was set.
        Err(_) => Answer::None(Failure::Unreachable),
    };
    (answer, began.elapsed())
}

fn request(
    delivery: &Delivery,
    target: &Target,
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> Result<Request<Bytes>, http::Error> {
    let timestamp = now.epoch_seconds();
    let mut request = Request::builder()
        .method(target.method.clone())
        .uri(&target.url)
        .body(Bytes::from(delivery.payload.clone()))?;
    let headers = request.headers_mut();
    *headers = target.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("placet-webhooks"));
    headers.insert("webhook-id", HeaderValue::from_str(&delivery.webhook_id)?);
    headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
    headers.remove("webhook-signature");
    if let Some(signature) = signatures(secrets, &delivery.webhook_id, timestamp, &delivery.payload) {
        headers.insert("webhook-signature", HeaderValue::from_str(&signature)?);
    }
    Ok(request)
}

/// The status decides, once it is there: what the body does after it is only for the log.
async fn call(app: &App, request: Request<Bytes>, now: Timestamp) -> Answer {
    let deadline = tokio::time::Instant::now() + LIMIT;
    let response = match tokio::time::timeout_at(deadline, app.outbound.send(request)).await {
        Err(_) => return Answer::None(Failure::TimedOut),
        Ok(Err(failure)) => return Answer::None(failure),
        Ok(Ok(response)) => response,
    };
    let (parts, incoming) = response.into_parts();
    let retry_after = parts.headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok());
    let retry_after = retry_after.and_then(|it| retries::asked(it, now));
    let mut body = vec![];
    // What came until the time was up is in `body` anyway.
    let _ = tokio::time::timeout_at(deadline, read(incoming, &mut body)).await;
    Answer::Http { status: parts.status, retry_after, body }
}

/// Reads up to the most that may be read; whatever breaks off ends it.
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
