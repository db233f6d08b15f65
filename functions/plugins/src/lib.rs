//! `/api/v1/plugins` and `/api/plugins`: plugins that draw messages.
//!
//! - `list`, `settings`, `config`, `icon`, `render`, `fetch`: the routes
//! - [`Plugins`]: the plugins that there are: those of `web/plugins`, and those of the installation's `directory`
//! - `manifest`, `check`: the description of a plugin, and its checks
//! - `frame`: the page inside the frame and its policy
//! - `placeholders`: where settings go in a request that a plugin has sent

mod catalogue;
mod check;
mod config;
mod directory;
mod fetch;
mod frame;
mod icon;
mod list;
mod manifest;
mod placeholders;
mod render;
mod settings;

use axum::{Extension, Router};
use shared::http::App;
use shared::iam::Permission;

pub use catalogue::{Plugin, Plugins};
pub use fetch::TIMEOUT as FETCH_TIMEOUT;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Secrets("ssm:GetParameter"),
];

shared::routes! {
    fn routes = [
        list::list, list::get, // /api/v1/plugins
        settings::list, settings::get, settings::update, // /api/plugins
        config::get, config::update, icon::icon, render::render, fetch::fetch,
    ];
}

/// The routes over the bundled plugins.
pub fn router() -> Router<App> {
    router_of(Plugins::bundled())
}

/// The same routes over other plugins.
pub fn router_of(plugins: Plugins) -> Router<App> {
    routes().route_layer(Extension(plugins))
}
