//! The request log: entries about agents' API calls, people's decisions and owners' changes of users, for
//! the user to read whose they are. They are written in the background of the request, so logging neither
//! delays a call nor fails it.
//!
//! - `masking`: bodies without secrets
//! - `subject`: which calls are logged

mod masking;
mod subject;

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
use subject::Subject;

/// Larger request bodies are not logged.
const MAX_BODY: usize = 64 * 1024;
/// Larger response bodies are not logged: they are lists, and masking one costs more than making it.
const MAX_RESPONSE: usize = 16 * 1024;
const MAX_PATH: usize = 512;

/// A call that will be logged once its user is known.
pub struct Call {
    id: LogId,
    subject: Subject,
    method: Method,
    path: String,
    at: Timestamp,
    began: Instant,
    body: Option<Tap>,
}

/// Who made a call.
pub struct Actor {
    pub user: UserId,
    /// The user's name, if the call has read it.
    pub name: Option<String>,
    /// The API key of the call and what pages show of it; none of a person's call.
    pub key: Option<(ApiKeyId, String)>,
}

impl Call {
    /// Starts to record a request that is logged; other requests pass unchanged.
    pub fn begin(request: Request, path: &str, request_id: Ulid, at: Timestamp) -> (Option<Self>, Request) {
        let Some(subject) = Subject::of(request.method(), path) else { return (None, request) };
        let tap = (subject.has_request_body() && is_json(request.headers())).then(Tap::default);
        let call = Self {
            id: LogId::from_ulid(request_id),
            subject,
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

    /// Writes the entry in the background of the response: into the log of the caller's user, and into that of a user
    /// whose account an owner has changed.
    pub async fn end(self, store: Store, actor: Actor, response: Response) -> Response {
        let Actor { user, name, key } = actor;
        let user_id = key.is_none().then_some(user);
        let (api_key_id, api_key_prefix) = key.unzip();
        let (response, answered) = match self.subject.has_response_body() {
            true => copy_body(response).await,
            false => (response, None),
        };
        let (status, duration) = (response.status().as_u16(), self.began.elapsed());
        let changed = self.subject.changed_user().filter(|changed| *changed != user && status < 400);
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
                user_id,
                user_name: None,
                request_body: self.body.and_then(Tap::taken).and_then(|it| masked(&it)),
                response_body: answered.and_then(|it| masked(&it)),
                created_at: self.at,
            };
            let of_changed = changed.map(|changed| (changed, LogEntry { user_name: name, ..entry.clone() }));
            for (user, entry) in [(user, entry)].into_iter().chain(of_changed) {
                store.request_log().record(user, entry).await;
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
