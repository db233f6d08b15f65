//! The pages that people answer in, `/health`, and the API's description. Server-rendered; everything works without
//! scripts, and nothing comes from another host.
//!
//! - `inbox`, `review`, `sign_in`: the pages
//! - `answer`: what a submitted form means as a review's response
//! - `document`: `/api/openapi.json`; `docs`: the same as a page
//! - `page`: HTML responses, errors included, and who may send a form
//! - `view`: what templates show

mod answer;
mod assets;
mod docs;
mod document;
mod health;
mod inbox;
mod page;
mod review;
mod sign_in;
mod view;

use axum::Router;
use axum::routing::{get, post};
use shared::app::App;
use shared::permissions::Need;
use utoipa::OpenApi;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:ConditionCheckItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Index("dynamodb:Query", "owner"),
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(inbox::inbox))
        .route("/login", get(sign_in::page).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/reviews/{id}", get(review::page).post(review::answer))
        .route("/assets/{name}", get(assets::asset))
        .route("/health", get(health::health))
        .route("/api/openapi.json", get(document::document))
        .route("/api/docs", get(docs::docs))
}

/// What the generated document says of these routes; pages for people are not in it.
#[derive(OpenApi)]
#[openapi(paths(health::health, document::document, docs::docs))]
pub struct Docs;
