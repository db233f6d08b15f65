//! `/status`: how all agents are; `/status/{id}`: one of them in numbers.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::app::App;
use shared::extract::PathId;
use shared::ids::AgentId;
use shared::models::{AgentStats, TotalStats};

use crate::agent_row::{self, AgentRow};
use crate::page::{self, PageError, Visitor};
use crate::shell::{Place, Shell};
use crate::view;

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    shell: Shell,
    agents: Vec<AgentRow>,
    totals: TotalStats,
    succeeded: String,
}

pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let totals = async { Ok(app.store.agents().total_stats(&human).await?) };
    let (shell, agents, totals) = tokio::try_join!(Shell::of(&app, &human, Place::Status), agents, totals)?;
    let agents = agents.iter().map(|agent| AgentRow::of(agent, app.clock.now())).collect();
    let succeeded = share(totals.success_requests, totals.error_requests);
    page::page(StatusCode::OK, &StatusPage { shell, agents, totals, succeeded })
}

/// A ping that brought news, as it is shown.
struct Said {
    status: &'static str,
    state: &'static str,
    message: Option<String>,
    /// HTML.
    at: String,
}

#[derive(Template)]
#[template(path = "status_agent.html")]
struct AgentPage {
    shell: Shell,
    agent: AgentRow,
    stats: AgentStats,
    succeeded: String,
    history: Vec<Said>,
}

pub async fn one(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<AgentId>,
) -> Result<Response, PageError> {
    let channel = async { Ok(app.store.agents().get(&human, id).await?) };
    let stats = async { Ok(app.store.agents().stats(&human, id).await?) };
    let (shell, channel, stats) = tokio::try_join!(Shell::of(&app, &human, Place::Status), channel, stats)?;
    let history = stats.status_history.iter().map(|change| Said {
        status: change.status.word(),
        state: agent_row::state(change.status),
        message: change.message.clone().filter(|it| !it.is_empty()),
        at: view::moment(change.created_at),
    });
    let (history, agent) = (history.collect(), AgentRow::of(&channel.agent, app.clock.now()));
    let succeeded = share(stats.success_requests, stats.error_requests);
    page::page(StatusCode::OK, &AgentPage { shell, agent, stats, succeeded, history })
}

/// How many of the requests succeeded, of a hundred; never 100 when one failed.
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
