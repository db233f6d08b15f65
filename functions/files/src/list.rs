//! `GET /api/v1/files`

use axum::Json;
use axum::extract::State;
use shared::app::App;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::extract::{InChannel, Query};
use shared::models::Attachment;

pub async fn list(
    State(app): State<App>,
    agent: AgentCaller,
    Query(InChannel { channel }): Query<InChannel>,
) -> Result<Json<Vec<Attachment>>, Error> {
    Ok(Json(app.store.files_in(&agent, channel).await?))
}
