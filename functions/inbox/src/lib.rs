//! `/api/messages`: what people read, write and answer.

mod create;
mod get;
mod iterations;
mod list;
mod respond;
mod retry;
mod reviews;

use axum::Router;
use axum::routing::{get, post};
use shared::app::App;
use shared::permissions::Need;
use utoipa::OpenApi;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:GetItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:Query"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Index("dynamodb:Query", "owner"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:GetObject"),
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/messages", get(list::list).post(create::create))
        .route("/api/messages/reviews", get(reviews::reviews))
        .route("/api/messages/{id}", get(get::get))
        .route("/api/messages/{id}/iterations", get(iterations::iterations))
        .route("/api/messages/{id}/respond", post(respond::respond))
        .route("/api/messages/{id}/retry", post(retry::retry))
}

/// What the generated document says of these routes.
#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    create::create,
    reviews::reviews,
    get::get,
    iterations::iterations,
    respond::respond,
    retry::retry,
))]
pub struct Docs;
