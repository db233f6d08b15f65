//! The webhook of a person: where they are notified outside of browsers and e-mail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::models::webhook::WebhookHeaders;
use crate::models::webhook_url::WebhookUrl;
use crate::validation::{FromObject, JsonObject};
use crate::words::words;

const MAX_TOPIC: usize = 64;

/// What a webhook understands
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// Everything, as JSON of our own
    #[default]
    Json,
    /// An incoming webhook of Slack
    Slack,
    /// A topic of an ntfy server
    Ntfy,
}

words!(WebhookFormat { "json" => Json, "slack" => Slack, "ntfy" => Ntfy });

/// `PUT /api/notifications/webhook`: the webhook as a whole.
#[derive(ToSchema)]
pub struct SetNotificationWebhook {
    /// http or https, and no private address. A user name and password in it are sent as basic auth. Of ntfy, the URL of
    /// the topic
    #[schema(value_type = String, format = "uri", max_length = 2000, example = "https://ntfy.sh/my-secret-topic")]
    pub url: WebhookUrl,
    #[schema(required = false, default = "json")]
    pub format: WebhookFormat,
    /// At most 20 that go along with every call, such as `Authorization`
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub headers: Option<WebhookHeaders>,
}

impl FromObject for SetNotificationWebhook {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let url = object.require("url", |o| WebhookUrl::member(o, "url"));
        let format = if object.has("format") {
            object.one_of("format", &WebhookFormat::WORDS)
        } else {
            Some(WebhookFormat::default())
        };
        let headers = WebhookHeaders::member(object, "headers");
        let (url, format) = (url?, format?);
        if format == WebhookFormat::Ntfy && ntfy_topic(url.as_str()).is_none() {
            object.problem("url", "not_a_topic", "url must be that of a topic, such as https://ntfy.sh/my-topic");
            return None;
        }
        Some(Self { url, format, headers })
    }
}

/// The URL of the ntfy server, and the topic, of a topic's URL.
pub fn ntfy_topic(url: &str) -> Option<(Url, String)> {
    let mut server = Url::parse(url).ok()?;
    let topic = server.path_segments()?.next_back()?.to_owned();
    let is_valid = (1..=MAX_TOPIC).contains(&topic.len())
        && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    server.path_segments_mut().ok()?.pop().push("");
    is_valid.then_some((server, topic))
}

/// A person's webhook. Its path may be a secret, and is not shown
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationWebhook {
    /// The origin of its URL
    #[schema(example = "https://hooks.slack.com")]
    pub origin: String,
    pub format: WebhookFormat,
    /// Values that look secret are `***`
    pub headers: Option<BTreeMap<String, String>>,
    pub created_at: Timestamp,
}

/// A person's webhook, with its signing secret in the one answer that shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationWebhookWithSecret {
    #[serde(flatten)]
    pub webhook: NotificationWebhook,
    /// Signs calls, as Standard Webhooks says; shown once
    #[schema(example = "whsec_bm90IGEgc2VjcmV0LCBqdXN0IGFuIGV4YW1wbGUhISE=")]
    pub webhook_secret: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_is_the_last_part_of_a_path() {
        for (url, server, topic) in [
            ("https://ntfy.sh/my-topic", "https://ntfy.sh/", "my-topic"),
            ("https://example.com/push/T_1?auth=x", "https://example.com/push/?auth=x", "T_1"),
        ] {
            let found = ntfy_topic(url).map(|(server, topic)| (server.to_string(), topic));
            assert_eq!(found, Some((server.to_owned(), topic.to_owned())), "{url}");
        }
        for url in
            ["https://ntfy.sh", "https://ntfy.sh/", "https://ntfy.sh/a/", "https://ntfy.sh/a%20b", "mailto:a@b.c"]
        {
            assert!(ntfy_topic(url).is_none(), "{url}");
        }
    }
}
