//! `GET /api/messages`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{InChannel, Query};
use shared::models::{ListMessages, Message, MessageList};
use shared::storage::PageRequest;

/// Messages of a channel, newest first
#[utoipa::path(
    get,
    path = "/api/messages",
    tag = "Inbox",
    operation_id = "listMessagesAsPerson",
    params(InChannel, PageRequest),
    responses((status = 200, body = MessageList))
)]
pub async fn list(
    State(app): State<App>,
    human: HumanCaller,
    Query(query): Query<ListMessages>,
) -> Result<Json<MessageList>, Error> {
    let page = app.store.messages().list(&human, query.channel, &query.page).await?;
    let data = page.found.into_iter().map(Message::for_humans).collect();
    let data = app.blobs.with_texts(data).await?;
    Ok(Json(MessageList { data, next_cursor: page.next.map(|ulid| ulid.to_string()) }))
}
