//! `POST /api/v1/reviews/{id}/consume`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::caller::AgentCaller;
use shared::clock::Timestamp;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{IdempotencyKey, Json as Body, MaybeInChannel, PathId, Query};
use shared::ids::MessageId;
use shared::models::ConsumeApproval;
use utoipa::ToSchema;

/// An approval that this call consumed
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Consumed {
    /// Always true: anything else is an error
    #[schema(example = true)]
    consumed: bool,
    consumed_at: Timestamp,
}

/// Consumes an approval
///
/// Call it before doing what was approved: exactly one call gets 200, and a digest of another act none.
/// A repeat with the same `Idempotency-Key` and digest gets the same.
#[utoipa::path(
    post,
    path = "/api/v1/reviews/{id}/consume",
    tag = "Reviews",
    operation_id = "consumeApproval",
    params(
        ("id" = MessageId, Path),
        MaybeInChannel,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat")
    ),
    request_body = ConsumeApproval,
    responses(
        (status = 200, body = Consumed),
        (
            status = 409,
            description = "`not_allowed`: not decided, denied, expired, cancelled, or about no act; \
                           `digest_mismatch`; `already_consumed`, with `consumedAt`"
        )
    )
)]
pub async fn consume(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
    key: IdempotencyKey,
    Body(body): Body<ConsumeApproval>,
) -> Result<Json<Consumed>, Error> {
    let consumed_at = app.store.reviews().consume(&agent, channel, id, body.action_digest, key.into_text()).await?;
    Ok(Json(Consumed { consumed: true, consumed_at }))
}
