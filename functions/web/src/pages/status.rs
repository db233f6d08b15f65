//! `/status`: the status of all agents; `/status/{id}`: the status, figures and history of one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::models::{AgentStats, TotalStats};

use crate::components::agent_row::{self, AgentRow};
use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::response::{self, PageError};
use crate::text::format;

#[derive(Template)]
#[template(path = "pages/status.html")]
struct StatusPage {
    layout: Layout,
    agents: Vec<AgentRow>,
    totals: TotalStats,
    succeeded: String,
}

/// `GET /status`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let totals = async { Ok(app.store.agents().total_stats(&human).await?) };
    let (layout, agents, totals) = tokio::try_join!(Layout::of(&app, &human, NavItem::Status), agents, totals)?;
    let agents = AgentRow::all(&agents, app.clock.now());
    let succeeded = share(totals.success_requests, totals.error_requests);
    response::page(StatusCode::OK, &StatusPage { layout, agents, totals, succeeded })
}

/// A change of status in the history.
struct StatusEntry {
    status: &'static str,
    state: &'static str,
    message: Option<String>,
    /// HTML.
    at: String,
}

#[derive(Template)]
#[template(path = "pages/agent_status.html")]
struct AgentPage {
    layout: Layout,
    agent: AgentRow,
    stats: AgentStats,
    succeeded: String,
    history: Vec<StatusEntry>,
}

/// `GET /status/{id}`
pub async fn one(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<AgentId>,
) -> Result<Response, PageError> {
    let channel = async { Ok(app.store.agents().get(&human, id).await?) };
    let stats = async { Ok(app.store.agents().stats(&human, id).await?) };
    let (layout, channel, stats) = tokio::try_join!(Layout::of(&app, &human, NavItem::Status), channel, stats)?;
    let history = stats.status_history.iter().map(|change| StatusEntry {
        status: change.status.word(),
        state: agent_row::state(change.status),
        message: change.message.clone().filter(|it| !it.is_empty()),
        at: format::moment(change.created_at),
    });
    let (history, agent) = (history.collect(), AgentRow::of(&channel.agent, app.clock.now()));
    let succeeded = share(stats.success_requests, stats.error_requests);
    response::page(StatusCode::OK, &AgentPage { layout, agent, stats, succeeded, history })
}

/// The percentage of requests that succeeded; never 100 when one failed.
fn share(successes: u64, errors: u64) -> String {
    match (successes + errors, errors) {
        (0, _) => "–".to_owned(),
        (_, 0) => "100 %".to_owned(),
        (all, _) => format!("{:.1} %", (successes * 1000 / all) as f64 / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down() {
        assert_eq!([share(0, 0), share(5, 0), share(99_999, 1), share(0, 3)], ["–", "100 %", "99.9 %", "0.0 %"]);
    }
}
