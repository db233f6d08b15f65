//! `GET /api/v1/files/{id}/download` and `GET /api/files/{id}/download`: the bytes, or where to
//! get them.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use shared::app::App;
use shared::auth::{AgentCaller, HumanCaller};
use shared::error::Error;
use shared::extract::PathId;
use shared::ids::FileId;

use crate::serve::{self, FileBytes};

/// A file's bytes
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}/download",
    tag = "Files",
    operation_id = "downloadFile",
    params(("id" = FileId, Path)),
    responses(
        (status = 200, description = "The bytes, inline under the file's name", body = FileBytes, content_type = "*/*"),
        (status = 302, description = "The file has more than 4.5 MB: a storage URL, good for five minutes"),
        (status = 304, description = "If-None-Match names the file's ETag"),
    )
)]
pub async fn for_agent(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<FileId>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let file = app.store.file(&agent, id).await?;
    serve::file(&app, &file, &headers).await
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
        (status = 302, description = "The file has more than 4.5 MB: a storage URL, good for five minutes"),
        (status = 304, description = "If-None-Match names the file's ETag"),
    )
)]
pub async fn for_human(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<FileId>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let file = app.store.file(&human, id).await?;
    serve::file(&app, &file, &headers).await
}
