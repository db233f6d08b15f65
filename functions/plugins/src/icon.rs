//! `GET /api/plugins/{name}/icon`

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use shared::error::Error;
use shared::http::extract::PathId;

use crate::catalogue::Plugins;

/// An SVG image that somebody opens as a page runs nothing and loads nothing.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'";

/// The icon of a plugin
///
/// Without authentication, as pictures in pages are loaded.
#[utoipa::path(
    get,
    path = "/api/plugins/{name}/icon",
    tag = "Plugins",
    operation_id = "getPluginIcon",
    security(()),
    params(("name" = String, Path, example = "status-card")),
    responses((status = 200, body = Vec<u8>, content_type = "image/svg+xml"))
)]
pub async fn icon(Extension(plugins): Extension<Plugins>, PathId(name): PathId<String>) -> Result<Response, Error> {
    let icon = plugins.named(&name)?.icon.clone().ok_or(Error::NotFound("icon"))?;
    let headers =
        [(CONTENT_TYPE, icon.mime_type), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "public, max-age=3600")];
    Ok((headers, icon.bytes).into_response())
}
