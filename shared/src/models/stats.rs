//! What is counted of agents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::models::AgentStatus;

/// One agent in numbers. Requests are those that agents made on its channel.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentStats {
    pub total_messages: u64,
    /// From the agent to people
    pub total_inbound: u64,
    /// From people to the agent
    pub total_outbound: u64,
    pub success_requests: u64,
    pub error_requests: u64,
    /// The last 50 changes of 30 days, newest first
    pub status_history: Vec<StatusChange>,
}

/// A ping that brought news.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    pub status: AgentStatus,
    pub message: Option<String>,
    pub created_at: Timestamp,
}

/// All of a person's agents in numbers.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalStats {
    pub total_agents: u64,
    /// Whose status is active or busy
    pub active_agents: u64,
    pub total_messages: u64,
    pub success_requests: u64,
    pub error_requests: u64,
}

/// `POST /api/agents/{id}/read`: up to when the person has read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadMark {
    pub last_read_at: Timestamp,
}

/// What requests add to the statistics of one agent, and the item that stores their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatsDelta {
    pub total_inbound: u64,
    pub total_outbound: u64,
    pub success_requests: u64,
    pub error_requests: u64,
}

impl StatsDelta {
    /// Adds another delta.
    pub fn add(&mut self, other: Self) {
        self.total_inbound += other.total_inbound;
        self.total_outbound += other.total_outbound;
        self.success_requests += other.success_requests;
        self.error_requests += other.error_requests;
    }
}
