//! The request log: entries about agents' API calls, for their user to read. They are written in the
//! background of the request, so logging neither delays a call nor fails it.
//!
//! - `masking`: bodies without secrets

mod masking;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, Method};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, LogId, UserId};
use crate::models::request_log::{Direction, LogEntry};
use crate::storage::Store;
use crate::telemetry::cost;

pub use masking::{masked, masked_event, path as masked_path};

/// Larger request bodies are not logged.
const MAX_BODY: usize = 64 * 1024;
/// Larger response bodies are not logged: they are lists, and masking one costs more than making it.
const MAX_RESPONSE: usize = 16 * 1024;
const MAX_PATH: usize = 512;

/// A call that will be logged once its user is known.
pub struct Call {
    id: LogId,
    method: Method,
    path: String,
    at: Timestamp,
    began: Instant,
    body: Option<Tap>,
}

impl Call {
    /// Starts to record a request of the agents' API; other requests pass unchanged.
    pub fn begin(request: Request, path: &str, request_id: Ulid, at: Timestamp) -> (Option<Self>, Request) {
        if !path.starts_with("/api/v1/") && path != "/mcp" {
            return (None, request);
        }
        let tap = is_json(request.headers()).then(Tap::default);
        let call = Self {
            id: LogId::from_ulid(request_id),
            method: request.method().clone(),
            path: masking::path(path).chars().take(MAX_PATH).collect(),
            at,
            began: Instant::now(),
            body: tap.clone(),
        };
        let request = match tap {
            Some(tap) => request.map(|body| tap.on(body)),
            None => request,
        };
        (Some(call), request)
    }

    /// Writes the entry in the background of the response.
    pub async fn end(
        self,
        store: Store,
        user: UserId,
        key: Option<(ApiKeyId, String)>,
        response: Response,
    ) -> Response {
        let (api_key_id, api_key_prefix) = key.unzip();
        let (response, answered) = copy_body(response).await;
        let (status, duration) = (response.status().as_u16(), self.began.elapsed());
        cost::spawn_background(async move {
            let entry = LogEntry {
                id: self.id,
                method: self.method.to_string(),
                path: self.path,
                status_code: status,
                duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
                direction: Direction::Inbound,
                api_key_id,
                api_key_prefix,
                request_body: self.body.and_then(Tap::taken).and_then(|it| masked(&it)),
                response_body: answered.and_then(|it| masked(&it)),
                created_at: self.at,
            };
            if let Err(err) = store.request_log().record(user, entry).await {
                tracing::debug!(code = err.code(), "an API call was not logged");
            }
        });
        response
    }
}

/// A copy of what flows through a body, while it is small. Nothing is read ahead: the body of a
/// rejected request stays unread.
#[derive(Clone, Default)]
struct Tap(Arc<Mutex<LoggedBody>>);

#[derive(Default)]
struct LoggedBody {
    chunks: Vec<Bytes>,
    len: usize,
}

impl Tap {
    fn on(self, body: Body) -> Body {
        Body::from_stream(body.into_data_stream().inspect_ok(move |chunk| self.keep(chunk)))
    }

    fn keep(&self, chunk: &Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.len += chunk.len();
        if kept.len <= MAX_BODY {
            kept.chunks.push(chunk.clone());
        } else {
            kept.chunks = vec![];
        }
    }

    fn taken(self) -> Option<Vec<u8>> {
        let kept = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (1..=MAX_BODY).contains(&kept.len).then(|| kept.chunks.concat())
    }
}

/// The response and a copy of its body, if that is small JSON and not a file.
async fn copy_body(response: Response) -> (Response, Option<Bytes>) {
    let ours = is_json(response.headers()) && !response.headers().contains_key(CONTENT_DISPOSITION);
    let small = response.body().size_hint().exact().is_some_and(|len| len <= MAX_RESPONSE as u64);
    if !ours || !small {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    // The body is in memory already, so this neither waits nor fails.
    let bytes = axum::body::to_bytes(body, MAX_RESPONSE).await.unwrap_or_default();
    (Response::from_parts(parts, Body::from(bytes.clone())), Some(bytes))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}
