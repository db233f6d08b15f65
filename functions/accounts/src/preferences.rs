//! `/api/preferences`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::extract;
use shared::models::{PatchPreferences, Preferences};
use shared::storage::Store;

/// What the caller prefers
#[utoipa::path(
    get,
    path = "/api/preferences",
    tag = "Preferences",
    operation_id = "getPreferences",
    responses((status = 200, body = Preferences))
)]
pub async fn get(State(store): State<Store>, human: HumanCaller) -> Result<Json<Preferences>, Error> {
    Ok(Json(store.accounts().preferences(&human).await?))
}

/// Changes what the caller prefers
#[utoipa::path(
    patch,
    path = "/api/preferences",
    tag = "Preferences",
    operation_id = "updatePreferences",
    request_body = PatchPreferences,
    responses((status = 200, body = Preferences))
)]
pub async fn change(
    State(store): State<Store>,
    human: HumanCaller,
    extract::Json(patch): extract::Json<PatchPreferences>,
) -> Result<Json<Preferences>, Error> {
    Ok(Json(store.accounts().update_preferences(&human, patch).await?))
}
