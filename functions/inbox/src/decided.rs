//! `GET /api/messages/reviews/history`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Query;
use shared::models::page_request::MAX_PAGE_BYTES;
use shared::models::{DecidedReviews, ListDecided};
use shared::storage::keys::DecidedPlace;

/// Decided reviews of all the person's agents, the one decided last first
///
/// A review is listed at the time when it was answered, when it expired, or when it was withdrawn. A search reads a
/// bounded number of reviews in one call: `searchedBackTo` says how far it came, and `nextCursor` goes on from there.
#[utoipa::path(
    get,
    path = "/api/messages/reviews/history",
    tag = "Inbox",
    operation_id = "listDecidedReviews",
    params(ListDecided),
    responses((status = 200, body = DecidedReviews))
)]
pub async fn decided(
    State(app): State<App>,
    human: HumanCaller,
    Query(query): Query<ListDecided>,
) -> Result<Json<DecidedReviews>, Error> {
    let before = before(&app, &human, &query).await?;
    let size = (query.limit, MAX_PAGE_BYTES);
    let page = app.store.reviews().history(&human, &query.filter(), size, before).await?;
    Ok(Json(DecidedReviews {
        data: page.reviews,
        next_cursor: page.next.map(DecidedPlace::cursor),
        searched_back_to: page.next.map(DecidedPlace::time),
    }))
}

/// The place that the query's cursor names. Only an authenticated caller learns that it is none.
pub async fn before(app: &App, human: &HumanCaller, query: &ListDecided) -> Result<Option<DecidedPlace>, Error> {
    let Some(cursor) = &query.cursor else { return Ok(None) };
    let place = DecidedPlace::parse_cursor(cursor);
    if place.is_none() {
        app.store.authenticate(human, &[]).await?;
        let sentence = "cursor must be a nextCursor of an earlier page";
        return Err(Error::field(["cursor".into()], "not_a_cursor", sentence));
    }
    Ok(place)
}
