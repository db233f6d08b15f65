//! `POST /api/v1/files/store-text`: a file whose content comes as JSON.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{HashedJson, IdempotencyKey};
use shared::models::{Attachment, StoreText};
use shared::storage::CallOf;

/// Store a text as a file for a later message
#[utoipa::path(
    post,
    path = "/api/v1/files/store-text",
    tag = "Files",
    operation_id = "storeTextFile",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives what was made")),
    request_body = StoreText,
    responses(
        (status = 201, body = Attachment),
        (status = 409, description = "`idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn store_text(
    State(app): State<App>,
    agent: AgentCaller,
    key: IdempotencyKey,
    HashedJson { body, hash }: HashedJson<StoreText>,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    let channel_id = body.channel_id.clone();
    let once = key.of(|| hash);
    let stored = app.store.files().create(&agent, &channel_id, CallOf::StoreText, body.into(), once).await?;
    Ok((StatusCode::CREATED, Json(stored)))
}
