//! `/api/v1/agents`, `/api/v1/status` and `/api/agents`: agents and their state.

mod avatar;
mod commands;
mod create;
mod delete;
mod get;
mod list;
mod management;
mod notifications;
mod ping;
mod read;
mod stats;
mod subagent;
mod tag;
mod update;
mod webhook;
mod webhook_test;

use axum::Router;
use axum::routing::{any, get};
use shared::http::App;
use shared::iam::Permission;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:BatchWriteItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:DeleteObject"),
    Permission::Objects("s3:GetObject"),
    Permission::Objects("s3:PutObject"),
    // Keys of management APIs are stored encrypted.
    Permission::Secrets("ssm:GetParameter"),
];

shared::routes! {
    fn routes = [
        // /api/v1/agents
        list::as_agent, create::as_agent, webhook::set, webhook::delete, tag::set,
        management::set, subagent::set,
        update::as_agent, delete::as_agent, // /api/v1/agents/{id}
        commands::set, // /api/v1/agents/{id}/commands
        ping::ping, // /api/v1/status/ping
        // /api/agents
        list::as_person, create::as_person, stats::totals,
        // /api/agents/{id}
        get::get, update::as_person, delete::as_person,
        avatar::get, avatar::set, avatar::delete,
        read::mark_read, stats::show, webhook_test::send,
        notifications::get, notifications::update,
    ];
}

/// The routes, and those that are answered with 501.
pub fn router() -> Router<App> {
    routes()
        .route("/api/agents/{id}/manage/{*path}", any(management::proxy))
        .route("/api/manage/{*path}", any(management::proxy))
        .route("/api/v1/oauth/callback", get(management::oauth))
}
