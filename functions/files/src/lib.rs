//! `/api/v1/files` and `/api/files`: bytes in and out.

mod download;
mod list;
mod store;
mod upload;

use axum::Router;
use axum::routing::{get, post};
use shared::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/files", get(list::list))
        .route("/api/v1/files/store", post(store::store))
        .route("/api/v1/files/upload", post(upload::upload))
        .route("/api/v1/files/{id}/download", get(download::for_agent))
        .route("/api/files/{id}/download", get(download::for_human))
}
