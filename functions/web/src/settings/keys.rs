//! `/settings/keys`: the keys of the person's agents.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::app::App;
use shared::models::ApiKey;

use crate::page::{self, PageError, Visitor};
use crate::settings::Tab;
use crate::shell::{Place, Shell};
use crate::view;

struct Row {
    id: String,
    label: String,
    prefix: String,
    /// HTML.
    made: String,
    used: Option<String>,
}

#[derive(Template)]
#[template(path = "settings_keys.html")]
struct KeysPage {
    shell: Shell,
    tab: Tab,
    keys: Vec<Row>,
}

pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let keys = async { Ok(app.store.accounts().list_api_keys(&human).await?) };
    let (shell, keys) = tokio::try_join!(Shell::of(&app, &human, Place::Settings), keys)?;
    let row = |key: ApiKey| Row {
        id: key.id.to_string(),
        label: key.label,
        prefix: key.key_prefix,
        made: view::moment(key.created_at),
        used: key.last_used_at.map(|at| view::age(at, app.clock.now())),
    };
    let keys = keys.into_iter().map(row).collect();
    page::page(StatusCode::OK, &KeysPage { shell, tab: Tab::Keys, keys })
}
