//! `POST /api/v1/files/upload` and `POST /api/files/upload`: a file with a message that holds it.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::caller::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::IdempotencyKey;
use shared::http::upload::{Upload, UploadForm};
use shared::models::Attachment;

/// Upload a file, with a message that holds it
#[utoipa::path(
    post,
    path = "/api/v1/files/upload",
    tag = "Files",
    operation_id = "uploadFile",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives what was made")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Attachment),
        (status = 409, description = "`idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn as_agent(
    State(app): State<App>,
    agent: AgentCaller,
    key: IdempotencyKey,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    send(&app, (&agent).into(), upload, key).await
}

/// Upload a file, with a message from the caller that holds it
#[utoipa::path(
    post,
    path = "/api/files/upload",
    tag = "Files",
    operation_id = "uploadOwnFile",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives what was made")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Attachment),
        (status = 409, description = "`idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn as_person(
    State(app): State<App>,
    human: HumanCaller,
    key: IdempotencyKey,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    send(&app, (&human).into(), upload, key).await
}

async fn send(
    app: &App,
    caller: Caller,
    upload: Upload,
    key: IdempotencyKey,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    let once = key.of(|| upload.hash());
    let file = app.store.messages().create_for_upload(caller, &upload.channel_id, upload.file, once).await?;
    Ok((StatusCode::CREATED, Json(file)))
}
