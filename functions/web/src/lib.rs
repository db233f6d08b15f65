//! The pages that people answer in, and `/health`. Server-rendered; everything works without
//! scripts, and nothing comes from another host.
//!
//! - `inbox`, `review`, `sign_in`: the pages
//! - `answer`: what a submitted form means as a review's response
//! - `page`: HTML responses, errors included, and who may send a form
//! - `view`: what templates show

mod answer;
mod assets;
mod health;
mod inbox;
mod page;
mod review;
mod sign_in;
mod view;

use axum::Router;
use axum::routing::{get, post};
use shared::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(inbox::inbox))
        .route("/login", get(sign_in::page).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/reviews/{id}", get(review::page).post(review::answer))
        .route("/assets/{name}", get(assets::asset))
        .route("/health", get(health::health))
}
