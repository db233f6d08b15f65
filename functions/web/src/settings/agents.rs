//! `/settings/agents`: the person's agents; `/settings/agents/{id}`: one of them, with its webhook.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::app::App;
use shared::error::Error;
use shared::extract::PathId;
use shared::ids::AgentId;

use crate::agent_row::AgentRow;
use crate::page::{self, PageError, Visitor};
use crate::settings::Tab;
use crate::shell::{Place, Shell};

#[derive(Template)]
#[template(path = "settings_agents.html")]
struct AgentsPage {
    shell: Shell,
    tab: Tab,
    agents: Vec<AgentRow>,
}

pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let (shell, agents) = tokio::try_join!(Shell::of(&app, &human, Place::Settings), agents)?;
    let agents = agents.iter().map(|agent| AgentRow::of(agent, app.clock.now())).collect();
    page::page(StatusCode::OK, &AgentsPage { shell, tab: Tab::Agents, agents })
}

#[derive(Template)]
#[template(path = "settings_agent.html")]
struct AgentPage {
    shell: Shell,
    tab: Tab,
    agent: AgentRow,
    has_picture: bool,
    /// How many headers go along, and whether credentials do: neither is shown.
    headers: usize,
    has_auth: bool,
}

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
    let (shell, (channel, hook)) = tokio::try_join!(Shell::of(&app, &human, Place::Settings), opened)?;
    let page = AgentPage {
        shell,
        tab: Tab::Agents,
        agent: AgentRow::of(&channel.agent, app.clock.now()),
        has_picture: channel.avatar().is_ok(),
        headers: hook.headers.0.len(),
        has_auth: hook.auth.is_some(),
    };
    page::page(StatusCode::OK, &page)
}
