//! Agents; an agent is also its channel.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::ids::AgentId;
use crate::input::{FromObject, Object};
use crate::json::Json;
use crate::webhook_url::WebhookUrl;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    Active,
    Busy,
    Error,
    Offline,
}

impl AgentStatus {
    pub const WORDS: [(&'static str, Self); 4] =
        [("active", Self::Active), ("busy", Self::Busy), ("error", Self::Error), ("offline", Self::Offline)];
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub description: Option<String>,
    pub avatar_url: Option<String>,
    pub webhook_url: Option<String>,
    pub status: AgentStatus,
    pub status_message: Option<String>,
    pub status_since: Option<Timestamp>,
    pub last_active_at: Option<Timestamp>,
    pub commands: Option<Json>,
    pub tag: Option<String>,
    pub created_at: Timestamp,
}

/// `POST /api/v1/agents` and `POST /api/agents`.
pub struct CreateAgent {
    pub name: String,
    pub description: Option<String>,
    pub avatar_url: Option<String>,
    pub webhook_url: Option<WebhookUrl>,
    pub tag: Option<String>,
}

impl CreateAgent {
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), description: None, avatar_url: None, webhook_url: None, tag: None }
    }
}

impl FromObject for CreateAgent {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let name = object.require("name", |o| o.label("name", 100));
        let description = object.short_string("description", 2000);
        let avatar_url = object.short_string("avatarUrl", 2000);
        let webhook_url = WebhookUrl::member(object, "webhookUrl");
        let tag = object.short_string("tag", 64);
        Some(Self { name: name?, description, avatar_url, webhook_url, tag })
    }
}

/// `POST /api/v1/status/ping`.
pub struct Ping {
    pub agent_id: String,
    pub status: AgentStatus,
    pub message: Option<String>,
}

impl FromObject for Ping {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let agent_id = object.require("agentId", |o| o.string("agentId"));
        let status = object.require("status", |o| o.one_of("status", &AgentStatus::WORDS));
        let message = object.short_string("message", 500);
        Some(Self { agent_id: agent_id?, status: status?, message })
    }
}
