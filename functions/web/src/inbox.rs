//! `/`: what waits for an answer, newest first.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::app::App;
use shared::ids::AgentId;
use shared::models::{Agent, ReviewStatus};

use crate::page::{self, PageError, Visitor};
use crate::view::Row;

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    rows: Vec<Row>,
    agents: Vec<Agent>,
}

pub async fn inbox(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let (reviews, agents) =
        tokio::join!(app.store.reviews_of(&human, Some(ReviewStatus::Pending), None), app.store.agents_of(&human),);
    let (reviews, agents) = (reviews?, agents?);
    let names: HashMap<AgentId, &str> = agents.iter().map(|agent| (agent.id, agent.name.as_str())).collect();
    let now = app.clock.now();
    let row = |message| Row::of(message, names.get(&message.channel_id).copied().unwrap_or("An agent"), now);
    let rows = reviews.iter().filter_map(row).collect();
    page::page(StatusCode::OK, &InboxPage { rows, agents })
}
