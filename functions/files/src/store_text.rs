//! `POST /api/v1/files/store-text`: a file whose content comes as JSON.

use axum::extract::State;
use http::StatusCode;
use shared::app::App;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::extract::Json;
use shared::models::{Attachment, StoreText};

use crate::store;

/// Store a text as a file for a later message
#[utoipa::path(
    post,
    path = "/api/v1/files/store-text",
    tag = "Files",
    operation_id = "storeTextFile",
    request_body = StoreText,
    responses((status = 201, body = Attachment))
)]
pub async fn store_text(
    State(app): State<App>,
    agent: AgentCaller,
    Json(text): Json<StoreText>,
) -> Result<(StatusCode, axum::Json<Attachment>), Error> {
    let channel_id = text.channel_id.clone();
    store::store(&app, (&agent).into(), &channel_id, text.into()).await
}
