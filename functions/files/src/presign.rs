//! `POST /api/v1/files/presign` and `POST /api/files/presign`: a file that goes straight to
//! storage.

use axum::extract::State;
use http::StatusCode;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{HashedJson, IdempotencyKey};
use shared::models::{AnnounceFile, Announced};
use shared::storage::IdempotentCall;

/// Announce a file of up to 5 GB, to be PUT straight to storage
///
/// PUT the bytes to `upload.url` with exactly `upload.headers`. The attachment is usable once
/// they are there with the announced size; without them it goes after 24 hours.
#[utoipa::path(
    post,
    path = "/api/v1/files/presign",
    tag = "Files",
    operation_id = "presignFile",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives what was made")),
    request_body = AnnounceFile,
    responses(
        (status = 201, body = Announced),
        (status = 409, description = "`idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn for_agent(
    State(app): State<App>,
    agent: AgentCaller,
    key: IdempotencyKey,
    HashedJson { body, hash }: HashedJson<AnnounceFile>,
) -> Result<(StatusCode, axum::Json<Announced>), Error> {
    announce(&app, (&agent).into(), body, key.of(|| hash)).await
}

/// Announce a file of up to 5 GB, to be PUT straight to storage, as a person
#[utoipa::path(
    post,
    path = "/api/files/presign",
    tag = "Files",
    operation_id = "presignOwnFile",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives what was made")),
    request_body = AnnounceFile,
    responses(
        (status = 201, body = Announced),
        (status = 409, description = "`idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn for_human(
    State(app): State<App>,
    human: HumanCaller,
    key: IdempotencyKey,
    HashedJson { body, hash }: HashedJson<AnnounceFile>,
) -> Result<(StatusCode, axum::Json<Announced>), Error> {
    announce(&app, (&human).into(), body, key.of(|| hash)).await
}

async fn announce(
    app: &App,
    caller: Caller,
    announced: AnnounceFile,
    once: Option<IdempotentCall>,
) -> Result<(StatusCode, axum::Json<Announced>), Error> {
    let (file, target) = app.store.files().create_direct_upload(caller, announced, once).await?;
    Ok((StatusCode::CREATED, axum::Json(Announced::new(file, target))))
}
