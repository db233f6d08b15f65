//! `GET /api/messages/{id}`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::MessageId;
use shared::models::{Message, Surface};

/// One message, opened: its review has been seen from then on
#[utoipa::path(
    get,
    path = "/api/messages/{id}",
    tag = "Inbox",
    operation_id = "openMessage",
    params(("id" = MessageId, Path)),
    responses((status = 200, body = Message))
)]
pub async fn get(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
) -> Result<Json<Message>, Error> {
    let opened = app.store.messages().load(&human, id.channel(), id).await;
    let (channel, message) = opened.map_err(|err| err.or_not_found("message"))?;
    let message = app.store.reviews().resolve_expiry(message).await?;
    let message = app.store.reviews().mark_seen(&channel, message, Surface::Api).await?;
    Ok(Json(app.blobs.with_text(message.for_humans()).await?))
}
