//! `GET /api/v1/files/{id}/download` and `GET /api/files/{id}/download`: the bytes, or where to
//! get them.

use axum::extract::State;
use axum::response::Response;
use shared::auth::{AgentCaller, HumanCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::FileId;

use crate::serve::{self, Asked, FileBytes};

/// A file's bytes
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}/download",
    tag = "Files",
    operation_id = "downloadFile",
    params(("id" = FileId, Path)),
    responses(
        (status = 200, description = "The bytes, inline under the file's name", body = FileBytes, content_type = "*/*"),
        (status = 206, description = "The part that `Range` names: one range of bytes. Several are answered with the whole file", body = FileBytes, content_type = "*/*"),
        (status = 302, description = "The file has more than 4.5 MB: a storage URL, good for five minutes"),
        (status = 304, description = "If-None-Match names the file's ETag"),
        (status = 416, description = "`range_not_satisfiable`: the range begins behind the file's end"),
    )
)]
pub async fn for_agent(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<FileId>,
    asked: Asked,
) -> Result<Response, Error> {
    let file = app.store.files().get(&agent, id).await?;
    serve::file(&app, &file, &asked).await
}

/// A file's bytes, for a person
#[utoipa::path(
    get,
    path = "/api/files/{id}/download",
    tag = "Files",
    operation_id = "downloadOwnFile",
    params(("id" = FileId, Path)),
    responses(
        (status = 200, description = "The bytes, inline under the file's name", body = FileBytes, content_type = "*/*"),
        (status = 206, description = "The part that `Range` names: one range of bytes. Several are answered with the whole file", body = FileBytes, content_type = "*/*"),
        (status = 302, description = "The file has more than 4.5 MB: a storage URL, good for five minutes"),
        (status = 304, description = "If-None-Match names the file's ETag"),
        (status = 416, description = "`range_not_satisfiable`: the range begins behind the file's end"),
    )
)]
pub async fn for_human(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<FileId>,
    asked: Asked,
) -> Result<Response, Error> {
    let file = app.store.files().get(&human, id).await?;
    serve::file(&app, &file, &asked).await
}
