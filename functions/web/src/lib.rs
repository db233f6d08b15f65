//! The pages for people, `/health`, and the API's description. Pages are rendered on the server, work without scripts
//! as far as answering goes, and load nothing from another host.
//!
//! - `pages`: one module per path; `components`: parts that several pages show
//! - `files`: kinds of files, and their texts
//! - `review`: what a review asks and how it was answered
//! - `text`: what agents and people wrote, as safe HTML and within the budget of a page
//! - `extract`: what handlers take from a request; `response`: pages and errors as responses
//! - `middleware`: the security headers of pages, and the host that serves them
//! - `openapi`: `/api/openapi.json`; `docs`: the same as a page
//! - `assets`: scripts, styles and icons; `health`

mod assets;
mod components;
mod docs;
mod extract;
mod files;
mod health;
mod jwks;
mod middleware;
mod openapi;
mod pages;
mod response;
mod review;
mod text;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use shared::http::App;
use shared::iam::Permission;

use pages::{channel, html_preview, inbox, logs, markdown_preview, message_text, settings, sign_in, status};

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Index("dynamodb:Query", "due"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:GetObject"),
    Permission::Secrets("ssm:GetParameter"),
];

/// The routes of this function.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(inbox::inbox))
        .route("/login", get(sign_in::page).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/password", get(sign_in::password_page).post(sign_in::change_password))
        .route("/reviews/{id}", get(pages::review::page).post(pages::review::answer))
        .route("/reviews/{id}/history", get(pages::review_history::page))
        .route("/channels", get(channel::list))
        .route("/channels/{id}", get(channel::channel))
        .route("/messages/{id}/text", get(message_text::text))
        .route("/preview", post(markdown_preview::preview))
        .route("/files", get(pages::files::page))
        .route("/files/{id}", get(pages::files::one))
        .route("/files/{id}/frame", get(html_preview::html_preview))
        .route("/status", get(status::page))
        .route("/status/{id}", get(status::one))
        .route("/logs", get(logs::page))
        .route("/settings", get(settings::profile::page))
        .route("/settings/notifications", get(settings::notifications::page))
        .route("/settings/keys", get(settings::keys::page))
        .route("/settings/agents", get(settings::agents::page))
        .route("/settings/agents/{id}", get(settings::agents::one))
        .route("/settings/users", get(settings::users::page))
        .route("/settings/plugins", get(settings::plugins::page))
        .route("/d/{token}", get(pages::mail_link::page))
        .route("/unsubscribe/{token}", get(pages::unsubscribe::page).post(pages::unsubscribe::unsubscribe))
        .route("/sw.js", get(assets::service_worker))
        .route("/app.webmanifest", get(assets::manifest))
        .layer(from_fn(middleware::require_inbox_host))
        .merge(reference_page())
        .layer(from_fn(middleware::security_headers))
        .layer(from_fn(middleware::compress_html))
        .route("/assets/{*name}", get(assets::asset))
        .merge(data())
}

// What the API's description names; pages for people are not in it.
shared::routes! {
    fn reference_page = [docs::docs]; // /api/docs
    fn data = [health::health, jwks::jwks, openapi::document]; // /health, /.well-known/jwks.json, /api/openapi.json
}
