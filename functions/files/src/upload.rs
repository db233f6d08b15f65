//! `POST /api/v1/files/upload`: a file with a message that holds it.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::app::App;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::extract::Upload;
use shared::models::Attachment;
use shared::storage::{Begun, Draft};

pub async fn upload(
    State(app): State<App>,
    agent: AgentCaller,
    upload: Upload,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    let Begun::New(opening) = app.store.begin_message(&agent, &upload.channel_id, None, &[]).await? else {
        return Err(Error::internal("an upload without a client id was a repeat"));
    };
    let mut file = app.store.place(&opening.channel, &app.blobs, upload.file).await?;
    let draft = Draft { placed: vec![file.clone()], ..Draft::default() };
    file.message_id = Some(app.store.create_message(opening, draft).await?.id);
    Ok((StatusCode::CREATED, Json(file)))
}
