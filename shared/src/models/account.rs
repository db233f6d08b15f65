//! People and their API keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, UserId};
use crate::input::{FromObject, Object};
use crate::secrets::Password;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Member,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub role: Role,
    pub must_change_password: bool,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub label: String,
    pub key_prefix: String,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// A key as it is shown once: with the secret.
#[derive(Serialize, ToSchema)]
pub struct ShownApiKey {
    #[serde(flatten)]
    pub api_key: ApiKey,
    pub key: String,
}

/// `POST /api/api-keys`.
pub struct NewApiKey {
    pub label: String,
}

impl FromObject for NewApiKey {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        if !object.has("label") {
            return Some(Self { label: "Default".into() });
        }
        object.label("label", 64).map(|label| Self { label })
    }
}

const MAX_PASSWORD: usize = 1024;

/// `POST /api/auth/login`.
pub struct Credentials {
    pub email: Email,
    pub password: Password,
}

impl Credentials {
    /// What somebody typed; `None` when it is longer than any that is right.
    pub fn typed(email: &str, password: &str) -> Option<Self> {
        let fits = email.chars().count() <= Email::MAX && password.chars().count() <= MAX_PASSWORD;
        fits.then(|| Self { email: Email::typed(email), password: Password::new(password.to_owned()) })
    }
}

impl FromObject for Credentials {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let email = object.require("email", |o| o.short_string("email", Email::MAX));
        let password = object.require("password", |o| o.short_string("password", MAX_PASSWORD));
        Some(Self { email: Email::typed(&email?), password: Password::new(password?) })
    }
}

/// An e-mail address in the form it is compared in: trimmed, lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    const MAX: usize = 254;

    /// What somebody typed to sign in. Whether it is an address shows when nobody has it.
    pub fn typed(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    /// An address for an account: something on both sides of one `@`, no spaces.
    pub fn checked(text: &str) -> Option<Self> {
        let email = Self::typed(text);
        is_email(&email.0).then_some(email)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rough shape that browsers ask of an e-mail field; only a mail that arrives proves more.
pub fn is_email(text: &str) -> bool {
    let no_odd = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts = text.split_once('@');
    no_odd
        && text.len() <= Email::MAX
        && parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}
