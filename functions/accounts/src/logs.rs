//! `GET /api/logs` and `GET /api/logs/{id}`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::extract::{PathId, Query};
use shared::ids::LogId;
use shared::models::request_log::{ListLogs, LogEntry, LogPage};
use shared::storage::Store;

/// The calls that the caller's agents made in the last 7 days, newest first
///
/// Entries are written in the background of the calls, so the log may miss one.
#[utoipa::path(
    get,
    path = "/api/logs",
    tag = "Logs",
    operation_id = "listLogs",
    params(ListLogs),
    responses((status = 200, body = LogPage))
)]
pub async fn list(
    State(store): State<Store>,
    human: HumanCaller,
    Query(request): Query<ListLogs>,
) -> Result<Json<LogPage>, Error> {
    Ok(Json(store.request_log().list(&human, &request).await?))
}

/// One entry of that log
#[utoipa::path(
    get,
    path = "/api/logs/{id}",
    tag = "Logs",
    operation_id = "getLog",
    params(("id" = LogId, Path)),
    responses((status = 200, body = LogEntry))
)]
pub async fn get(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<LogId>,
) -> Result<Json<LogEntry>, Error> {
    Ok(Json(store.request_log().get(&human, id).await?))
}
