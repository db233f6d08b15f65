//! `/`: what waits for an answer over all agents, and what was decided.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use shared::app::App;
use shared::auth::HumanCaller;
use shared::models::ReviewStatus;
use shared::review::Kind;
use shared::review::form::FieldType;

use crate::list::{List, Listed};
use crate::page::{self, PageError, Visitor};
use crate::review::ReviewView;
use crate::shell::{self, Place, Shell};

/// The list, and the review that is open beside it.
#[derive(Template)]
#[template(path = "inbox.html")]
pub struct InboxPage {
    pub shell: Shell,
    pub list: List,
    pub review: Option<ReviewView>,
}

pub async fn inbox(
    State(app): State<App>,
    Visitor(human): Visitor,
    Query(listed): Query<Listed>,
) -> Result<Response, PageError> {
    let (shell, list) = beside(&app, &human, &listed).await?;
    page::page(StatusCode::OK, &InboxPage { shell, list, review: None })
}

/// What surrounds a review, or nothing: the shell and the list, in one round trip.
pub async fn beside(app: &App, human: &HumanCaller, listed: &Listed) -> Result<(Shell, List), PageError> {
    let status = listed.status();
    let decided = async {
        match status {
            ReviewStatus::Pending => Ok(None),
            decided => app.store.reviews().list(human, Some(decided), None).await.map(Some),
        }
    };
    let (visit, pending, decided, agents) = tokio::try_join!(
        app.store.inbox().page_context(human),
        shell::pending(app, human),
        decided,
        app.store.agents().list(human)
    )?;
    let reviews = decided.as_ref().unwrap_or(&pending);
    let mut list = List::of(listed, reviews, &pending, &agents, app.clock.now());
    list.api_url = app.site.api_url().map(str::to_owned);
    Ok((Shell::around(Place::Inbox, visit, pending.len())?, list))
}
