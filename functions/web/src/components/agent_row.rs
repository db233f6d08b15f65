//! An agent as lists and pages show it.

use std::collections::{HashMap, HashSet};

use shared::clock::Timestamp;
use shared::ids::AgentId;
use shared::models::{Agent, AgentStatus, Message, SenderType};

use crate::components::layout::initials;
use crate::text::{excerpt, format};

/// How many messages are read to count those that are unread.
pub const COUNTED: usize = 10;

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
    /// The beginning of the last message, and when it was sent, as HTML.
    pub last: Option<(String, String)>,
    /// How many of the agent's messages nobody has read: `9+` of more than nine.
    pub unread: Option<String>,
    /// Whether it stands below the agent that it works for.
    pub is_nested: bool,
    pub management: String,
}

impl AgentRow {
    /// The agents as lists show them at the moment `now`.
    pub fn all(agents: &[Agent], now: Timestamp) -> Vec<Self> {
        let row = |(agent, is_nested)| Self { is_nested, ..Self::of(agent, now) };
        nested(agents).into_iter().map(row).collect()
    }

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
            last: None,
            unread: None,
            is_nested: false,
            management: agent.management_url.clone().unwrap_or_default(),
        }
    }

    /// The same with the latest messages of its channel, newest first.
    pub fn with_latest(self, agent: &Agent, latest: &[Message], now: Timestamp) -> Self {
        let is_unread = |it: &&Message| agent.last_read_at.is_none_or(|read| it.created_at > read);
        let theirs = latest.iter().filter(|it| it.sender_type == SenderType::Agent);
        let unread = match theirs.take_while(is_unread).count() {
            0 => None,
            COUNTED.. => Some(format!("{}+", COUNTED - 1)),
            count => Some(count.to_string()),
        };
        let last = latest.first().map(|it| {
            let mine = if it.sender_type == SenderType::User { "You: " } else { "" };
            (format!("{mine}{}", excerpt::of_message(it)), format::age(it.created_at, now))
        });
        Self { last, unread, ..self }
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

/// The agents in the order of lists: each followed by its sub-agents, which are marked. A sub-agent whose parent is not
/// in the list, or is one itself, stands alone.
pub fn nested(agents: &[Agent]) -> Vec<(&Agent, bool)> {
    let tops: HashSet<AgentId> = agents.iter().filter(|agent| !agent.is_subagent).map(|agent| agent.id).collect();
    let parent = |agent: &Agent| agent.parent_agent_id.filter(|parent| tops.contains(parent));
    let mut below: HashMap<AgentId, Vec<&Agent>> = HashMap::new();
    for agent in agents {
        if let Some(parent) = parent(agent) {
            below.entry(parent).or_default().push(agent);
        }
    }
    let mut rows = vec![];
    for agent in agents.iter().filter(|agent| parent(agent).is_none()) {
        rows.push((agent, false));
        rows.extend(below.remove(&agent.id).into_iter().flatten().map(|agent| (agent, true)));
    }
    rows
}
