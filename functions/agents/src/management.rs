//! `POST /api/v1/agents/setManagement`, and the routes of Placet that this service answers with 501. They are not in
//! the API's description.

use axum::extract::State;
use shared::caller::{AgentCaller, HumanCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Json;
use shared::ids::{AgentId, Nil};
use shared::models::{Agent, SetManagement};
use shared::storage::{SealedManagement, Store};

/// Sets where an agent can be managed, or takes it away
///
/// The URL and its API key are stored, the key encrypted, and shown on the agent's page, the key as `***`.
/// This service does not call the URL. 404 for an agent that is not the caller's.
#[utoipa::path(
    post,
    path = "/api/v1/agents/setManagement",
    tag = "Agents",
    operation_id = "setManagement",
    request_body = SetManagement,
    responses((status = 200, body = Agent))
)]
pub async fn set(
    State(app): State<App>,
    agent: AgentCaller,
    Json(set): Json<SetManagement>,
) -> Result<axum::Json<Agent>, Error> {
    let id = AgentId::parse_or_nil(&set.channel_id);
    let channel = app.store.agents().get(&agent, id).await?;
    let seal = |it| SealedManagement::of(it, id, app.secrets.current()?);
    let management = set.management().map(seal).transpose()?;
    Ok(axum::Json(app.store.agents().set_management(&channel, management).await?))
}

/// Anything under `/api/agents/{id}/manage` and `/api/manage`: the proxy to agents' management APIs, which
/// this service does not have.
pub async fn proxy(State(store): State<Store>, human: HumanCaller) -> Result<(), Error> {
    store.authenticate(&human, &[]).await?;
    Err(Error::NotImplemented("This service does not call the management API of agents: use it at managementUrl."))
}

/// `GET /api/v1/oauth/callback`: the relay of OAuth codes, which this service does not have.
pub async fn oauth() -> Error {
    Error::NotImplemented("This service does not relay OAuth codes: let the provider redirect to the agent itself.")
}
