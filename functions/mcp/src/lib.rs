//! `/mcp` and `/api/v1/hooks`: agents that ask people through the Model Context Protocol, and hooks of coding agents.
//!
//! - `endpoint`: `POST /mcp`; `protocol`: its revisions and what their headers must say; `rpc`: JSON-RPC messages
//! - `tools`: the tools, each a call of the API; `tools.json`: what clients learn about them
//! - `tasks`: reviews as tasks
//! - `hooks`: the routes of hooks; `permission`: whether a tool of a coding agent may be used
//! - `api`: calls of the agents' API within this process
//!
//! Nothing is kept between two requests: what a later one refers to is a review.

mod api;
mod endpoint;
mod hooks;
mod outcome;
mod permission;
mod protocol;
mod rpc;
mod tasks;
mod tools;

use axum::{Extension, Router};
use plugins::Plugins;
use shared::http::App;
use shared::iam::Permission;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:GetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "due"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:DeleteObject"),
    Permission::Objects("s3:GetObject"),
    Permission::Objects("s3:PutObject"),
];

shared::routes! {
    fn routes = [
        endpoint::call, // /mcp
        hooks::claude_code, hooks::codex, // /api/v1/hooks
    ];
}

/// The routes with the tools of the bundled plugins.
pub fn router() -> Router<App> {
    router_of(&Plugins::bundled())
}

/// The routes with the tools of these plugins, over the routes of the API that the tools call.
pub fn router_of(plugins: &Plugins) -> Router<App> {
    let tools = tools::Tools::of(plugins);
    routes().route_layer(Extension(api::Routes::of(plugins))).route_layer(Extension(tools))
}
