//! `/settings/plugins`: a frame that its script fills from `GET /api/plugins`; which plugins there
//! are is known to their own function alone.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::app::App;

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::response::{self, PageError};

#[derive(Template)]
#[template(path = "settings/plugins.html")]
struct PluginsPage {
    layout: Layout,
    tab: Tab,
}

pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let layout = Layout::of(&app, &human, NavItem::Settings).await?;
    response::page(StatusCode::OK, &PluginsPage { layout, tab: Tab::Plugins })
}
