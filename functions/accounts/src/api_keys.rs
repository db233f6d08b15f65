//! `/api/api-keys`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::extract::{self, PathId};
use shared::ids::ApiKeyId;
use shared::models::{ApiKey, NewApiKey, ShownApiKey};
use shared::storage::Store;

pub async fn list(State(store): State<Store>, human: HumanCaller) -> Result<Json<Vec<ApiKey>>, Error> {
    Ok(Json(store.api_keys_of(&human).await?))
}

pub async fn create(
    State(store): State<Store>,
    human: HumanCaller,
    extract::Json(new): extract::Json<NewApiKey>,
) -> Result<(StatusCode, Json<ShownApiKey>), Error> {
    let (user, _) = store.admit(&human, &[]).await?;
    Ok((StatusCode::CREATED, Json(store.create_api_key(user, new.label).await?)))
}

pub async fn rotate(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<ShownApiKey>, Error> {
    Ok(Json(store.rotate_api_key(&human, id).await?))
}

pub async fn delete(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<Value>, Error> {
    store.delete_api_key(&human, id).await?;
    Ok(Json(json!({ "deleted": true })))
}
