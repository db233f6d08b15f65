//! `/`: the pending reviews of all agents, and those that were decided.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use shared::caller::HumanCaller;
use shared::http::App;
use shared::models::ReviewStatus;
use shared::review::Kind;
use shared::review::form::FieldType;

use crate::components::layout::{self, Layout, NavItem};
use crate::components::review_list::{ReviewFilter, ReviewList};
use crate::extract::Visitor;
use crate::pages::review::ReviewView;
use crate::response::{self, PageError};

/// The list of reviews, and the one that is open.
#[derive(Template)]
#[template(path = "pages/inbox.html")]
pub struct InboxPage {
    pub layout: Layout,
    pub list: ReviewList,
    pub review: Option<ReviewView>,
}

impl InboxPage {
    fn title(&self) -> String {
        self.layout.title(&self.review.as_ref().map_or("Inbox".to_owned(), |review| format!("{} asks", review.agent)))
    }
}

/// `GET /`
pub async fn inbox(
    State(app): State<App>,
    Visitor(human): Visitor,
    Query(listed): Query<ReviewFilter>,
) -> Result<Response, PageError> {
    let (layout, list) = beside(&app, &human, &listed).await?;
    response::page(StatusCode::OK, &InboxPage { layout, list, review: None })
}

/// Loads the layout and the list of reviews, in one round trip.
pub async fn beside(app: &App, human: &HumanCaller, listed: &ReviewFilter) -> Result<(Layout, ReviewList), PageError> {
    let status = listed.status();
    let decided = async {
        match status {
            ReviewStatus::Pending => Ok(None),
            decided => app.store.reviews().list(human, Some(decided), None).await.map(Some),
        }
    };
    let (visit, pending, decided, agents) = tokio::try_join!(
        app.store.inbox().page_context(human),
        layout::pending(app, human),
        decided,
        app.store.agents().list(human)
    )?;
    let reviews = decided.as_ref().unwrap_or(&pending);
    let mut list = ReviewList::of(listed, reviews, &pending, &agents, app.clock.now());
    list.api_url = app.site.api_url().map(str::to_owned);
    Ok((Layout::around(NavItem::Inbox, visit, pending.len())?, list))
}
