//! `POST /api/v1/agents` and `POST /api/agents`

use axum::extract::State;
use http::StatusCode;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::extract::Json;
use shared::models::{AgentWithSecret, CreateAgent};
use shared::storage::Store;

type Created = Result<(StatusCode, axum::Json<AgentWithSecret>), Error>;

/// Makes an agent, which is also a channel
///
/// With a `webhookUrl` the answer shows, once, the secret that signs what is sent there.
#[utoipa::path(
    post,
    path = "/api/v1/agents",
    tag = "Agents",
    operation_id = "createAgent",
    request_body = CreateAgent,
    responses((status = 201, body = AgentWithSecret))
)]
pub async fn by_agent(State(store): State<Store>, agent: AgentCaller, Json(new): Json<CreateAgent>) -> Created {
    create(&store, (&agent).into(), new).await
}

/// Makes an agent, which is also a channel
///
/// With a `webhookUrl` the answer shows, once, the secret that signs what is sent there.
#[utoipa::path(
    post,
    path = "/api/agents",
    tag = "People: agents",
    operation_id = "createMyAgent",
    request_body = CreateAgent,
    responses((status = 201, body = AgentWithSecret))
)]
pub async fn by_human(State(store): State<Store>, human: HumanCaller, Json(new): Json<CreateAgent>) -> Created {
    create(&store, (&human).into(), new).await
}

async fn create(store: &Store, caller: Caller, new: CreateAgent) -> Created {
    let (owner, _) = store.admit(caller, &[]).await?;
    if let Some(url) = &new.webhook_url {
        url.check_target("webhookUrl").await?;
    }
    Ok((StatusCode::CREATED, axum::Json(store.create_agent(owner, new).await?)))
}
