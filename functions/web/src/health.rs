//! `GET /health`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::clock::Timestamp;
use shared::http::App;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    timestamp: Timestamp,
    /// Of the service
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Whether the service answers
///
/// Says nothing of the storage behind it.
#[utoipa::path(
    get,
    path = "/health",
    tag = "Service",
    operation_id = "getHealth",
    responses((status = 200, body = Health))
)]
pub async fn health(State(app): State<App>) -> Json<Health> {
    Json(Health { status: "ok", timestamp: app.clock.now(), version: env!("CARGO_PKG_VERSION") })
}
