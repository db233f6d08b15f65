//! `/settings/plugins`: a page that its script fills from `GET /api/plugins`, because only the function of the plugins
//! knows which are installed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;

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

/// `GET /settings/plugins`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let layout = Layout::of(&app, &human, NavItem::Settings).await?;
    response::page(StatusCode::OK, &PluginsPage { layout, tab: Tab::Plugins })
}
