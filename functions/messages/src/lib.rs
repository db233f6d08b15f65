//! `/api/v1/messages`: what agents send and read.

mod ack;
mod create;
mod delete;
mod get;
mod iterations;
mod list;
mod streams;

use axum::Router;
use axum::routing::{get, patch, post};
use shared::app::App;
use shared::permissions::Need;
use utoipa::OpenApi;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:ConditionCheckItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:GetItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:Query"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:DeleteObject"),
    Need::Objects("s3:GetObject"),
    Need::Objects("s3:PutObject"),
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/messages", post(create::create).get(list::list))
        .route("/api/v1/messages/{id}", get(get::get).delete(delete::delete))
        .route("/api/v1/messages/{id}/ack", post(ack::ack))
        .route("/api/v1/messages/iterations/{id}", get(iterations::iterations))
        .route("/api/v1/messages/streams/{streamId}", patch(streams::update))
        .route("/api/v1/messages/streams/{streamId}/status", post(streams::status))
}

/// What the generated document says of these routes.
#[derive(OpenApi)]
#[openapi(paths(
    create::create,
    list::list,
    get::get,
    delete::delete,
    ack::ack,
    iterations::iterations,
    streams::update,
    streams::status,
))]
pub struct Docs;
