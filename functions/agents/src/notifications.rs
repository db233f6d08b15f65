//! `/api/agents/{id}/notifications`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::extract::{self, PathId};
use shared::ids::AgentId;
use shared::models::{AgentNotifications, PatchAgentNotifications};
use shared::storage::Store;

/// How the caller is notified of an agent's requests
#[utoipa::path(
    get,
    path = "/api/agents/{id}/notifications",
    tag = "Notifications",
    operation_id = "getMyAgentNotifications",
    params(("id" = AgentId, Path)),
    responses((status = 200, body = AgentNotifications))
)]
pub async fn get(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
) -> Result<Json<AgentNotifications>, Error> {
    Ok(Json(store.agents().notifications(&human, id).await?))
}

/// Changes how the caller is notified of an agent's requests, or mutes it for a time
#[utoipa::path(
    patch,
    path = "/api/agents/{id}/notifications",
    tag = "Notifications",
    operation_id = "updateMyAgentNotifications",
    params(("id" = AgentId, Path)),
    request_body = PatchAgentNotifications,
    responses((status = 200, body = AgentNotifications))
)]
pub async fn update(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
    extract::Json(patch): extract::Json<PatchAgentNotifications>,
) -> Result<Json<AgentNotifications>, Error> {
    Ok(Json(store.agents().update_notifications(&human, id, &patch).await?))
}
