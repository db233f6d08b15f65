//! `/settings/plugins`: a frame that its script fills from `GET /api/plugins`; which plugins there
//! are is known to their own function alone.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::app::App;

use crate::page::{self, PageError, Visitor};
use crate::settings::Tab;
use crate::shell::{Place, Shell};

#[derive(Template)]
#[template(path = "settings/plugins.html")]
struct PluginsPage {
    shell: Shell,
    tab: Tab,
}

pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let shell = Shell::of(&app, &human, Place::Settings).await?;
    page::page(StatusCode::OK, &PluginsPage { shell, tab: Tab::Plugins })
}
