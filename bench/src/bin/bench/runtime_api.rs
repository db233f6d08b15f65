//! Lambda's runtime API, as much of it as a function's process needs to start and to be called.

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

/// One process's runtime: when it first asked for work, what it is given, and what it answers.
pub struct RuntimeApi {
    pub address: String,
    pub asked: mpsc::UnboundedReceiver<Instant>,
    pub events: mpsc::UnboundedSender<Value>,
    pub answers: mpsc::UnboundedReceiver<Value>,
}

#[derive(Clone)]
struct Ends {
    asked: mpsc::UnboundedSender<Instant>,
    events: Arc<Mutex<mpsc::UnboundedReceiver<Value>>>,
    answers: mpsc::UnboundedSender<Value>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (asked, hears_asked) = mpsc::unbounded_channel();
        let (events, hears_events) = mpsc::unbounded_channel();
        let (answers, hears_answers) = mpsc::unbounded_channel();
        let ends = Ends { asked, events: Arc::new(Mutex::new(hears_events)), answers };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(answered))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .layer(DefaultBodyLimit::disable())
            .with_state(ends);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, asked: hears_asked, events, answers: hears_answers }
    }
}

/// Held until there is work.
async fn next(State(ends): State<Ends>) -> impl IntoResponse {
    // Nobody listens any more once the first question was heard.
    let _ = ends.asked.send(Instant::now());
    let event = ends.events.lock().await.recv().await;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "9999999999999"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:it"),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"),
    ];
    (headers, Json(event.unwrap_or_default()))
}

async fn answered(State(ends): State<Ends>, body: Bytes) -> Json<Value> {
    let _ = ends.answers.send(serde_json::from_slice(&body).unwrap_or_default());
    Json(json!({ "status": "OK" }))
}

async fn failed(body: Bytes) -> Json<Value> {
    panic!("a function does not start: {}", String::from_utf8_lossy(&body))
}
