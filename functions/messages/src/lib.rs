//! `/api/v1/messages`: what agents send and read.

mod create;
mod delete;
mod get;
mod list;

use axum::Router;
use axum::routing::{get, post};
use shared::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/messages", post(create::create).get(list::list))
        .route("/api/v1/messages/{id}", get(get::get).delete(delete::delete))
}
