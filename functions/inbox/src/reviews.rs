//! `GET /api/messages/reviews`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Query;
use shared::ids::{AgentId, Nil};
use shared::models::{Message, ReviewStatus};
use shared::validation::{FromParams, Params};

/// A status that was asked for as `all` is none.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReviewsQuery {
    /// `pending`, `completed`, `expired`, `cancelled` or `all`.
    #[param(value_type = Option<String>, default = "pending", example = "all")]
    status: Option<ReviewStatus>,
    /// An agent's id: only the reviews of its channel.
    #[param(value_type = Option<String>)]
    channel: Option<AgentId>,
}

impl FromParams for ReviewsQuery {
    fn from_params(params: &mut Params) -> Option<Self> {
        let statuses = ReviewStatus::WORDS.map(|(word, status)| (word, Some(status)));
        let choices: Vec<_> = statuses.into_iter().chain([("all", None)]).collect();
        let status = params.one_of("status", &choices, Some(ReviewStatus::Pending))?;
        Some(Self { status, channel: params.text("channel").map(|text| AgentId::parse_or_nil(&text)) })
    }
}

/// Reviews of all the person's agents, newest first
#[utoipa::path(
    get,
    path = "/api/messages/reviews",
    tag = "Inbox",
    operation_id = "listReviews",
    params(ReviewsQuery),
    responses((status = 200, body = Vec<Message>))
)]
pub async fn reviews(
    State(app): State<App>,
    human: HumanCaller,
    Query(query): Query<ReviewsQuery>,
) -> Result<Json<Vec<Message>>, Error> {
    let messages = app.store.reviews().list(&human, query.status, query.channel).await?;
    let shown = messages.into_iter().map(Message::for_humans).collect();
    Ok(Json(app.blobs.with_texts(shown).await?))
}
