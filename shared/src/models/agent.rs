//! Agents; an agent is also its channel.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::ids::AgentId;
use crate::models::change::Change;
use crate::models::command::Command;
use crate::models::webhook::{BasicAuth, ShownAuth, WebhookHeaders, auth_of};
use crate::models::webhook_url::WebhookUrl;
use crate::validation::{FromObject, JsonObject};
use crate::words::words;

const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 2000;
const MAX_AVATAR_URL: usize = 2000;
const MAX_TAG: usize = 64;

/// What an agent says it is doing
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    Active,
    Busy,
    Error,
    Offline,
}

words!(AgentStatus { "active" => Active, "busy" => Busy, "error" => Error, "offline" => Offline });

/// An agent and its channel
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub description: Option<String>,
    pub avatar_url: Option<String>,
    pub webhook_url: Option<String>,
    /// Values that look secret are `***`
    pub webhook_headers: Option<BTreeMap<String, String>>,
    pub webhook_auth: Option<ShownAuth>,
    pub status: AgentStatus,
    pub status_message: Option<String>,
    pub status_since: Option<Timestamp>,
    pub last_active_at: Option<Timestamp>,
    pub commands: Option<Vec<Command>>,
    pub tag: Option<String>,
    /// Where the agent can be managed
    pub management_url: Option<String>,
    /// Always `***`, or null
    #[schema(example = "***")]
    pub management_api_key: Option<&'static str>,
    /// Whether it works for another agent, below which pages show it
    pub is_subagent: bool,
    pub parent_agent_id: Option<AgentId>,
    pub created_at: Timestamp,
    /// When a person last read its channel; for pages only.
    #[serde(skip)]
    #[schema(ignore)]
    pub last_read_at: Option<Timestamp>,
}

/// `POST /api/v1/agents` and `POST /api/agents`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CreateAgent {
    /// Not all blank
    #[schema(example = "Deployer", min_length = 1, max_length = 100, pattern = r"\S")]
    pub name: String,
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// http or https
    #[schema(max_length = 2000, example = "https://example.com/deployer.png")]
    pub avatar_url: Option<String>,
    /// http or https, and no private address; a user name and password in it are taken as basic auth
    #[schema(value_type = Option<String>, format = "uri", max_length = 2000, example = "https://hooks.example.com/placet")]
    pub webhook_url: Option<WebhookUrl>,
    #[schema(max_length = 64, example = "ci")]
    pub tag: Option<String>,
}

impl CreateAgent {
    /// An agent with a name only.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), description: None, avatar_url: None, webhook_url: None, tag: None }
    }
}

impl FromObject for CreateAgent {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let name = object.require("name", |o| o.label("name", MAX_NAME));
        let description = object.short_string("description", MAX_DESCRIPTION);
        let avatar_url = avatar_url(object, "avatarUrl");
        let webhook_url = WebhookUrl::member(object, "webhookUrl");
        let tag = object.short_string("tag", MAX_TAG);
        Some(Self { name: name?, description, avatar_url, webhook_url, tag })
    }
}

/// Where a picture is: a URL that other programs may load one from, or the path of an uploaded one.
fn avatar_url(object: &mut JsonObject<'_>, name: &str) -> Option<String> {
    let text = object.short_string(name, MAX_AVATAR_URL)?;
    let url = WebhookUrl::parse(&text, object.may_name_loopback());
    let is_public = url.is_ok_and(|url| url.userinfo().is_none()) && !text.contains(is_blank_or_control);
    if !is_public && !is_path_of_avatar(&text) {
        let sentence = "must be an http or https URL without credentials, and no private address";
        object.problem(name, "not_a_url", format!("{name} {sentence}"));
        return None;
    }
    Some(text)
}

/// Parsers of URLs leave these out.
fn is_blank_or_control(character: char) -> bool {
    character.is_whitespace() || character.is_control()
}

/// `/api/agents/{id}/avatar`, with or without its version.
fn is_path_of_avatar(path: &str) -> bool {
    let (path, version) = path.split_once("?v=").unwrap_or((path, ""));
    let id = path.strip_prefix("/api/agents/").and_then(|rest| rest.strip_suffix("/avatar"));
    id.is_some_and(|id| id.parse::<AgentId>().is_ok()) && version.chars().all(|c| c.is_ascii_alphanumeric())
}

