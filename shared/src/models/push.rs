//! Subscriptions of browsers to push messages.

use std::fmt;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use p256::PublicKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::models::user_agent::browser_and_system;
use crate::models::webhook_url::WebhookUrl;
use crate::validation::{FromObject, JsonObject};

/// Browsers write base64url with and without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const MAX_KEY: usize = 128;
const MAX_NAME: usize = 64;

/// The URL of a subscription at its push service. Everybody who knows it can send to the browser, so its `Debug` shows
/// nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PushEndpoint(String);

impl PushEndpoint {
    /// For the request to the push service, and for what identifies the subscription.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PushEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The keys that messages to a browser are encrypted with. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushKeys {
    #[serde(with = "base64url")]
    p256dh: Vec<u8>,
    #[serde(with = "base64url")]
    auth: Vec<u8>,
}

impl PushKeys {
    /// The browser's public key: an uncompressed point of P-256.
    pub fn public(&self) -> &[u8] {
        &self.p256dh
    }

    /// The secret that the browser shares with senders: 16 bytes.
    pub fn auth(&self) -> &[u8] {
        &self.auth
    }
}

impl fmt::Debug for PushKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromObject for PushKeys {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let is_point = |bytes: &[u8]| bytes.len() == 65 && PublicKey::from_sec1_bytes(bytes).is_ok();
        let p256dh = key(object, "p256dh", "must be an uncompressed point of P-256 in base64url", is_point);
        let auth = key(object, "auth", "must be 16 bytes in base64url", |bytes| bytes.len() == 16);
        Some(Self { p256dh: p256dh?, auth: auth? })
    }
}

fn key(object: &mut JsonObject<'_>, name: &str, problem: &str, is_valid: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let text = object.require(name, |o| o.short_string(name, MAX_KEY))?;
    let bytes = BASE64URL.decode(text).ok().filter(|bytes| is_valid(bytes));
    if bytes.is_none() {
        object.problem(name, "not_a_key", format!("{name} {problem}"));
    }
    bytes
}

/// Where messages to a browser are sent, and how they are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub endpoint: PushEndpoint,
    pub keys: PushKeys,
}

/// `POST /api/push/subscribe`: what `PushSubscription.toJSON()` gives in a browser.
#[derive(ToSchema)]
pub struct Subscribe {
    /// An https URL of a push service; the rules of webhook URLs apply.
    #[schema(value_type = String, max_length = 2000, example = "https://push.example.com/send/abc")]
    pub endpoint: WebhookUrl,
    #[schema(value_type = SubscriptionKeys)]
    pub keys: PushKeys,
    /// What the device is called; made of the browser's and the system's name without it.
    #[schema(min_length = 1, max_length = 64, example = "My phone")]
    pub name: Option<String>,
}

/// The keys of a subscription, in base64url.
#[derive(ToSchema)]
pub struct SubscriptionKeys {
    /// The browser's public key.
    #[expect(dead_code, reason = "a description")]
    p256dh: String,
    /// Its secret.
    #[expect(dead_code, reason = "a description")]
    auth: String,
}

impl Subscribe {
    /// What is stored of it.
    pub fn subscription(&self) -> Subscription {
        Subscription { endpoint: PushEndpoint(self.endpoint.as_str().to_owned()), keys: self.keys.clone() }
    }
}

impl FromObject for Subscribe {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let endpoint = endpoint(object);
        let keys = object.require("keys", |o| o.object::<PushKeys>("keys"));
        let name = if object.has("name") { object.label("name", MAX_NAME) } else { None };
        Some(Self { endpoint: endpoint?, keys: keys?, name })
    }
}

/// `DELETE /api/push/subscribe`.
#[derive(ToSchema)]
pub struct Unsubscribe {
    #[schema(value_type = String, example = "https://push.example.com/send/abc")]
    pub endpoint: PushEndpoint,
}

impl FromObject for Unsubscribe {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let url = object.require("endpoint", |o| o.string("endpoint"))?;
        // As `Subscribe` has stored it.
        let url = url::Url::parse(&url).map_or(url, String::from);
        Some(Self { endpoint: PushEndpoint(url) })
    }
}

/// The endpoint of a new subscription: over TLS, except on a machine that tests itself.
fn endpoint(object: &mut JsonObject<'_>) -> Option<WebhookUrl> {
    let url = object.require("endpoint", |o| WebhookUrl::member(o, "endpoint"))?;
    let is_encrypted = url.as_str().starts_with("https:") || object.may_name_loopback();
    if !is_encrypted || url.userinfo().is_some() {
        object.problem("endpoint", "not_a_push_endpoint", "endpoint must be an https URL without credentials");
        return None;
    }
    Some(url)
}

/// A browser that gets push messages
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushDevice {
    /// Made of the endpoint, which it does not reveal
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub id: String,
    #[schema(example = "Firefox on Android")]
    pub name: String,
    pub created_at: Timestamp,
    /// When its push service last accepted a message, exact to five minutes
    pub last_used_at: Option<Timestamp>,
}

/// `PATCH /api/push/devices/{id}`.
#[derive(ToSchema)]
pub struct RenameDevice {
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
}

impl FromObject for RenameDevice {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        Some(Self { name: object.require("name", |o| o.label("name", MAX_NAME))? })
    }
}

/// The name of a device by its browser's `User-Agent`, such as "Firefox on Android".
pub fn device_name(user_agent: &str) -> String {
    match browser_and_system(user_agent) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "A browser".to_owned(),
    }
}

mod base64url {
    use base64::Engine;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::BASE64URL.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        super::BASE64URL.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_called_what_its_browser_and_system_are_called() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/143.0.0.0 Safari/537.36", "Chrome on Linux"),
            ("Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox on Android"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0", "Edge on Windows"),
            ("curl/8.5.0", "A browser"),
        ] {
            assert_eq!(device_name(user_agent), name);
        }
    }
}
