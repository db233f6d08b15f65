//! `/api/api-keys`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::extract::{self, PathId};
use shared::ids::ApiKeyId;
use shared::models::{ApiKey, NewApiKey, ShownApiKey};
use shared::storage::Store;

use crate::Deleted;

/// The caller's keys, oldest first
#[utoipa::path(
    get,
    path = "/api/api-keys",
    tag = "API keys",
    operation_id = "listApiKeys",
    responses((status = 200, body = Vec<ApiKey>))
)]
pub async fn list(State(store): State<Store>, human: HumanCaller) -> Result<Json<Vec<ApiKey>>, Error> {
    Ok(Json(store.accounts().list_api_keys(&human).await?))
}

/// Makes a key for the caller's agents, or for one of them
#[utoipa::path(
    post,
    path = "/api/api-keys",
    tag = "API keys",
    operation_id = "createApiKey",
    request_body = NewApiKey,
    responses((status = 201, body = ShownApiKey))
)]
pub async fn create(
    State(store): State<Store>,
    human: HumanCaller,
    extract::Json(new): extract::Json<NewApiKey>,
) -> Result<(StatusCode, Json<ShownApiKey>), Error> {
    let user = match new.agent_id {
        None => store.authenticate(&human, &[]).await?.0,
        Some(agent) => match store.open_channel(&human, agent, &[]).await {
            Err(Error::NotYourAgent) => {
                return Err(Error::field(["agentId".into()], "unknown_agent", "agentId must name one of your agents"));
            }
            opened => opened?.0.owner(),
        },
    };
    Ok((StatusCode::CREATED, Json(store.accounts().create_api_key(user, new).await?)))
}

/// Gives a key a new secret; the old one is refused from then on
#[utoipa::path(
    post,
    path = "/api/api-keys/{id}/rotate",
    tag = "API keys",
    operation_id = "rotateApiKey",
    params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = ShownApiKey))
)]
pub async fn rotate(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<ShownApiKey>, Error> {
    Ok(Json(store.accounts().rotate_api_key(&human, id).await?))
}

/// Revokes a key
#[utoipa::path(
    delete,
    path = "/api/api-keys/{id}",
    tag = "API keys",
    operation_id = "deleteApiKey",
    params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = Deleted))
)]
pub async fn delete(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<Deleted>, Error> {
    store.accounts().delete_api_key(&human, id).await?;
    Ok(Json(Deleted { deleted: true }))
}
