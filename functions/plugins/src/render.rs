//! `GET /api/plugins/{name}/render`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use utoipa::ToSchema;

use crate::catalogue::Plugins;
use crate::settings::{Found, find, value_of};

/// The page of a plugin's frame as data
#[derive(Serialize, ToSchema)]
#[schema(as = RenderedPlugin)]
pub struct Rendered {
    html: String,
    /// Its settings, but for secret ones
    env: BTreeMap<String, String>,
}

/// The page of a plugin's frame
///
/// For `<iframe sandbox="allow-scripts">` in a page of this site that answers its `postMessage`s
/// (`/assets/app.js` does). With `Accept: application/json` it is `{html, env}`.
#[utoipa::path(
    get,
    path = "/api/plugins/{name}/render",
    tag = "Plugins",
    operation_id = "renderPlugin",
    params(("name" = String, Path, example = "status-card")),
    responses((status = 200, content((String = "text/html"), (Rendered = "application/json"))))
)]
pub async fn render(
    State(app): State<App>,
    human: HumanCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Found { plugin, env, .. } = find(&app, &human, &plugins, &name).await?;
    if env.is_disabled {
        return Err(Error::NotFound("plugin"));
    }
    let frame = &plugin.frame;
    if headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/json")) {
        let open = plugin.manifest.env().iter().filter(|entry| !entry.secret);
        let value = |entry: &crate::manifest::EnvEntry| {
            let value = value_of(plugin, entry, &env, &app.secrets).or_else(|| entry.default.clone())?;
            Some((entry.key.clone(), value))
        };
        return Ok(Json(Rendered { html: frame.html.clone(), env: open.filter_map(value).collect() }).into_response());
    }
    let policy = HeaderValue::from_str(&frame.policy).map_err(Error::internal)?;
    let headers = [(CONTENT_SECURITY_POLICY, policy), (REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
    Ok((headers, Html(frame.html.clone())).into_response())
}
