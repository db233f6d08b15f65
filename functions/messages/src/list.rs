//! `GET /api/v1/messages`

use axum::Json;
use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{InChannel, Query};
use shared::models::{ListMessages, MessageList};
use shared::storage::PageRequest;

/// Messages of a channel, newest first
#[utoipa::path(
    get,
    path = "/api/v1/messages",
    tag = "Messages",
    operation_id = "listMessages",
    params(InChannel, PageRequest),
    responses((status = 200, body = MessageList))
)]
pub async fn list(
    State(app): State<App>,
    agent: AgentCaller,
    Query(query): Query<ListMessages>,
) -> Result<Json<MessageList>, Error> {
    let page = app.store.messages().list(&agent, query.channel, &query.page).await?;
    let data = app.blobs.with_texts(page.found).await?;
    Ok(Json(MessageList { data, next_cursor: page.next.map(|ulid| ulid.to_string()) }))
}
