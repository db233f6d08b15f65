//! `POST /api/v1/agents` and `POST /api/agents`

use axum::extract::State;
use http::StatusCode;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::extract::Json;
use shared::models::{Agent, CreateAgent};
use shared::storage::Store;

type Created = Result<(StatusCode, axum::Json<Agent>), Error>;

pub async fn by_agent(State(store): State<Store>, agent: AgentCaller, Json(new): Json<CreateAgent>) -> Created {
    create(&store, (&agent).into(), new).await
}

pub async fn by_human(State(store): State<Store>, human: HumanCaller, Json(new): Json<CreateAgent>) -> Created {
    create(&store, (&human).into(), new).await
}

async fn create(store: &Store, caller: Caller, new: CreateAgent) -> Created {
    let (owner, _) = store.admit(caller, &[]).await?;
    Ok((StatusCode::CREATED, axum::Json(store.create_agent(owner, new).await?)))
}
