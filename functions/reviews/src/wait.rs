//! `GET /api/v1/reviews/{id}/wait`: holds until the review is decided or time is up.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::app::App;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::extract::{PathId, Query};
use shared::ids::{AgentId, MessageId};
use shared::input::{FromParams, Params};
use shared::models::{Message, ReviewStatus};
use shared::storage::Channel;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::schedule;

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// The agent's id.
    #[param(value_type = String, required = true)]
    channel: Option<AgentId>,
    /// Milliseconds; absent, not a number, and nothing or less mean the longest possible (29,000).
    #[param(value_type = Option<f64>, example = 30000)]
    timeout: Option<Duration>,
}

impl FromParams for WaitQuery {
    fn from_params(params: &mut Params) -> Option<Self> {
        // Absent, not a number, and nothing or less all mean "as long as you can".
        let millis = params.text("timeout").and_then(|text| text.parse::<f64>().ok());
        let seconds = millis.filter(|millis| *millis > 0.0).map(|millis| millis / 1000.0);
        let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Some(Self { channel: params.required("channel")?.parse().ok(), timeout })
    }
}

#[derive(Serialize, ToSchema)]
pub struct Waited {
    /// `completed`, `expired`, or `timeout`: then call again
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
    responses((status = 200, body = Waited))
)]
pub async fn wait(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(query): Query<WaitQuery>,
) -> Result<Json<Waited>, Error> {
    let began = Instant::now();
    let deadline = began + query.timeout.map_or(app.waits.max, |timeout| timeout.min(app.waits.max));
    let (channel, message) = app.store.open_message(&agent, query.channel, id).await?;
    let waited = match until_decided(&app, &channel, message, began, deadline).await? {
        Some(message) => {
            let message = app.blobs.with_text(message).await?;
            Waited { status: status_of(&message)?.word(), message: Some(message) }
        }
        None => Waited { status: "timeout", message: None },
    };
    Ok(Json(waited))
}

/// The message once its review is decided; `None` when time is up or the process is closing.
async fn until_decided(
    app: &App,
    channel: &Channel,
    mut message: Message,
    began: Instant,
    deadline: Instant,
) -> Result<Option<Message>, Error> {
    let id = message.id;
    let mut last = false;
    loop {
        message = match app.store.settled(message.clone()).await {
            Err(Error::Unavailable(_)) if !last => message,
            settled => settled?,
        };
        if status_of(&message)? != ReviewStatus::Pending {
            return Ok(Some(message));
        }
        if last {
            return Ok(None);
        }
        let pause = schedule::pause(&message, began.elapsed(), app.clock.now());
        let next = (Instant::now() + pause).min(deadline);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = app.waits.closing() => return Ok(None),
        }
        // The last look is strongly consistent: an answer that was stored in time is not missed.
        last = Instant::now() >= deadline;
        let seen = match app.store.look(channel, id, last).await {
            // A copy that lags behind may not have the message yet; the leader knows.
            Ok(None) if !last => app.store.look(channel, id, true).await,
            seen => seen,
        };
        match seen {
            Ok(seen) => message = seen.ok_or(Error::NotFound("message"))?,
            // Trouble that passes does not end a wait: whoever waits would only call again.
            Err(Error::Unavailable(_)) if !last => {}
            Err(err) => return Err(err),
        }
    }
}

fn status_of(message: &Message) -> Result<ReviewStatus, Error> {
    message.review.as_ref().map(|review| review.status).ok_or(Error::NotFound("review"))
}
