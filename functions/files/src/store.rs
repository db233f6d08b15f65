//! `POST /api/v1/files/store` and `POST /api/files/store`: a file for a later message.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::caller::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::IdempotencyKey;
use shared::http::upload::{Upload, UploadForm};
use shared::models::Attachment;
use shared::storage::CallOf;

/// Store a file for a later message
#[utoipa::path(
    post,
    path = "/api/v1/files/store",
    tag = "Files",
    operation_id = "storeFile",
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
    store(&app, (&agent).into(), upload, key).await
}

/// Store a file for a later message, as a person
#[utoipa::path(
    post,
    path = "/api/files/store",
    tag = "Files",
    operation_id = "storeOwnFile",
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
    store(&app, (&human).into(), upload, key).await
}

async fn store(
    app: &App,
    caller: Caller,
    upload: Upload,
    key: IdempotencyKey,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    let once = key.of(|| upload.hash());
    let stored = app.store.files().create(caller, &upload.channel_id, CallOf::Store, upload.file, once).await?;
    Ok((StatusCode::CREATED, Json(stored)))
}
