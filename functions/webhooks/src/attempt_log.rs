//! The entry of each attempt in its user's request log.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::http::App;
use shared::ids::LogId;
use shared::models::request_log::{Direction, LogEntry};
use shared::outbound::Failure;
use shared::request_log::{masked, masked_event};
use shared::storage::Delivery;
use shared::webhook::{Answer, Target};
use url::Url;

const MAX_URL: usize = 512;
/// Of an answer that is no JSON, in characters.
const MAX_TEXT: usize = 200;
/// Instead of an answer that may repeat a password, as JSON.
const NOT_LOGGED: &str = "\"[not logged: it may repeat an answer to a password field]\"";

/// Writes the entry. An attempt counts whether or not its entry could be written.
pub async fn record(app: &App, delivery: &Delivery, target: &Target, answer: &Answer, took: Duration, at: Timestamp) {
    let (status_code, answered) = status_and_body(answer, target);
    // A receiver may echo the request.
    let (request_body, response_body) = match answer {
        _ if delivery.may_be_logged() => (masked(delivery.payload.as_bytes()), answered),
        Answer::Http { .. } => (masked_event(&delivery.payload), answered.map(|_| NOT_LOGGED.to_owned())),
        Answer::None(_) => (masked_event(&delivery.payload), answered),
    };
    let entry = LogEntry {
        id: LogId::new(at),
        method: target.method.to_string(),
        path: loggable_url(&target.url),
        status_code,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        direction: Direction::Outbound,
        api_key_id: None,
        api_key_prefix: None,
        user_id: None,
        user_name: None,
        request_body,
        response_body: response_body.map(|text| target.masked(text)),
        created_at: at,
    };
    app.store.request_log().record(delivery.owner_id, entry).await;
}

/// The receiver's status, or the one that a gateway would answer with, and the reason.
fn status_and_body(answer: &Answer, target: &Target) -> (u16, Option<String>) {
    let trouble = answer.failure(target).map(|trouble| serde_json::Value::from(trouble).to_string());
    match answer {
        Answer::Http { status, body, .. } => {
            (status.as_u16(), trouble.or_else(|| masked(body)).or_else(|| as_text(body)))
        }
        Answer::None(Failure::TimedOut) => (504, trouble),
        Answer::None(_) => (502, trouble),
    }
}

fn as_text(body: &[u8]) -> Option<String> {
    let text: String = String::from_utf8_lossy(body).chars().take(MAX_TEXT).collect();
    (!text.is_empty()).then(|| serde_json::Value::from(text).to_string())
}

/// A URL without what may be secret in it: user, password, query and fragment.
fn loggable_url(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return "***".to_owned() };
    url.set_query(None);
    url.set_fragment(None);
    // A URL that has a host takes both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().chars().take(MAX_URL).collect()
}
