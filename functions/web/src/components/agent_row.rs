//! An agent as lists and pages show it.

use shared::clock::Timestamp;
use shared::models::{Agent, AgentStatus};

use crate::components::layout::initials;
use crate::text::format;

/// An agent, ready for the template.
pub struct AgentRow {
    pub id: String,
    pub name: String,
    pub description: String,
    pub tag: String,
    /// The URL of a picture on this site; pictures of other hosts are not loaded.
    pub avatar: Option<String>,
    pub webhook: String,
    /// The API's word for the status, which styles use, and the word that people read.
    pub status: &'static str,
    pub state: &'static str,
    pub message: Option<String>,
    /// HTML.
    pub since: Option<String>,
    pub seen: Option<String>,
}

impl AgentRow {
    /// The agent as shown at the moment `now`.
    pub fn of(agent: &Agent, now: Timestamp) -> Self {
        Self {
            id: agent.id.to_string(),
            name: agent.name.clone(),
            description: agent.description.clone().unwrap_or_default(),
            tag: agent.tag.clone().unwrap_or_default(),
            avatar: agent.avatar_url.clone().filter(|url| url.starts_with("/api/agents/")),
            webhook: agent.webhook_url.clone().unwrap_or_default(),
            status: agent.status.word(),
            state: state(agent.status),
            message: agent.status_message.clone().filter(|it| !it.is_empty()),
            since: agent.status_since.map(|at| format::age(at, now)),
            seen: agent.last_active_at.map(|at| format::age(at, now)),
        }
    }

    /// The initials of its name, shown where it has no picture.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// The status of an agent in words for people.
pub fn state(status: AgentStatus) -> &'static str {
    match status {
        AgentStatus::Active => "Active",
        AgentStatus::Busy => "Busy",
        AgentStatus::Error => "Error",
        AgentStatus::Offline => "Offline",
    }
}
