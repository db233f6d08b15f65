//! `/api/api-keys`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::auth::HumanCaller;
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

/// Makes a key for the caller's agents
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
    let (user, _) = store.authenticate(&human, &[]).await?;
    Ok((StatusCode::CREATED, Json(store.accounts().create_api_key(user, new.label).await?)))
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