/// `PATCH /api/agents/{id}`: null clears, absent leaves.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct UpdateAgent {
    /// Cannot be cleared
    #[schema(example = "Deployer", min_length = 1, max_length = 100, pattern = r"\S", nullable = false)]
    pub name: Option<String>,
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub description: Change<String>,
    /// http or https; takes the place of an uploaded picture
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub avatar_url: Change<String>,
    /// http or https, and no private address; a user name and password in it are taken as
    /// `webhookAuth`. Null takes headers, credentials and secret with it
    #[schema(value_type = Option<String>, format = "uri", max_length = 2000, example = "https://hooks.example.com/placet")]
    pub webhook_url: Change<WebhookUrl>,
    /// At most 20 that go along with every delivery; none of the connection's, no `webhook-*`. Values
    /// that look secret are shown as `***`
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub webhook_headers: Change<WebhookHeaders>,
    /// The password is never shown
    #[schema(value_type = Option<BasicAuth>)]
    pub webhook_auth: Change<BasicAuth>,
    #[schema(value_type = Option<String>, max_length = 64)]
    pub tag: Change<String>,
}

impl UpdateAgent {
    /// Whether the call changes nothing.
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.description.is_keep()
            && self.avatar_url.is_keep()
            && self.webhook_url.is_keep()
            && self.webhook_headers.is_keep()
            && self.webhook_auth.is_keep()
            && self.tag.is_keep()
    }
}

impl FromObject for UpdateAgent {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let name = Change::member(object, "name", |o, name| o.label(name, MAX_NAME));
        if name.is_clear() {
            object.problem("name", "required", "name cannot be cleared");
        }
        let description = Change::member(object, "description", |o, name| o.short_string(name, MAX_DESCRIPTION));
        let avatar_url = Change::member(object, "avatarUrl", avatar_url);
        let webhook_url = Change::member(object, "webhookUrl", WebhookUrl::member);
        let webhook_headers = Change::member(object, "webhookHeaders", WebhookHeaders::member);
        let webhook_auth = Change::member(object, "webhookAuth", |o, name| o.object::<BasicAuth>(name));
        let in_url = webhook_url.as_set().and_then(|url| auth_of(url, None, webhook_headers.as_set()));
        let webhook_auth = match (webhook_auth, in_url) {
            (Change::Keep, Some(auth)) => Change::Set(auth),
            (given, _) => given,
        };
        let tag = Change::member(object, "tag", |o, name| o.short_string(name, MAX_TAG));
        for (name, set) in
            [("webhookHeaders", webhook_headers.as_set().is_some()), ("webhookAuth", webhook_auth.as_set().is_some())]
        {
            if set && webhook_url.is_clear() {
                object.problem(name, "no_webhook", format!("{name} cannot be set while webhookUrl is cleared"));
            }
        }
        let name = if let Change::Set(name) = name { Some(name) } else { None };
        Some(Self { name, description, avatar_url, webhook_url, webhook_headers, webhook_auth, tag })
    }
}

/// `POST /api/v1/agents/setTag`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetTag {
    /// The agent's id
    pub channel_id: String,
    /// null takes it away
    #[schema(required = true, max_length = 64, example = "ci")]
    pub tag: Option<String>,
}

impl FromObject for SetTag {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let given = object.names().any(|name| name == "tag");
        if !given {
            object.problem("tag", "required", "tag is required; null takes it away");
        }
        let tag = object.short_string("tag", MAX_TAG);
        Some(Self { channel_id: channel_id?, tag })
    }
}

/// `POST /api/v1/status/ping`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Ping {
    pub agent_id: String,
    pub status: AgentStatus,
    /// What it is doing, or what is wrong
    #[schema(max_length = 500, example = "deploying main")]
    pub message: Option<String>,
}

impl FromObject for Ping {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let agent_id = object.require("agentId", |o| o.string("agentId"));
        let status = object.require("status", |o| o.one_of("status", &AgentStatus::WORDS));
        let message = object.short_string("message", 500);
        Some(Self { agent_id: agent_id?, status: status?, message })
    }
}
