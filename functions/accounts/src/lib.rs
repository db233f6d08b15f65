//! `/api/auth` and `/api/api-keys`: signing in, and keys for agents.

mod api_keys;
mod auth;

use axum::Router;
use axum::routing::{delete, get, post};
use shared::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/auth/login", post(auth::login))
        .route("/api/auth/logout", post(auth::logout))
        .route("/api/auth/me", get(auth::me))
        .route("/api/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/api/api-keys/{id}", delete(api_keys::delete))
        .route("/api/api-keys/{id}/rotate", post(api_keys::rotate))
}
