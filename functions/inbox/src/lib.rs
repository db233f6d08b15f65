//! `/api/messages`: what people read, write and answer.

mod create;
mod list;
mod respond;
mod reviews;

use axum::Router;
use axum::routing::{get, post};
use shared::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/messages", get(list::list).post(create::create))
        .route("/api/messages/reviews", get(reviews::reviews))
        .route("/api/messages/{id}/respond", post(respond::respond))
}
