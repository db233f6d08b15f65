//! `/api/v1/agents`, `/api/v1/status` and `/api/agents`: agents and their state.

mod avatar;
mod commands;
mod create;
mod delete;
mod get;
mod list;
mod ping;
mod read;
mod stats;
mod tag;
mod update;
mod webhook;
mod webhook_test;

use axum::Router;
use axum::routing::{get, post, put};
use shared::app::App;
use shared::permissions::Need;
use utoipa::OpenApi;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:BatchWriteItem"),
    Need::Table("dynamodb:ConditionCheckItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:Query"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Index("dynamodb:Query", "owner"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:DeleteObject"),
    Need::Objects("s3:GetObject"),
    Need::Objects("s3:PutObject"),
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/agents", get(list::for_agent).post(create::by_agent))
        .route("/api/v1/agents/setWebhook", post(webhook::set))
        .route("/api/v1/agents/deleteWebhook", post(webhook::delete))
        .route("/api/v1/agents/setTag", post(tag::set))
        .route("/api/v1/agents/{id}/commands", put(commands::set))
        .route("/api/v1/status/ping", post(ping::ping))
        .route("/api/agents", get(list::for_human).post(create::by_human))
        .route("/api/agents/stats", get(stats::of_all))
        .route("/api/agents/{id}", get(get::get).patch(update::update).delete(delete::delete))
        .route("/api/agents/{id}/avatar", get(avatar::get).post(avatar::set).delete(avatar::delete))
        .route("/api/agents/{id}/read", post(read::mark))
        .route("/api/agents/{id}/stats", get(stats::of_one))
        .route("/api/agents/{id}/webhook-test", post(webhook_test::send))
}

/// What the generated document says of these routes.
#[derive(OpenApi)]
#[openapi(paths(
    list::for_agent,
    create::by_agent,
    webhook::set,
    webhook::delete,
    tag::set,
    commands::set,
    ping::ping,
    list::for_human,
    create::by_human,
    stats::of_all,
    get::get,
    update::update,
    delete::delete,
    avatar::get,
    avatar::set,
    avatar::delete,
    read::mark,
    stats::of_one,
    webhook_test::send,
))]
pub struct Docs;
