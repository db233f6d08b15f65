//! `/settings/keys`: the API keys of the person's agents.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::models::ApiKey;

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::response::{self, PageError};
use crate::text::format;

struct Row {
    id: String,
    label: String,
    prefix: String,
    /// HTML.
    made: String,
    used: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/keys.html")]
struct KeysPage {
    layout: Layout,
    tab: Tab,
    keys: Vec<Row>,
}

/// `GET /settings/keys`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let keys = async { Ok(app.store.accounts().list_api_keys(&human).await?) };
    let (layout, keys) = tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), keys)?;
    let row = |key: ApiKey| Row {
        id: key.id.to_string(),
        label: key.label,
        prefix: key.key_prefix,
        made: format::moment(key.created_at),
        used: key.last_used_at.map(|at| format::age(at, app.clock.now())),
    };
    let keys = keys.into_iter().map(row).collect();
    response::page(StatusCode::OK, &KeysPage { layout, tab: Tab::Keys, keys })
}
