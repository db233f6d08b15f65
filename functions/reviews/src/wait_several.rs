//! `GET /api/v1/reviews/wait`: holds until one of several reviews is decided or time is up.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::envelope::Unrecorded;
use shared::http::extract::Query;
use shared::http::waits::{Patience, SeveralWaited};
use shared::ids::MessageId;
use shared::models::Message;
use shared::validation::{FromParams, Params};
use utoipa::ToSchema;

use crate::wait::millis;

const MAX_IDS: usize = 100;

/// `GET /api/v1/reviews/wait`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WaitSeveralQuery {
    /// 1 to 100 ids of messages with reviews, separated by commas, of any of the caller's channels.
    #[param(value_type = String, example = "msg_1,msg_2")]
    ids: Vec<String>,
    #[param(ignore)]
    patience: Patience,
}

impl FromParams for WaitSeveralQuery {
    fn from_params(params: &mut Params) -> Option<Self> {
        let (ids, patience) = (ids(params), Patience::from_params(params));
        Some(Self { ids: ids?, patience: patience? })
    }
}

/// The ids, each once.
fn ids(params: &mut Params) -> Option<Vec<String>> {
    let text = params.required("ids")?;
    let mut ids: Vec<String> = vec![];
    for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    if (1..=MAX_IDS).contains(&ids.len()) {
        return Some(ids);
    }
    params.problem("ids", "out_of_range", format!("ids must name 1 to {MAX_IDS} reviews"));
    None
}

/// What became of several reviews, each list in the order of `ids`
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SeveralWaited)]
pub struct WaitSeveralOut {
    /// Those that are no longer pending, up to 4 MB together
    decided: Vec<Message>,
    /// Further ones that are no longer pending: ask for them at once
    more: Vec<MessageId>,
    pending: Vec<MessageId>,
    /// What the caller may not see, or what is no review
    unknown: Vec<String>,
    /// How many milliseconds a patient client may sleep before it calls again
    #[schema(example = 15000)]
    poll_after_ms: u64,
}

/// Waits until one of several reviews is decided
///
/// Answers at once when one is decided or none is pending, and otherwise as soon as one is, or when the time is up. It
/// looks about once a second where it waits for a hundred. With `patient=true` it holds only while one of the reviews
/// is less than a minute old or open in front of somebody.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/wait",
    tag = "Reviews",
    operation_id = "waitForReviews",
    params(WaitSeveralQuery, Patience),
    responses((status = 200, body = WaitSeveralOut))
)]
pub async fn wait_several(
    State(app): State<App>,
    agent: AgentCaller,
    Query(query): Query<WaitSeveralQuery>,
) -> Result<Response, Error> {
    let known: Vec<MessageId> = query.ids.iter().filter_map(|text| text.parse().ok()).collect();
    let SeveralWaited { decided, more, pending, unknown, poll_after } =
        app.wait_for_reviews(&agent, &known, query.patience).await?;
    let is_unknown = |text: &String| text.parse().map_or(true, |id: MessageId| unknown.contains(&id));
    let unknown: Vec<String> = query.ids.into_iter().filter(is_unknown).collect();
    let has_timed_out = decided.is_empty() && !pending.is_empty();
    let waited = Json(WaitSeveralOut { decided, more, pending, unknown, poll_after_ms: millis(poll_after) });
    Ok(if has_timed_out { (Unrecorded, waited).into_response() } else { waited.into_response() })
}
