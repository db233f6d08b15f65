//! `/api/auth/sessions`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::extract::PathId;
use shared::models::Session;
use shared::storage::Store;

use crate::Deleted;

/// Where the caller is signed in
///
/// The session of this call first, then the one that was refreshed last.
#[utoipa::path(
    get,
    path = "/api/auth/sessions",
    tag = "Auth",
    operation_id = "listSessions",
    responses((status = 200, body = Vec<Session>))
)]
pub async fn list(State(store): State<Store>, human: HumanCaller) -> Result<Json<Vec<Session>>, Error> {
    Ok(Json(store.accounts().list_sessions(&human).await?))
}

/// Ends one of the caller's sessions
#[utoipa::path(
    delete,
    path = "/api/auth/sessions/{id}",
    tag = "Auth",
    operation_id = "endSession",
    params(("id" = String, Path, example = "ses_01KB0000000000000000000000")),
    responses((status = 200, body = Deleted))
)]
pub async fn end(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<String>,
) -> Result<Json<Deleted>, Error> {
    store.accounts().end_session(&human, &id).await?;
    Ok(Json(Deleted { deleted: true }))
}
