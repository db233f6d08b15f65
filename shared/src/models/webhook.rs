//! How an agent's webhook is set. Credentials, and headers that look like some, go in and are never
//! shown.

use std::collections::BTreeMap;

use http::HeaderName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::AgentId;
use crate::models::agent_relations::{parent_member, parent_of};
use crate::models::change::Change;
use crate::models::webhook_url::{MAX_CREDENTIAL, Userinfo, WebhookUrl};
use crate::models::{Agent, Management};
use crate::validation::{FromObject, JsonObject};

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
    /// Reads an optional member of an object.
    pub fn member(object: &mut JsonObject<'_>, name: &str) -> Option<Self> {
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

    /// As they may be shown: the values of those that look secret are `***`.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let shown = |name: &str, value: &str| if looks_secret(name, value) { "***" } else { value }.to_owned();
        self.0.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect()
    }

    fn authorizes(&self) -> bool {
        self.0.contains_key("authorization")
    }
}

/// Whether a header may be a credential: by its name, or because its value looks random.
fn looks_secret(name: &str, value: &str) -> bool {
    const PARTS: [&str; 16] = [
        "auth",
        "key",
        "token",
        "secret",
        "pass",
        "pwd",
        "cookie",
        "credential",
        "signature",
        "session",
        "jwt",
        "bearer",
        "code",
        "pin",
        "otp",
        "hmac",
    ];
    const RANDOM: usize = 16;
    let name = name.to_ascii_lowercase();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let letters = value.chars().filter(char::is_ascii_alphabetic).count();
    let unbroken = !value.contains([' ', '/', ',', ';']) || value.contains('=');
    let random = value.len() >= RANDOM && unbroken && digits >= 2 && letters >= 2;
    let scheme = value.split(' ').next().unwrap_or_default().to_ascii_lowercase();
    let scheme =
        ["bearer", "basic", "digest", "token", "apikey", "hmac"].contains(&scheme.as_str()) && value.contains(' ');
    PARTS.iter().any(|part| name.contains(part)) || random || scheme
}

fn check(name: &str, value: &str) -> Result<(), &'static str> {
    if name.len() > MAX_NAME || HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err("has a name that HTTP does not allow, or one of more than 128 characters");
    }
    if RESERVED.contains(&name) || name.starts_with("webhook-") {
        return Err("is one that the sender or the connection sets");
    }
    let printable = value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b));
    if value.len() > MAX_VALUE || !printable || value.trim() != value {
        return Err("has a value that is not printable ASCII, or one of more than 2000 bytes");
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

/// Credentials as they may be shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownAuth {
    #[schema(example = "placet")]
    username: String,
    /// Always `***`
    #[schema(example = "***")]
    password: &'static str,
}

impl BasicAuth {
    /// The credentials as the API shows them: without the password.
    pub fn shown(&self) -> ShownAuth {
        ShownAuth { username: self.username.clone(), password: "***" }
    }
}

impl From<Userinfo> for BasicAuth {
    fn from(Userinfo { username, password }: Userinfo) -> Self {
        Self { username, password }
    }
}

/// The credentials that belong to a webhook: what is set by name goes before what stood in the URL.
pub fn auth_of(url: &WebhookUrl, auth: Option<BasicAuth>, headers: Option<&WebhookHeaders>) -> Option<BasicAuth> {
    let named = headers.is_some_and(WebhookHeaders::authorizes);
    auth.or_else(|| url.userinfo().filter(|_| !named).cloned().map(BasicAuth::from))
}

impl FromObject for BasicAuth {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let username = object.require("username", |o| o.short_string("username", MAX_CREDENTIAL));
        let password = object.require("password", |o| o.short_string("password", MAX_CREDENTIAL));
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
    /// http or https, and no private address; `webhookUrl` is taken, too. A user name and password
    /// in it are taken as `auth`
    #[schema(value_type = String, format = "uri", max_length = 2000, example = "https://hooks.example.com/placet")]
    pub url: WebhookUrl,
    /// At most 20 that go along with every delivery; none of the connection's, no `webhook-*`. Values
    /// that look secret are shown as `***`
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub headers: Option<WebhookHeaders>,
    /// The password is never shown
    pub auth: Option<BasicAuth>,
    /// Where the agent can be managed; absent leaves it
    pub management: Option<Management>,
    /// Whether it works for another agent; absent leaves it
    pub is_subagent: Option<bool>,
    /// The id of that agent; needed with `isSubagent: true`
    pub parent_channel_id: Option<String>,
}

impl SetWebhook {
    /// What changes of the agent's parent.
    pub fn parent(&self) -> Change<AgentId> {
        parent_of(self.is_subagent, self.parent_channel_id.as_deref())
    }
}

impl FromObject for SetWebhook {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let name = if !object.has("url") && object.has("webhookUrl") { "webhookUrl" } else { "url" };
        let url = object.require(name, |o| WebhookUrl::member(o, name));
        let headers = WebhookHeaders::member(object, "headers");
        let auth = object.object::<BasicAuth>("auth");
        let management = object.object::<Management>("management");
        let is_subagent = object.boolean("isSubagent");
        let parent_channel_id = parent_member(object, is_subagent);
        let (channel_id, url) = (channel_id?, url?);
        let auth = auth_of(&url, auth, headers.as_ref());
        Some(Self { channel_id, url, headers, auth, management, is_subagent, parent_channel_id })
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
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
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
