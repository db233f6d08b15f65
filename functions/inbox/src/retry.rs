//! `POST /api/messages/{id}/retry`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::MessageId;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct Retried {
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
    responses((status = 200, body = Retried))
)]
pub async fn retry(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
) -> Result<Json<Retried>, Error> {
    app.store.messages().retry_delivery(&human, id).await?;
    Ok(Json(Retried { retried: true }))
}
