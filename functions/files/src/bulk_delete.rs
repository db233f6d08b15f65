//! `POST /api/files/bulk-delete`

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Json;
use shared::models::FileIds;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct FilesDeleted {
    #[schema(example = "Deleted")]
    message: &'static str,
    /// How many.
    count: usize,
}

/// Delete many files
///
/// Ids that are no file of the caller's are as ones that are deleted already: the call can be repeated.
#[utoipa::path(
    post,
    path = "/api/files/bulk-delete",
    tag = "Files",
    operation_id = "deleteFiles",
    request_body = FileIds,
    responses((status = 201, body = FilesDeleted))
)]
pub async fn bulk_delete(
    State(app): State<App>,
    human: HumanCaller,
    Json(FileIds { ids }): Json<FileIds>,
) -> Result<(StatusCode, axum::Json<FilesDeleted>), Error> {
    let count = app.store.files().delete_many(&human, &ids).await?;
    Ok((StatusCode::CREATED, axum::Json(FilesDeleted { message: "Deleted", count })))
}
