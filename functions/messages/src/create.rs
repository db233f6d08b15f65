//! `POST /api/v1/messages`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{HashedJson, IdempotencyKey};
use shared::models::{CreateMessage, Message, SentMessage};
use shared::storage::{IdempotentCall, IsUsed, NewMessage, Prepared, PreparedMessage, References, UploadedFiles};

/// Sends a message
///
/// With a review it asks people something. `clientId` or the header `Idempotency-Key` makes the
/// call safe to repeat. `supersedes` withdraws an earlier question in the same transaction.
#[utoipa::path(
    post,
    path = "/api/v1/messages",
    tag = "Messages",
    operation_id = "createMessage",
    params(("Idempotency-Key" = Option<String>, Header, description = "What `clientId` is, outside the body")),
    request_body = CreateMessage,
    responses(
        (status = 201, body = SentMessage),
        (
            status = 409,
            description = "`idempotency_conflict`: the `clientId` was used with another body; `stream_ended`; the review \
                to supersede is `already_decided`, `review_expired` or `already_cancelled`"
        )
    )
)]
pub async fn create(
    State(app): State<App>,
    agent: AgentCaller,
    key: IdempotencyKey,
    HashedJson { mut body, hash }: HashedJson<CreateMessage>,
) -> Result<(StatusCode, Json<SentMessage>), Error> {
    let warnings = body.review.as_mut().map(|review| std::mem::take(&mut review.warnings)).unwrap_or_default();
    let once = key.once(body.client_id.take(), hash);
    let message = send(&app, &agent, once, None, body).await?;
    let message = app.blobs.with_text(message).await?;
    Ok((StatusCode::CREATED, Json(SentMessage { message, warnings })))
}

/// Sends a message, or gives the one of an equal call before, unless `is_used` says that it does not stand for
/// another call.
pub async fn send(
    app: &App,
    agent: &AgentCaller,
    once: Option<IdempotentCall>,
    is_used: Option<IsUsed<'_>>,
    body: CreateMessage,
) -> Result<Message, Error> {
    let body = body.drawn_by_review(&app.plugins);
    let refers = References {
        attachment_ids: &body.attachment_ids,
        iteration_of: body.iteration_of.as_deref(),
        supersedes: body.supersedes.as_deref(),
        stream: body.stream_id.as_ref(),
        is_used,
    };
    match app.store.messages().prepare(agent, &body.channel_id, once, refers).await? {
        Prepared::Repeat(message) => Ok(*message),
        Prepared::New(opening) => write(app, *opening, body).await,
    }
}

/// Bytes first, then the one write that makes everything visible.
async fn write(app: &App, opening: PreparedMessage, mut body: CreateMessage) -> Result<Message, Error> {
    // A draft that is there has all of this, and is changed only by a call that says the same.
    let uploads =
        if opening.draft().is_none() { place(app, &opening, &mut body).await? } else { UploadedFiles::default() };
    let draft = NewMessage {
        text: body.text,
        format: body.format,
        status: body.status,
        metadata: body.metadata,
        review: body.review,
        webhook_url: body.webhook_url.map(|url| url.whole().to_owned()),
        stream_state: body.stream_state,
        set_with_draft: body.set_with_draft,
        uploads,
    };
    let superseded = opening.superseded().map(|id| (opening.channel.clone(), id));
    let message = app.store.messages().create(opening, draft).await?;
    if let Some((channel, id)) = superseded {
        app.notify_superseded(&channel, id).await;
    }
    Ok(message)
}

/// Puts the texts that are to be files into the bucket, once the message may be made.
async fn place(app: &App, opening: &PreparedMessage, body: &mut CreateMessage) -> Result<UploadedFiles, Error> {
    if let Some(review) = &body.review {
        review.expires_at(app.clock.now())?;
        review.check_args()?;
    }
    body.check_targets().await?;
    app.store.files().upload(&opening.channel, std::mem::take(&mut body.text_attachments)).await
}
