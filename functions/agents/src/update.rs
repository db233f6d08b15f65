//! `PATCH /api/agents/{id}` and `PATCH /api/v1/agents/{id}`

use axum::extract::State;
use shared::caller::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{Json, PathId};
use shared::ids::AgentId;
use shared::models::{AgentWithSecret, UpdateAgent};

/// Changes what the body names: null clears, absent leaves
///
/// A `webhookUrl` where no secret is makes one, which the answer shows, once. `webhookUrl: null`
/// takes headers, credentials and secret with it.
#[utoipa::path(
    patch,
    path = "/api/agents/{id}",
    tag = "People: agents",
    operation_id = "updateMyAgent",
    params(("id" = AgentId, Path)),
    request_body = UpdateAgent,
    responses((status = 200, body = AgentWithSecret))
)]
pub async fn as_person(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
    Json(change): Json<UpdateAgent>,
) -> Result<axum::Json<AgentWithSecret>, Error> {
    update(&app, (&human).into(), id, change).await
}

/// Changes what the body names: null clears, absent leaves
///
/// As `PATCH /api/agents/{id}`. 404 for an agent that is not the caller's.
#[utoipa::path(
    patch,
    path = "/api/v1/agents/{id}",
    tag = "Agents",
    operation_id = "updateAgent",
    params(("id" = AgentId, Path)),
    request_body = UpdateAgent,
    responses((status = 200, body = AgentWithSecret))
)]
pub async fn as_agent(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<AgentId>,
    Json(change): Json<UpdateAgent>,
) -> Result<axum::Json<AgentWithSecret>, Error> {
    update(&app, (&agent).into(), id, change).await
}

async fn update(
    app: &App,
    caller: Caller,
    id: AgentId,
    update: UpdateAgent,
) -> Result<axum::Json<AgentWithSecret>, Error> {
    let channel = app.store.agents().get(caller, id).await?;
    if let Some(url) = update.webhook_url.as_set() {
        url.check_target("webhookUrl").await?;
    }
    let changed = app.store.agents().update(&channel, update).await;
    Ok(axum::Json(changed.map_err(|err| err.or_not_found("agent"))?))
}
