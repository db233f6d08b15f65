//! `GET /health`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use shared::app::App;

pub async fn health(State(app): State<App>) -> Json<Value> {
    Json(json!({ "status": "ok", "timestamp": app.clock.now(), "version": env!("CARGO_PKG_VERSION") }))
}
