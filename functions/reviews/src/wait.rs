//! `GET /api/v1/reviews/{id}/wait`: holds until the review is decided or time is up.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{PathId, Query, maybe_channel};
use shared::ids::{MaybeChannel, MessageId};
use shared::long_poll::{self, Holder, LongPoll, Next};
use shared::models::{Message, ReviewStatus};
use shared::storage::Channel;
use shared::validation::{FromParams, Params};
use utoipa::ToSchema;

/// `GET /api/v1/reviews/{id}/wait`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// The agent's id.
    #[param(value_type = Option<String>)]
    channel: MaybeChannel,
    /// Milliseconds; absent, not a number, and nothing or less mean the longest possible (29,000).
    #[param(value_type = Option<f64>, example = 30000)]
    timeout: Option<Duration>,
}

impl FromParams for WaitQuery {
    fn from_params(params: &mut Params) -> Option<Self> {
        Some(Self { channel: maybe_channel(params), timeout: long_poll::timeout(params) })
    }
}

/// How a wait ended
#[derive(Serialize, ToSchema)]
#[schema(as = Waited)]
pub struct WaitOut {
    /// `completed`, `expired`, `cancelled`, or `timeout`: then call again
    #[schema(example = "completed")]
    status: &'static str,
    message: Option<Message>,
}

/// Waits for the answer to a review
///
/// Answers at once when the review is decided, and otherwise as soon as it is, or when the time is up.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/{id}/wait",
    tag = "Reviews",
    operation_id = "waitForReview",
    params(("id" = MessageId, Path), WaitQuery),
    responses((status = 200, body = WaitOut))
)]
pub async fn wait(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(query): Query<WaitQuery>,
) -> Result<Json<WaitOut>, Error> {
    let poll = LongPoll::begin(&app.long_polls, query.timeout).for_message(id);
    let (channel, message) = app.store.messages().load(&agent, query.channel, id).await?;
    let waited = match until_decided(&app, &channel, message, poll).await? {
        Some(message) => {
            let message = app.blobs.with_text(message).await?;
            WaitOut { status: status_of(&message)?.word(), message: Some(message) }
        }
        None => WaitOut { status: "timeout", message: None },
    };
    Ok(Json(waited))
}

/// The message once its review is decided; `None` when time is up or the process is closing.
async fn until_decided(
    app: &App,
    channel: &Channel,
    mut message: Message,
    mut poll: LongPoll<'_>,
) -> Result<Option<Message>, Error> {
    let id = message.id;
    loop {
        if let Some(settled) = poll.tolerate_outage(app.store.reviews().resolve_expiry(message.clone()).await)? {
            message = settled;
        }
        if status_of(&message)? != ReviewStatus::Pending {
            poll.notify(&message);
            return Ok(Some(message));
        }
        poll.acquire_slot(Holder::Agents(channel.owner()))?;
        match poll.next(was_opened(&message), || until_expiry(app, &message)).await {
            Next::Poll => {}
            Next::Decided(decided) => return Ok(Some(Arc::unwrap_or_clone(decided))),
            Next::Ended => return Ok(None),
        }
        let seen = match app.store.messages().poll(channel, id, poll.is_final()).await {
            // A copy that lags behind may not have the message yet; the leader knows.
            Ok(None) if !poll.is_final() => app.store.messages().poll(channel, id, true).await,
            seen => seen,
        };
        if let Some(seen) = poll.tolerate_outage(seen)? {
            message = seen.ok_or(Error::NotFound("message"))?;
        }
    }
}

fn was_opened(message: &Message) -> bool {
    message.review.as_ref().is_some_and(|review| review.seen_at.is_some())
}

/// The moment after which a pending review is an expired one, from now.
fn until_expiry(app: &App, message: &Message) -> Duration {
    let left = message.review.as_ref().map(|review| app.clock.now().until(review.expires_at));
    left.map_or(Duration::MAX, |left| left + Duration::from_millis(1))
}

fn status_of(message: &Message) -> Result<ReviewStatus, Error> {
    message.review.as_ref().map(|review| review.status).ok_or(Error::NotFound("review"))
}
