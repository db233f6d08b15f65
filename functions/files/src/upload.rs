//! `POST /api/v1/files/upload` and `POST /api/files/upload`: a file with a message that holds it.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::app::App;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::extract::{Upload, UploadForm};
use shared::models::Attachment;
use shared::storage::{Begun, Draft};

/// Upload a file, with a message that holds it
#[utoipa::path(
    post,
    path = "/api/v1/files/upload",
    tag = "Files",
    operation_id = "uploadFile",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment))
)]
pub async fn for_agent(
    State(app): State<App>,
    agent: AgentCaller,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    send(&app, (&agent).into(), upload).await
}

/// Upload a file, with a message from the caller that holds it
#[utoipa::path(
    post,
    path = "/api/files/upload",
    tag = "Files",
    operation_id = "uploadOwnFile",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment))
)]
pub async fn for_human(
    State(app): State<App>,
    human: HumanCaller,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    send(&app, (&human).into(), upload).await
}

async fn send(app: &App, caller: Caller, upload: Upload) -> Result<(StatusCode, Json<Attachment>), Error> {
    let Begun::New(opening) = app.store.begin_message(caller, &upload.channel_id, None, &[]).await? else {
        return Err(Error::internal("an upload without a client id was a repeat"));
    };
    let placed = app.store.place(&opening.channel, vec![upload.file]).await?;
    let message = app.store.create_message(opening, Draft { placed, ..Draft::default() }).await?;
    let file = message.attachments.into_iter().next();
    Ok((StatusCode::CREATED, Json(file.ok_or_else(|| Error::internal("an upload's message has no file"))?)))
}
