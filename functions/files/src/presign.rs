//! `POST /api/v1/files/presign` and `POST /api/files/presign`: a file that goes straight to
//! storage.

use axum::extract::State;
use http::StatusCode;
use shared::app::App;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::extract::Json;
use shared::models::{AnnounceFile, Announced};

/// Announce a file of up to 5 GB, to be PUT straight to storage
///
/// PUT the bytes to `upload.url` with exactly `upload.headers`. The attachment is usable once
/// they are there with the announced size; without them it goes after 24 hours.
#[utoipa::path(
    post,
    path = "/api/v1/files/presign",
    tag = "Files",
    operation_id = "presignFile",
    request_body = AnnounceFile,
    responses((status = 201, body = Announced))
)]
pub async fn for_agent(
    State(app): State<App>,
    agent: AgentCaller,
    Json(announced): Json<AnnounceFile>,
) -> Result<(StatusCode, axum::Json<Announced>), Error> {
    announce(&app, (&agent).into(), announced).await
}

/// Announce a file of up to 5 GB, to be PUT straight to storage, as a person
#[utoipa::path(
    post,
    path = "/api/files/presign",
    tag = "Files",
    operation_id = "presignOwnFile",
    request_body = AnnounceFile,
    responses((status = 201, body = Announced))
)]
pub async fn for_human(
    State(app): State<App>,
    human: HumanCaller,
    Json(announced): Json<AnnounceFile>,
) -> Result<(StatusCode, axum::Json<Announced>), Error> {
    announce(&app, (&human).into(), announced).await
}

async fn announce(
    app: &App,
    caller: Caller,
    announced: AnnounceFile,
) -> Result<(StatusCode, axum::Json<Announced>), Error> {
    let (channel, _) = app.store.open(caller, announced.channel_id.parse().ok(), &[]).await?;
    let (file, target) = app.store.announce(&channel, announced).await?;
    Ok((StatusCode::CREATED, axum::Json(Announced::new(file, target))))
}
