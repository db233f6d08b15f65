//! `/settings/keys`: the API keys of the person's agents.

use std::time::Duration;

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
    /// The name of the one agent that it reaches.
    agent: Option<String>,
    read_only: bool,
    /// When it ends, in HTML.
    ends: Option<String>,
    has_ended: bool,
}

/// A choice of a form: what is sent, and its label.
struct Choice {
    value: String,
    label: String,
}

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The times until a key ends that the form offers, in days.
const LIFETIMES: [(u32, &str); 4] = [(1, "1 day"), (7, "7 days"), (30, "30 days"), (90, "90 days")];

#[derive(Template)]
#[template(path = "settings/keys.html")]
struct KeysPage {
    layout: Layout,
    tab: Tab,
    keys: Vec<Row>,
    agents: Vec<Choice>,
    ends: Vec<Choice>,
}

/// `GET /settings/keys`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let keys = async { Ok(app.store.accounts().list_api_keys(&human).await?) };
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let (layout, keys, agents) = tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), keys, agents)?;
    let now = app.clock.now();
    let name = |id| agents.iter().find(|agent| agent.id == id).map_or("a deleted agent", |agent| &agent.name);
    let row = |key: ApiKey| Row {
        id: key.id.to_string(),
        label: key.label,
        prefix: key.key_prefix,
        made: format::moment(key.created_at),
        used: key.last_used_at.map(|at| format::age(at, now)),
        agent: key.agent_id.map(|id| name(id).to_owned()),
        read_only: key.read_only,
        ends: key.expires_at.map(format::moment),
        has_ended: key.expires_at.is_some_and(|end| end <= now),
    };
    let keys = keys.into_iter().map(row).collect();
    let end = |(days, label): (u32, &str)| Choice { value: now.plus(days * DAY).to_string(), label: label.to_owned() };
    let ends = LIFETIMES.map(end).into();
    let agents = agents.iter().map(|agent| Choice { value: agent.id.to_string(), label: agent.name.clone() }).collect();
    response::page(StatusCode::OK, &KeysPage { layout, tab: Tab::Keys, keys, agents, ends })
}
