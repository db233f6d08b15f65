//! `GET /assets/{name}`: the files of `web/assets`, compiled in.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use shared::error::Error;

pub async fn asset(Path(name): Path<String>) -> Result<Response, Error> {
    let (kind, content) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", include_str!("../../../web/assets/style.css")),
        "docs.css" => ("text/css; charset=utf-8", include_str!("../../../web/assets/docs.css")),
        "icon.svg" => ("image/svg+xml", include_str!("../../../web/assets/icon.svg")),
        "plugin-host.js" => ("text/javascript; charset=utf-8", include_str!("../../../web/assets/plugin-host.js")),
        _ => return Err(Error::NotFound("file")),
    };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=300")], content).into_response())
}
