//! `POST /api/v1/files/store` and `POST /api/files/store`: a file for a later message.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::app::App;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::extract::{Upload, UploadForm};
use shared::models::{Attachment, NewFile};

/// Store a file for a later message
#[utoipa::path(
    post,
    path = "/api/v1/files/store",
    tag = "Files",
    operation_id = "storeFile",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment))
)]
pub async fn for_agent(
    State(app): State<App>,
    agent: AgentCaller,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    store(&app, (&agent).into(), &upload.channel_id, upload.file).await
}

/// Store a file for a later message, as a person
#[utoipa::path(
    post,
    path = "/api/files/store",
    tag = "Files",
    operation_id = "storeOwnFile",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment))
)]
pub async fn for_human(
    State(app): State<App>,
    human: HumanCaller,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    store(&app, (&human).into(), &upload.channel_id, upload.file).await
}

pub async fn store(
    app: &App,
    caller: Caller,
    channel_id: &str,
    file: NewFile,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    let (channel, _) = app.store.open(caller, channel_id.parse().ok(), &[]).await?;
    Ok((StatusCode::CREATED, Json(app.store.store_file(&channel, file).await?)))
}
