//! `POST /api/v1/agents` and `POST /api/agents`

use axum::extract::State;
use http::StatusCode;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::http::extract::{HashedJson, IdempotencyKey};
use shared::models::{AgentWithSecret, CreateAgent};
use shared::storage::{IdempotentCall, Store};

type Created = Result<(StatusCode, axum::Json<AgentWithSecret>), Error>;

/// Makes an agent, which is also a channel
///
/// With a `webhookUrl` the answer shows, once, the secret that signs what is sent there.
#[utoipa::path(
    post,
    path = "/api/v1/agents",
    tag = "Agents",
    operation_id = "createAgent",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives what was made")),
    request_body = CreateAgent,
    responses(
        (status = 201, body = AgentWithSecret),
        (status = 409, description = "`idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn by_agent(
    State(store): State<Store>,
    agent: AgentCaller,
    key: IdempotencyKey,
    HashedJson { body, hash }: HashedJson<CreateAgent>,
) -> Created {
    create(&store, (&agent).into(), body, key.of(|| hash)).await
}

/// Makes an agent, which is also a channel
///
/// With a `webhookUrl` the answer shows, once, the secret that signs what is sent there.
#[utoipa::path(
    post,
    path = "/api/agents",
    tag = "People: agents",
    operation_id = "createMyAgent",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives what was made")),
    request_body = CreateAgent,
    responses(
        (status = 201, body = AgentWithSecret),
        (status = 409, description = "`idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn by_human(
    State(store): State<Store>,
    human: HumanCaller,
    key: IdempotencyKey,
    HashedJson { body, hash }: HashedJson<CreateAgent>,
) -> Created {
    create(&store, (&human).into(), body, key.of(|| hash)).await
}

async fn create(store: &Store, caller: Caller, new: CreateAgent, once: Option<IdempotentCall>) -> Created {
    let opening = store.agents().prepare(caller, once).await?;
    if let Some(earlier) = opening.earlier {
        return Ok((StatusCode::CREATED, axum::Json(earlier)));
    }
    if let Some(url) = &new.webhook_url {
        url.check_target("webhookUrl").await?;
    }
    Ok((StatusCode::CREATED, axum::Json(store.agents().create(opening, new).await?)))
}
