//! `/`: the pending reviews of all agents, and those that were decided.

use std::convert::Infallible;

use askama::Template;
use axum::extract::{FromRequestParts, Query, State};
use axum::response::Response;
use http::{StatusCode, request};
use shared::caller::HumanCaller;
use shared::http::App;
use shared::ids::AgentId;
use shared::models::page_request::MAX_PAGE_BYTES;
use shared::review::Kind;
use shared::review::form::FieldType;

use crate::components::layout::{Layout, NavItem};
use crate::components::review_list::{PAGE_ROWS, ReviewFilter, ReviewList};
use crate::components::review_view::ReviewView;
use crate::extract::Visitor;
use crate::response::{self, PageError};

/// The list of reviews, and the one that is open.
pub struct InboxPage {
    pub layout: Layout,
    pub list: ReviewList,
    pub review: Option<ReviewView>,
}

#[derive(Template)]
#[template(path = "components/review_list.html")]
struct Rows<'a> {
    list: &'a ReviewList,
}

#[derive(Template)]
#[template(path = "components/review_pane.html")]
struct Pane<'a> {
    list: &'a ReviewList,
    review: &'a Option<ReviewView>,
    /// Only what an answer changes.
    is_answer_only: bool,
}

#[derive(Template)]
#[template(path = "pages/inbox.html")]
struct WholePage<'a> {
    layout: &'a Layout,
    list: &'a ReviewList,
    title: String,
    is_open: bool,
    rows: Rows<'a>,
    pane: Pane<'a>,
}

#[derive(Template)]
#[template(path = "pages/inbox_parts.html")]
struct PageParts<'a> {
    layout: &'a Layout,
    title: String,
    rows: Option<Rows<'a>>,
    pane: Option<Pane<'a>>,
}

impl InboxPage {
    fn title(&self) -> String {
        let open = self.review.as_ref();
        let page = open.map_or("Inbox".to_owned(), |review| format!("{}: {}", review.agent, review.excerpt));
        self.layout.title(&page)
    }

    /// The page, or the parts of it that a script asked for.
    pub fn respond(&self, status: StatusCode, wanted: Parts) -> Result<Response, PageError> {
        let Self { layout, list, review } = self;
        let rows = Rows { list };
        let pane = Pane { list, review, is_answer_only: wanted.answer && !wanted.pane };
        let title = self.title();
        if wanted.is_none() {
            return response::page(status, &WholePage { layout, list, title, is_open: review.is_some(), rows, pane });
        }
        let rows = Some(rows).filter(|_| wanted.rows);
        let pane = Some(pane).filter(|_| wanted.pane || wanted.answer);
        response::page(status, &PageParts { layout, title, rows, pane })
    }
}

/// The parts of the inbox that a script asks for in the header `Placet-Parts`: `rows`, `pane`, or of the pane only what
/// an answer changes (`answer`). Without any, the whole page is sent.
#[derive(Clone, Copy, Default)]
pub struct Parts {
    rows: bool,
    pane: bool,
    answer: bool,
}

impl Parts {
    /// Whether the whole page is wanted.
    pub fn is_none(self) -> bool {
        !(self.rows || self.pane || self.answer)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parts {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("placet-parts").and_then(|it| it.to_str().ok()).unwrap_or_default();
        let has = |name: &str| header.split(',').any(|it| it.trim() == name);
        Ok(Self { rows: has("rows"), pane: has("pane"), answer: has("answer") })
    }
}

/// `GET /`
pub async fn inbox(
    State(app): State<App>,
    Visitor(human): Visitor,
    Query(listed): Query<ReviewFilter>,
    parts: Parts,
) -> Result<Response, PageError> {
    let (layout, list) = beside(&app, &human, &listed).await.map_err(|error| error.in_list(&listed.query()))?;
    InboxPage { layout, list, review: None }.respond(StatusCode::OK, parts)
}

/// Loads the layout and the list of reviews, in one round trip.
pub async fn beside(app: &App, human: &HumanCaller, listed: &ReviewFilter) -> Result<(Layout, ReviewList), PageError> {
    let view = listed.view();
    let decided = async {
        let Some(filter) = view.history() else { return Ok(None) };
        app.store.reviews().history(human, &filter, (PAGE_ROWS, MAX_PAGE_BYTES), view.before).await.map(Some)
    };
    // Boxed, because the futures together are too large for a thread's stack.
    let (visit, pending, decided, agents) = tokio::try_join!(
        app.store.inbox().page_context(human),
        Box::pin(app.store.reviews().pending(human, None)),
        Box::pin(decided),
        app.store.agents().list(human)
    )?;
    let layout = Layout::around(NavItem::Inbox, visit, &pending)?;
    let mut list = match decided {
        Some(page) => ReviewList::of_history(listed, page, &agents, &layout.user),
        None => {
            let is_known = |id: &AgentId| agents.iter().any(|agent| agent.id == *id);
            let own = match view.agent.filter(is_known) {
                Some(agent) if pending.is_cut => Some(app.store.reviews().pending(human, Some(agent)).await?),
                _ => None,
            };
            ReviewList::of(listed, pending, own, &agents, app.clock.now())
        }
    };
    list.api_url = app.site.api_url().map(str::to_owned);
    Ok((layout, list))
}
