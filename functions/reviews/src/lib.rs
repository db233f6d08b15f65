//! `/api/v1/reviews`: what agents ask people, and waiting for the answer. `/api/changes`: waiting,
//! too, by people. Everything that holds its callers is in this group, which has time and
//! concurrency of its own: whoever waits takes nothing from other routes.

mod changes;
mod get;
mod pending;
mod wait;

use axum::Router;
use axum::routing::get;
use shared::app::App;
use shared::permissions::Need;
use utoipa::OpenApi;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:GetItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Index("dynamodb:Query", "owner"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:GetObject"),
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/reviews/pending", get(pending::pending))
        .route("/api/v1/reviews/{id}", get(get::get))
        .route("/api/v1/reviews/{id}/wait", get(wait::wait))
        .route("/api/changes", get(changes::changes))
}

/// What the generated document says of these routes.
#[derive(OpenApi)]
#[openapi(paths(pending::pending, get::get, wait::wait, changes::changes))]
pub struct Docs;
