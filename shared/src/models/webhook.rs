//! How an agent's webhook is set. Headers and credentials go in and are never shown.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::{FromObject, Object};
use crate::models::Agent;
use crate::webhook_url::WebhookUrl;

const MAX_HEADERS: usize = 20;
const MAX_NAME: usize = 128;
const MAX_VALUE: usize = 2000;
const MAX_ALL_HEADERS: usize = 8 * 1024;

/// Headers that are the connection's (RFC 9110, 7.6.1) or that the sender fills in.
const RESERVED: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that go along with every delivery, by lower-case name.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct WebhookHeaders(pub BTreeMap<String, String>);

impl WebhookHeaders {
    pub fn member(object: &mut Object<'_>, name: &str) -> Option<Self> {
        let given = object.string_map(name)?;
        if given.len() > MAX_HEADERS {
            object.problem(name, "too_many", format!("{name} may have at most {MAX_HEADERS} headers"));
            return None;
        }
        let mut headers = BTreeMap::new();
        for (header, value) in &given {
            let lower = header.to_ascii_lowercase();
            let wrong = check(&lower, value).err();
            let wrong = wrong.or(headers.contains_key(&lower).then_some("is given twice: case does not count"));
            if let Some(why) = wrong {
                let mut path = object.path_to(name);
                path.push(header.as_str().into());
                object.problems().add(path, "not_a_header", format!("the header {why}"));
            }
            headers.insert(lower, value.clone());
        }
        if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_ALL_HEADERS {
            object.problem(name, "too_long", format!("{name} may have at most {MAX_ALL_HEADERS} bytes together"));
        }
        Some(Self(headers))
    }
}

fn check(name: &str, value: &str) -> Result<(), &'static str> {
    if name.len() > MAX_NAME || HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err("has a name that HTTP does not allow, or one of more than 128 characters");
    }
    if RESERVED.contains(&name) || name.starts_with("webhook-") {
        return Err("is one that the sender or the connection sets");
    }
    if value.len() > MAX_VALUE || HeaderValue::from_str(value).is_err() || value.trim() != value {
        return Err("has a value that HTTP does not allow, or one of more than 2000 bytes");
    }
    Ok(())
}

/// Credentials for HTTP's Basic scheme.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct BasicAuth {
    /// No colon and no control characters
    #[schema(example = "placet", min_length = 1, max_length = 256, pattern = "^[^:\\x00-\\x1f\\x7f-\\x9f]+$")]
    pub username: String,
    /// No control characters
    #[schema(example = "a password", max_length = 256, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    pub password: String,
}

impl FromObject for BasicAuth {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let username = object.require("username", |o| o.short_string("username", 256));
        let password = object.require("password", |o| o.short_string("password", 256));
        // RFC 7617: a colon would end the name, control characters are not allowed in either.
        if username.as_ref().is_some_and(|it| it.is_empty() || it.contains(':') || it.chars().any(char::is_control)) {
            object.problem("username", "not_a_username", "username must have no colon and no control characters");
        }
        if password.as_ref().is_some_and(|it| it.chars().any(char::is_control)) {
            object.problem("password", "not_a_password", "password must have no control characters");
        }
        Some(Self { username: username?, password: password? })
    }
}

/// `POST /api/v1/agents/setWebhook`: the webhook as a whole; what is absent is gone.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetWebhook {
    /// The agent's id
    pub channel_id: String,
    /// http or https, and no private address
    #[schema(value_type = String, format = "uri", max_length = 2000, example = "https://hooks.example.com/placet")]
    pub url: WebhookUrl,
    /// At most 20 that go along with every delivery; none of the connection's, no `webhook-*`. Never shown
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub headers: Option<WebhookHeaders>,
    /// Never shown
    pub auth: Option<BasicAuth>,
}

impl FromObject for SetWebhook {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let url = object.require("url", |o| WebhookUrl::member(o, "url"));
        let headers = WebhookHeaders::member(object, "headers");
        let auth = object.object::<BasicAuth>("auth");
        Some(Self { channel_id: channel_id?, url: url?, headers, auth })
    }
}

/// `POST /api/v1/agents/deleteWebhook`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DeleteWebhook {
    /// The agent's id
    pub channel_id: String,
}

impl FromObject for DeleteWebhook {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        Some(Self { channel_id: channel_id? })
    }
}

/// An agent, with its signing secret in the one answer that shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentWithSecret {
    #[serde(flatten)]
    pub agent: Agent,
    /// Signs deliveries, as Standard Webhooks says; shown when it is made, and never again
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_bm90IGEgc2VjcmV0LCBqdXN0IGFuIGV4YW1wbGUhISE=")]
    pub webhook_secret: Option<String>,
}
