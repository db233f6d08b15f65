//! What a program says of an agent besides its webhook: where it is managed, and for which other agent it works.

use url::Url;
use utoipa::ToSchema;

use crate::ids::{AgentId, Nil};
use crate::models::change::Change;
use crate::validation::{FromObject, JsonObject};

const MAX_URL: usize = 2000;
const MAX_API_KEY: usize = 1024;

/// Where an agent can be managed
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Management {
    /// http or https, without a user name or password. This service does not call it
    #[schema(format = "uri", max_length = 2000, example = "https://agents.example.com/api")]
    pub url: String,
    /// Kept encrypted, shown as `***`
    #[schema(min_length = 1, max_length = 1024)]
    pub api_key: String,
}

impl FromObject for Management {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let url = object.require("url", management_url);
        let api_key = object.require("apiKey", api_key);
        Some(Self { url: url?, api_key: api_key? })
    }
}

fn management_url(object: &mut JsonObject<'_>) -> Option<String> {
    let text = object.short_string("url", MAX_URL)?;
    let is_plain = |url: &Url| url.has_host() && url.username().is_empty() && url.password().is_none();
    if Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && is_plain(&url)) {
        return Some(text);
    }
    object.problem("url", "not_a_url", "url must be an http or https URL without a user name or password");
    None
}

fn api_key(object: &mut JsonObject<'_>) -> Option<String> {
    let text = object.short_string("apiKey", MAX_API_KEY)?;
    if text.is_empty() {
        object.problem("apiKey", "required", "apiKey must not be empty");
        return None;
    }
    Some(text)
}

/// `POST /api/v1/agents/setManagement`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetManagement {
    /// The agent's id
    pub channel_id: String,
    /// http or https, without a user name or password; null together with `apiKey` clears both
    #[schema(required = true, format = "uri", max_length = 2000, example = "https://agents.example.com/api")]
    pub url: Option<String>,
    /// Kept encrypted, shown as `***`; null together with `url` clears both
    #[schema(required = true, min_length = 1, max_length = 1024)]
    pub api_key: Option<String>,
}

impl SetManagement {
    /// What is set; none if both members are null.
    pub fn management(self) -> Option<Management> {
        self.url.zip(self.api_key).map(|(url, api_key)| Management { url, api_key })
    }
}

impl FromObject for SetManagement {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        if object.is_null("url") && object.is_null("apiKey") {
            return Some(Self { channel_id: channel_id?, url: None, api_key: None });
        }
        let Management { url, api_key } = Management::from_object(object)?;
        Some(Self { channel_id: channel_id?, url: Some(url), api_key: Some(api_key) })
    }
}

/// `POST /api/v1/agents/setSubagent`
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetSubagent {
    /// The agent's id
    pub channel_id: String,
    /// Whether it works for another agent; false makes it one of its own again
    pub is_subagent: bool,
    /// The id of another of the caller's agents, which is no sub-agent itself; needed with `isSubagent: true`
    pub parent_channel_id: Option<String>,
}

impl SetSubagent {
    /// What changes of the agent's parent.
    pub fn parent(&self) -> Change<AgentId> {
        parent_of(Some(self.is_subagent), self.parent_channel_id.as_deref())
    }
}

impl FromObject for SetSubagent {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let is_subagent = object.require("isSubagent", |o| o.boolean("isSubagent"));
        let parent_channel_id = parent_member(object, is_subagent);
        Some(Self { channel_id: channel_id?, is_subagent: is_subagent?, parent_channel_id })
    }
}

/// The member `parentChannelId`, which goes together with `isSubagent: true`.
pub fn parent_member(object: &mut JsonObject<'_>, is_subagent: Option<bool>) -> Option<String> {
    let parent = object.string("parentChannelId");
    match is_subagent {
        Some(true) if !object.has("parentChannelId") => {
            object.problem("parentChannelId", "required", "a sub-agent needs the id of its parent: parentChannelId");
        }
        Some(false) | None if parent.is_some() => {
            object.problem("parentChannelId", "not_a_subagent", "parentChannelId goes only with isSubagent: true");
        }
        _ => {}
    }
    parent
}

/// What these members change of an agent's parent.
pub fn parent_of(is_subagent: Option<bool>, parent: Option<&str>) -> Change<AgentId> {
    match (is_subagent, parent) {
        (None, _) => Change::Keep,
        (Some(true), Some(parent)) => Change::Set(AgentId::parse_or_nil(parent)),
        (Some(_), _) => Change::Clear,
    }
}
