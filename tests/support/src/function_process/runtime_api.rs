//! The parts of Lambda's runtime API that a function needs to start and to be invoked.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// The runtime of one process: the times of its requests for work, its events and its responses.
pub struct RuntimeApi {
    pub address: String,
    pub requests: mpsc::UnboundedReceiver<Instant>,
    pub events: mpsc::UnboundedSender<Value>,
    pub answers: mpsc::UnboundedReceiver<Value>,
}

#[derive(Clone)]
struct RuntimeChannels {
    requests: mpsc::UnboundedSender<Instant>,
    events: Arc<Mutex<mpsc::UnboundedReceiver<Value>>>,
    answers: mpsc::UnboundedSender<Value>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (requests, requests_rx) = mpsc::unbounded_channel();
        let (events, events_rx) = mpsc::unbounded_channel();
        let (answers, answers_rx) = mpsc::unbounded_channel();
        let channels = RuntimeChannels { requests, events: Arc::new(Mutex::new(events_rx)), answers };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(respond))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(respond))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(channels);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, requests: requests_rx, events, answers: answers_rx }
    }
}

/// Held until there is an event.
async fn next(State(channels): State<RuntimeChannels>) -> impl IntoResponse {
    // Only the first request is received; later sends fail.
    let _ = channels.requests.send(Instant::now());
    let event = channels.events.lock().await.recv().await;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "9999999999999"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:it"),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"),
    ];
    (headers, Json(event.unwrap_or_default()))
}

async fn respond(State(channels): State<RuntimeChannels>, body: Bytes) -> Json<Value> {
    let _ = channels.answers.send(serde_json::from_slice(&body).unwrap_or_default());
    Json(json!({ "status": "OK" }))
}

async fn init_error(body: Bytes) -> Json<Value> {
    panic!("the function does not start: {}", String::from_utf8_lossy(&body))
}
