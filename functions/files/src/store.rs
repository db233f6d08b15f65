//! `POST /api/v1/files/store`: a file for a later message.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::app::App;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::extract::Upload;
use shared::models::Attachment;

pub async fn store(
    State(app): State<App>,
    agent: AgentCaller,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    let (channel, _) = app.store.open(&agent, upload.channel_id.parse().ok(), &[]).await?;
    let file = app.store.place(&channel, &app.blobs, upload.file).await?;
    app.store.keep(&channel, &file).await?;
    Ok((StatusCode::CREATED, Json(file)))
}
