//! The pages that people answer in, `/health`, and the API's description. Server-rendered;
//! answering works without scripts, and nothing comes from another host.
//!
//! - `inbox` (with `list`), `review` (with `versions`, `diff`, `outcome`), `channel`, `sign_in`:
//!   the pages
//! - `files`, `status` (with `agent_row`), `logs`, `settings`: the pages beside the inbox
//! - `field`: how a form's field is asked; `answer`: what a submitted form means as a review's
//!   response; `number`: numbers as people write them
//! - `message`, `attachment`, `markdown` (with `link`, `nesting`), `text`: what was sent, shown safely,
//!   within the `budget` of a page; `whole_text`: a long text alone; `frame`: HTML files; `preview`:
//!   what a text will look like
//! - `document`: `/api/openapi.json`; `docs`: the same as a page
//! - `page`: HTML responses, errors included, their policy and their host, and who may send a form
//! - `shell`: what surrounds every page; `icons`, `assets`
//! - `view`: how times and sizes are said

mod agent_row;
mod answer;
mod assets;
mod attachment;
mod budget;
mod channel;
mod diff;
mod docs;
mod document;
mod field;
mod files;
mod frame;
mod health;
mod icons;
mod inbox;
mod link;
mod list;
mod logs;
mod markdown;
mod message;
mod nesting;
mod number;
mod outcome;
mod page;
mod preview;
mod review;
mod settings;
mod shell;
mod sign_in;
mod status;
mod table;
mod text;
mod versions;
mod view;
mod whole_text;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use shared::http::App;
use shared::iam::Permission;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:GetObject"),
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(inbox::inbox))
        .route("/login", get(sign_in::page).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/password", get(sign_in::password_page).post(sign_in::change_password))
        .route("/reviews/{id}", get(review::page).post(review::answer))
        .route("/channels", get(channel::list))
        .route("/channels/{id}", get(channel::channel))
        .route("/messages/{id}/text", get(whole_text::text))
        .route("/preview", post(preview::preview))
        .route("/files", get(files::page))
        .route("/files/{id}", get(files::one))
        .route("/files/{id}/frame", get(frame::frame))
        .route("/status", get(status::page))
        .route("/status/{id}", get(status::one))
        .route("/logs", get(logs::page))
        .route("/settings", get(settings::profile::page))
        .route("/settings/keys", get(settings::keys::page))
        .route("/settings/agents", get(settings::agents::page))
        .route("/settings/agents/{id}", get(settings::agents::one))
        .route("/settings/users", get(settings::users::page))
        .route("/settings/plugins", get(settings::plugins::page))
        .layer(from_fn(page::at_inbox))
        .merge(reference_page())
        .layer(from_fn(page::frame))
        .route("/assets/{*name}", get(assets::asset))
        .merge(data())
}

// What the API's description names; pages for people are not in it.
shared::routes! {
    fn reference_page = [docs::docs]; // /api/docs
    fn data = [health::health, document::document]; // /health, /api/openapi.json
}
