//! `GET /api/plugins/{name}/render`

use axum::Extension;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::extract::PathId;
use shared::storage::Store;

use crate::catalogue::Plugins;

/// The page of a plugin's frame
///
/// For `<iframe sandbox="allow-scripts">` in a page of this site that answers its `postMessage`s
/// (`/assets/app.js` does).
#[utoipa::path(
    get,
    path = "/api/plugins/{name}/render",
    tag = "Plugins",
    operation_id = "renderPlugin",
    params(("name" = String, Path, example = "status-card")),
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub async fn render(
    State(store): State<Store>,
    human: HumanCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
) -> Result<Response, Error> {
    store.authenticate(&human, &[]).await?;
    let frame = &plugins.named(&name)?.frame;
    let policy = HeaderValue::from_str(&frame.policy).map_err(Error::internal)?;
    let headers = [(CONTENT_SECURITY_POLICY, policy), (REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
    Ok((headers, Html(frame.html.clone())).into_response())
}
