//! `POST /api/messages/{id}/retry`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::MessageId;
use utoipa::ToSchema;

/// Confirms that a delivery was queued again
#[derive(Serialize, ToSchema)]
#[schema(as = Retried)]
pub struct RetryOut {
    #[schema(example = true)]
    retried: bool,
}

/// Sends a message's webhook again
///
/// 400 when neither the message nor its agent has one.
#[utoipa::path(
    post,
    path = "/api/messages/{id}/retry",
    tag = "Inbox",
    operation_id = "retryDelivery",
    params(("id" = MessageId, Path)),
    responses((status = 200, body = RetryOut))
)]
pub async fn retry(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
) -> Result<Json<RetryOut>, Error> {
    app.store.messages().retry_delivery(&human, id).await?;
    Ok(Json(RetryOut { retried: true }))
}
