//! One attempt to send a message to a browser.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use url::Url;

use super::{encryption, vapid};
use crate::clock::Timestamp;
use crate::delivery::retries;
use crate::error::Error;
use crate::models::push::Subscription;
use crate::outbound::{Failure, Outbound};
use crate::secrets::VapidKey;
use crate::words::words;

/// The time limit of an attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a response is read, in bytes; nothing of it is used.
const MAX_RESPONSE: usize = 64 * 1024;

/// How soon a message should reach its reader, whatever state the device is in (RFC 8030).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    Low,
    Normal,
    High,
}

words!(Urgency { "low" => Low, "normal" => Normal, "high" => High });

/// A message to a browser.
pub struct PushMessage {
    /// With what encryption adds, push services take 4,096 bytes; of a larger message they say so.
    pub payload: String,
    pub urgency: Urgency,
    /// A message replaces an undelivered one of the same topic: at most 32 characters of base64url.
    pub topic: String,
    /// How long the push service keeps it for a device that is not reachable.
    pub ttl: Duration,
}

/// Who sends.
pub struct Sender<'a> {
    pub outbound: &'a Outbound,
    pub key: &'a VapidKey,
    /// An `https:` or `mailto:` URL for the operator of the push service.
    pub contact: &'a str,
}

/// How the push service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushAnswer {
    Accepted(StatusCode),
    /// The subscription has ended: so the push service says, or the key that it was made with is not listed any more.
    Gone(Option<StatusCode>),
    TooLarge,
    /// It may accept the message later; with its `Retry-After`, as it was sent.
    Busy(StatusCode, Option<String>),
    /// It does not accept the message.
    Refused(StatusCode),
    /// It did not answer.
    None(Failure),
}

impl PushAnswer {
    fn of(status: StatusCode, retry_after: Option<String>) -> Self {
        match status {
            _ if status.is_success() => Self::Accepted(status),
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::Gone(Some(status)),
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            _ if retries::is_temporary(status) => Self::Busy(status, retry_after),
            _ => Self::Refused(status),
        }
    }

    /// The status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Accepted(status) | Self::Busy(status, _) | Self::Refused(status) => Some(*status),
            Self::Gone(status) => *status,
            Self::TooLarge => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::None(_) => None,
        }
    }
}

/// Sends a message once. An error means that it cannot be built; nothing in it names the subscription.
pub async fn send(
    sender: &Sender<'_>,
    subscription: &Subscription,
    message: &PushMessage,
    now: Timestamp,
) -> Result<PushAnswer, Error> {
    let request = request(sender, subscription, message, now)?;
    Ok(match sender.outbound.fetch(request, TIMEOUT, MAX_RESPONSE).await {
        Ok(response) => {
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
            PushAnswer::of(response.status(), retry_after.map(str::to_owned))
        }
        Err(failure) => PushAnswer::None(failure),
    })
}

fn request(
    sender: &Sender<'_>,
    subscription: &Subscription,
    message: &PushMessage,
    now: Timestamp,
) -> Result<Request<Bytes>, Error> {
    const UNUSABLE: &str = "a push request cannot be built";
    let endpoint = Url::parse(subscription.endpoint.reveal()).map_err(|_| Error::internal(UNUSABLE))?;
    let mut token = HeaderValue::try_from(vapid::authorization(sender.key, &endpoint, sender.contact, now))
        .map_err(|_| Error::internal(UNUSABLE))?;
    token.set_sensitive(true);
    let body = encryption::encrypt(message.payload.as_bytes(), &subscription.keys)?;
    let request = Request::post(endpoint.as_str())
        .header(AUTHORIZATION, token)
        .header(CONTENT_ENCODING, "aes128gcm")
        .header(CONTENT_TYPE, "application/octet-stream")
        .header("ttl", message.ttl.as_secs())
        .header("urgency", message.urgency.word())
        .header("topic", &message.topic)
        .body(Bytes::from(body));
    request.map_err(|_| Error::internal(UNUSABLE))
}
