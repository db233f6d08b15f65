//! The HTTP layer: everything around the handlers.
//!
//! - [`app`]: the state of every router
//! - [`routes`]: one list of handlers makes a group's router and its OpenAPI description
//! - [`envelope`]: request ids, the cost of each request, the log line; [`error_body`]: error responses
//! - [`auth`]: extractors that say who calls; [`session_cookie`], [`device_cookie`]: their cookies
//! - [`extract`]: extractors of JSON bodies, queries, and path ids; [`body`]: reading a body
//!   within bounds; [`upload`], [`form_data`]: multipart forms
//! - [`site`], [`origin`]: the hosts that the service answers at; the origin of a request
//! - [`waits`]: waiting for reviews
//! - [`cors`], [`normal_path`]: middleware

pub mod app;
pub mod auth;
pub mod body;
pub mod cors;
pub mod device_cookie;
pub mod envelope;
pub mod error_body;
pub mod extract;
pub mod form_data;
pub mod normal_path;
pub mod origin;
pub mod routes;
pub mod session_cookie;
pub mod site;
pub mod upload;
pub mod waits;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};

pub use app::App;
pub use error_body::{ErrorBody, Rendered};

use crate::error::Error;

/// Routes, ready to be served: unknown paths answered, and `envelope` around everything. A
/// router's own middleware, which is given no state, finds the bucket and the hosts as extensions.
pub fn service(routes: Router<App>, app: App) -> Router {
    let routes = routes.fallback(async || Error::NotFound("path"));
    let routes = routes.layer(Extension(app.blobs.clone())).layer(Extension(app.site.clone()));
    let routes = routes.layer(from_fn(normal_path::redirect));
    let routes = routes.layer(from_fn_with_state(app.cors.clone(), cors::on_agents_api));
    routes.layer(from_fn_with_state(app.clone(), envelope::wrap)).with_state(app)
}
