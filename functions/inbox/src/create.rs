//! `POST /api/messages`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{HashedJson, IdempotencyKey};
use shared::models::{HumanMessage, Message};
use shared::storage::{NewMessage, Prepared};

/// Writes to an agent
#[utoipa::path(
    post,
    path = "/api/messages",
    tag = "Inbox",
    operation_id = "writeToAgent",
    params(("Idempotency-Key" = Option<String>, Header, description = "What `clientId` is, outside the body")),
    request_body = HumanMessage,
    responses(
        (status = 201, body = Message),
        (status = 409, description = "`idempotency_conflict`: the `clientId` was used with another body")
    )
)]
pub async fn create(
    State(app): State<App>,
    human: HumanCaller,
    key: IdempotencyKey,
    HashedJson { body, hash }: HashedJson<HumanMessage>,
) -> Result<(StatusCode, Json<Message>), Error> {
    let once = key.once(body.client_id, hash);
    let message =
        match app.store.messages().prepare_with_files(&human, &body.channel_id, once, &body.attachment_ids).await? {
            Prepared::Repeat(message) => *message,
            Prepared::New(opening) => {
                let draft = NewMessage { text: body.text, ..NewMessage::default() };
                app.store.messages().create(*opening, draft).await?
            }
        };
    Ok((StatusCode::CREATED, Json(app.blobs.with_text(message.for_humans()).await?)))
}
