//! People and their API keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::ids::{AgentId, ApiKeyId, Nil, UserId};
use crate::secrets::password::MAX_LENGTH;
use crate::secrets::{Password, Weakness};
pub use crate::validation::email::{Email, is_email};
use crate::validation::{FromObject, JsonObject};
use crate::words::words;

/// What a user may do: owners also manage users and plugins
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Member,
}

words!(Role { "owner" => Owner, "member" => Member });

/// A person with an account
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: UserId,
    /// In lower case
    #[schema(example = "anna@example.com")]
    pub email: String,
    pub display_name: String,
    pub role: Role,
    /// Somebody else knows the password: the page asks for a new one, the API refuses nothing
    pub must_change_password: bool,
    pub created_at: Timestamp,
}

/// An API key, without its secret
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub label: String,
    /// The key's first characters, to tell keys apart
    #[schema(example = "hp_Zr8kQ2Lw")]
    pub key_prefix: String,
    /// The one agent that it reaches; null for all of the user's agents
    pub agent_id: Option<AgentId>,
    /// It may only read: calls other than GET are 403 `read_only_key`
    #[serde(default)]
    #[schema(required = true)]
    pub read_only: bool,
    /// From then on it is 401 `api_key_expired`; null if it does not end
    pub expires_at: Option<Timestamp>,
    /// Exact to five minutes
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// A key as it is shown once: with the secret.
#[derive(Serialize, ToSchema)]
pub struct ShownApiKey {
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// The whole key: shown this once
    pub key: String,
}

/// `POST /api/api-keys`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewApiKey {
    #[schema(required = false, min_length = 1, max_length = 64, default = "Default")]
    pub label: String,
    /// The one agent that it reaches; all without it
    pub agent_id: Option<AgentId>,
    #[schema(required = false, default = false)]
    pub read_only: bool,
    /// When it ends; never without it
    pub expires_at: Option<Timestamp>,
}

impl NewApiKey {
    /// A key that reaches all agents and does not end.
    pub fn labelled(label: impl Into<String>) -> Self {
        Self { label: label.into(), agent_id: None, read_only: false, expires_at: None }
    }
}

impl FromObject for NewApiKey {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let label = if object.has("label") { object.label("label", 64) } else { Some("Default".into()) };
        // A malformed id names none of the caller's agents.
        let agent_id = object.string("agentId").map(|text| AgentId::parse_or_nil(&text));
        let read_only = object.boolean("readOnly").unwrap_or_default();
        let expires_at = object.timestamp("expiresAt");
        refuse_misspelt_limits(object)?;
        Some(Self { label: label?, agent_id, read_only, expires_at })
    }
}

/// Refuses unknown members that may be meant to limit the key: without them it would reach more than was meant.
fn refuse_misspelt_limits(object: &mut JsonObject<'_>) -> Option<()> {
    const KNOWN: [&str; 4] = ["label", "agentId", "readOnly", "expiresAt"];
    const LIMITING: [&str; 11] =
        ["agent", "channel", "read", "write", "only", "expir", "end", "until", "scope", "permission", "ttl"];
    let means_a_limit = |name: &str| {
        let name = name.to_ascii_lowercase();
        LIMITING.iter().any(|word| name.contains(word))
    };
    let unknown: Vec<String> =
        object.names().filter(|name| !KNOWN.contains(name) && means_a_limit(name)).map(str::to_owned).collect();
    for name in &unknown {
        let sentence = format!("{name} is unknown: a key is limited by agentId, readOnly and expiresAt");
        object.problem(name, "unknown_member", sentence);
    }
    unknown.is_empty().then_some(())
}

/// `POST /api/auth/login`.
#[derive(ToSchema)]
pub struct Credentials {
    #[schema(value_type = String, max_length = 254, example = "anna@example.com")]
    pub email: Email,
    #[schema(value_type = String, max_length = 1024)]
    pub password: Password,
}

impl Credentials {
    /// The credentials of a login form; `None` if they are longer than any valid ones.
    pub fn typed(email: &str, password: &str) -> Option<Self> {
        let fits = email.chars().count() <= Email::MAX && password.chars().count() <= MAX_LENGTH;
        fits.then(|| Self { email: Email::typed(email), password: Password::new(password.to_owned()) })
    }
}

impl FromObject for Credentials {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let email = object.require("email", |o| o.short_string("email", Email::MAX));
        let password = object.require("password", |o| o.short_string("password", MAX_LENGTH));
        Some(Self { email: Email::typed(&email?), password: Password::new(password?) })
    }
}

/// `POST /api/auth/change-password`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ChangePassword {
    #[schema(rename = "currentPassword", value_type = String, max_length = 1024)]
    pub current: Password,
    #[schema(rename = "newPassword", value_type = String, min_length = 8, max_length = 1024)]
    pub new: Password,
}

impl ChangePassword {
    /// The input of a password form.
    pub fn typed(current: &str, new: &str) -> Result<Self, Weakness> {
        // What is longer than any password is a wrong one.
        let current: String = current.chars().take(MAX_LENGTH + 1).collect();
        match Weakness::of(new) {
            None => Ok(Self { current: Password::new(current), new: Password::new(new.to_owned()) }),
            Some(weakness) => Err(weakness),
        }
    }
}

impl FromObject for ChangePassword {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let current = object.require("currentPassword", |o| o.short_string("currentPassword", MAX_LENGTH));
        let new = object.require("newPassword", |o| Password::member(o, "newPassword"));
        Some(Self { current: Password::new(current?), new: new? })
    }
}

impl Password {
    /// A password to be set: 8 to 1,024 characters, and none of the commonest.
    pub fn member(object: &mut JsonObject<'_>, name: &str) -> Option<Self> {
        let text = object.string(name)?;
        match Weakness::of(&text) {
            None => Some(Self::new(text)),
            Some(weakness) => {
                object.problem(name, weakness.code(), weakness.sentence(name));
                None
            }
        }
    }
}
