//! `GET /api/logs`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::extract::Query;
use shared::models::request_log::{ListLogs, LogPage};
use shared::storage::Store;

/// The calls that the caller's agents made in the last 7 days, newest first
///
/// Kept beside the calls, not by them: the log is there to look into, and may miss one.
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
