//! `/settings/agents`: the person's agents; `/settings/agents/{id}`: one of them, with its webhook.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::AgentId;

use crate::components::agent_row::AgentRow;
use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::pages::settings::agent_surface::SurfaceForm;
use crate::pages::settings::delays::{MUTES, choices};
use crate::response::{self, PageError};
use crate::text::format;

#[derive(Template)]
#[template(path = "settings/agents.html")]
struct AgentsPage {
    layout: Layout,
    tab: Tab,
    agents: Vec<AgentRow>,
}

/// `GET /settings/agents`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let (layout, agents) = tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), agents)?;
    let agents = AgentRow::all(&agents, app.clock.now());
    response::page(StatusCode::OK, &AgentsPage { layout, tab: Tab::Agents, agents })
}

#[derive(Template)]
#[template(path = "settings/agent.html")]
struct AgentPage {
    layout: Layout,
    tab: Tab,
    agent: AgentRow,
    has_picture: bool,
    /// How many headers and whether credentials are set; their values are never shown.
    headers: usize,
    has_auth: bool,
    /// Whether the deployment sends notifications.
    is_notifying: bool,
    /// HTML; `None` if the agent is not muted.
    muted_until: Option<String>,
    surfaces: Vec<SurfaceForm>,
}

impl AgentPage {
    fn mutes(&self) -> Vec<(String, String)> {
        choices("", "", &MUTES, None).split_off(1)
    }
}

/// `GET /settings/agents/{id}`
pub async fn one(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<AgentId>,
) -> Result<Response, PageError> {
    let opened = async {
        let channel = app.store.agents().get(&human, id).await?;
        let hook = app.store.agents().webhook(channel.owner(), channel.id()).await?;
        Ok((channel, hook.ok_or(Error::NotFound("agent"))?))
    };
    let notifications = async { Ok(app.store.agents().notifications(&human, id).await?) };
    let (layout, (channel, hook), notifications) =
        tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), opened, notifications)?;
    let now = app.clock.now();
    let page = AgentPage {
        layout,
        tab: Tab::Agents,
        agent: AgentRow::of(&channel.agent, now),
        has_picture: channel.avatar().is_ok(),
        headers: hook.headers.0.len(),
        has_auth: hook.auth.is_some(),
        is_notifying: app.notifications.is_set(),
        muted_until: notifications.muted_until.filter(|until| now < *until).map(format::moment),
        surfaces: vec![
            SurfaceForm::new("push", "Push messages", notifications.push),
            SurfaceForm::new("email", "E-mail", notifications.email),
            SurfaceForm::new("webhook", "My webhook", notifications.webhook),
        ],
    };
    response::page(StatusCode::OK, &page)
}
