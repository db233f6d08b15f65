//! `DELETE /api/files/{id}`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::FileId;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct FileDeleted {
    #[schema(example = "Deleted")]
    message: &'static str,
}

/// Delete a file, and take it out of the message that holds it
#[utoipa::path(
    delete,
    path = "/api/files/{id}",
    tag = "Files",
    operation_id = "deleteFile",
    params(("id" = FileId, Path)),
    responses((status = 200, body = FileDeleted))
)]
pub async fn delete(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<FileId>,
) -> Result<Json<FileDeleted>, Error> {
    app.store.files().delete(&human, id).await?;
    Ok(Json(FileDeleted { message: "Deleted" }))
}
