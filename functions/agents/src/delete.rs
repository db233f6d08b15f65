//! `DELETE /api/agents/{id}` and `DELETE /api/v1/agents/{id}`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::caller::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::storage::DELETION_TIME;
use utoipa::ToSchema;

/// Something is gone.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Always true
    deleted: bool,
}

/// Removes an agent with its messages, reviews and files
///
/// The agent is out of sight at once. 503 `still_removing` when there is more than one call has
/// time for: repeat it, and it continues.
#[utoipa::path(
    delete,
    path = "/api/agents/{id}",
    tag = "People: agents",
    operation_id = "deleteMyAgent",
    params(("id" = AgentId, Path)),
    responses((status = 200, body = Deleted))
)]
pub async fn as_person(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
) -> Result<Json<Deleted>, Error> {
    delete(&app, (&human).into(), id).await
}

/// Removes an agent with its messages, reviews and files
///
/// As `DELETE /api/agents/{id}`. Sub-agents stay, as agents of their own.
#[utoipa::path(
    delete,
    path = "/api/v1/agents/{id}",
    tag = "Agents",
    operation_id = "deleteAgent",
    params(("id" = AgentId, Path)),
    responses((status = 200, body = Deleted))
)]
pub async fn as_agent(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<AgentId>,
) -> Result<Json<Deleted>, Error> {
    delete(&app, (&agent).into(), id).await
}

async fn delete(app: &App, caller: Caller, id: AgentId) -> Result<Json<Deleted>, Error> {
    let (owner, _) = app.store.authenticate(caller, &[]).await?;
    app.store.agents().delete(owner, id, DELETION_TIME).await?;
    Ok(Json(Deleted { deleted: true }))
}
