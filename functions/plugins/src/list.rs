//! `GET /api/v1/plugins` and `GET /api/v1/plugins/{name}`

use axum::extract::State;
use axum::{Extension, Json};
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::extract::PathId;
use shared::storage::Store;

use crate::catalogue::Plugins;
use crate::manifest::Manifest;

/// The plugins that can draw a message, by name
#[utoipa::path(
    get,
    path = "/api/v1/plugins",
    tag = "Plugins",
    operation_id = "listPlugins",
    responses((status = 200, body = Vec<Manifest>))
)]
pub async fn list(
    State(store): State<Store>,
    agent: AgentCaller,
    Extension(plugins): Extension<Plugins>,
) -> Result<Json<Vec<Manifest>>, Error> {
    store.admit(&agent, &[]).await?;
    Ok(Json(plugins.all().map(|plugin| plugin.manifest.clone()).collect()))
}

/// One plugin
#[utoipa::path(
    get,
    path = "/api/v1/plugins/{name}",
    tag = "Plugins",
    operation_id = "getPlugin",
    params(("name" = String, Path, example = "status-card")),
    responses((status = 200, body = Manifest))
)]
pub async fn get(
    State(store): State<Store>,
    agent: AgentCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
) -> Result<Json<Manifest>, Error> {
    store.admit(&agent, &[]).await?;
    Ok(Json(plugins.named(&name)?.manifest.clone()))
}
