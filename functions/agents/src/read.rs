//! `POST /api/agents/{id}/read`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::models::ReadMark;
use shared::storage::Store;

/// Marks all that the agent wrote until now as read
#[utoipa::path(
    post,
    path = "/api/agents/{id}/read",
    tag = "People: agents",
    operation_id = "markMyAgentRead",
    params(("id" = AgentId, Path)),
    responses((status = 201, body = ReadMark))
)]
pub async fn mark(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
) -> Result<(StatusCode, Json<ReadMark>), Error> {
    let channel = store.agents().get(&human, id).await?;
    let mark = store.agents().mark_read(&channel).await.map_err(|err| err.or_not_found("agent"))?;
    Ok((StatusCode::CREATED, Json(mark)))
}
