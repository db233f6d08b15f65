//! An agent's webhook, kept in the agent's item. Two secrets are good while one takes over from
//! the other; of more than two in a day the last two.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::webhook::{BasicAuth, ShownAuth, WebhookHeaders, auth_of};
use crate::models::{Agent, AgentWithSecret, Change, SetWebhook};
use crate::storage::agent_update::{AgentUpdate, Changed};
use crate::storage::agents::AgentItem;
use crate::storage::keys::Key;
use crate::storage::{Channel, Store, attribute, text};
use crate::webhook_secret::WebhookSecret;
use crate::webhook_url::{WebhookUrl, split};

/// How long a secret that was replaced still signs, beside the new one.
const BOTH_GOOD: Duration = Duration::from_secs(24 * 3600);

const PARTS: [&str; 6] =
    ["webhookUrl", "webhookHeaders", "webhookAuth", "webhookSecret", "webhookPreviousSecret", "webhookPreviousUntil"];

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookItem {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_headers: Option<WebhookHeaders>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_auth: Option<BasicAuth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<WebhookSecret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_previous_secret: Option<WebhookSecret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_previous_until: Option<Timestamp>,
}

/// What an agent shows of its webhook.
pub(super) struct ShownWebhook {
    pub url: Option<String>,
    pub headers: Option<BTreeMap<String, String>>,
    pub auth: Option<ShownAuth>,
}

impl WebhookItem {
    pub fn new(url: WebhookUrl) -> Self {
        Self {
            webhook_auth: auth_of(&url, None, None),
            webhook_url: Some(url.as_str().to_owned()),
            webhook_secret: Some(WebhookSecret::make()),
            ..Self::default()
        }
    }

    /// What may be shown. Earlier versions kept credentials in the URL.
    pub fn shown(&self) -> ShownWebhook {
        let (url, userinfo) = self.webhook_url.as_deref().map(split).unzip();
        let auth = self.webhook_auth.clone().or_else(|| userinfo.flatten().map(BasicAuth::from));
        let headers = self.webhook_headers.as_ref().map(WebhookHeaders::shown).filter(|it| !it.is_empty());
        ShownWebhook { url, headers, auth: auth.map(|auth| auth.shown()) }
    }

    /// Part of a partial change. A URL brings the secret that is given back with it, unless the
    /// agent has one; without a URL nothing of the webhook stays.
    pub fn change(
        mut update: AgentUpdate,
        url: Change<WebhookUrl>,
        headers: Change<WebhookHeaders>,
        auth: Change<BasicAuth>,
    ) -> Result<(AgentUpdate, Option<WebhookSecret>), Error> {
        if url.is_clear() {
            return Ok((PARTS.iter().fold(update, |update, part| update.remove(part)), None));
        }
        let secret = url.as_set().map(|_| WebhookSecret::make());
        if let (Some(url), Some(secret)) = (url.as_set(), &secret) {
            update = update
                .set("webhookUrl", text(url.as_str()))
                .value(":secret", text(secret.reveal()))
                .set_to("webhookSecret", "if_not_exists(#webhookSecret, :secret)");
        }
        let headers = written(headers)?;
        let auth = written(auth)?;
        let update = update.change("webhookHeaders", headers, |it| it).change("webhookAuth", auth, |it| it);
        Ok((update, secret))
    }
}

fn written<T: Serialize>(change: Change<T>) -> Result<Change<AttributeValue>, Error> {
    Ok(match change {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(value) => Change::Set(attribute(&value)?),
    })
}

/// Where an agent's events go, and with what.
pub struct Webhook {
    pub url: Option<String>,
    pub headers: WebhookHeaders,
    pub auth: Option<BasicAuth>,
    /// Those that sign now, the newest first.
    pub secrets: Vec<WebhookSecret>,
}

impl Store {
    /// Sets the webhook as a whole, with a new secret; the one before it stays good for a day.
    pub async fn set_webhook(&self, channel: &Channel, set: SetWebhook) -> Result<AgentWithSecret, Error> {
        let secret = WebhookSecret::make();
        let ends = self.clock.now().plus(BOTH_GOOD);
        let headers = set.headers.as_ref().map(attribute).transpose()?;
        let auth = set.auth.as_ref().map(attribute).transpose()?;
        let update = AgentUpdate::new()
            .set("webhookUrl", text(set.url.as_str()))
            .set_or_remove("webhookHeaders", headers)
            .set_or_remove("webhookAuth", auth)
            .set("webhookSecret", text(secret.reveal()))
            .set("webhookPreviousUntil", text(ends))
            .value(":none", AttributeValue::Null(true))
            .set_to("webhookPreviousSecret", "if_not_exists(#webhookSecret, :none)")
            .when("attribute_not_exists(#webhookSecret) OR #webhookSecret <> :webhookSecret");
        let item = match self.write_agent(channel.id(), update, ReturnValue::AllNew).await? {
            Changed::Done(item) => item,
            // The SDK sent this very update twice, with the first reply lost.
            Changed::Refused(Some(item)) if item.webhook.webhook_secret.as_ref() == Some(&secret) => item,
            Changed::Refused(_) => return Err(Error::NotYourAgent),
        };
        Ok(AgentWithSecret { agent: item.into(), webhook_secret: Some(secret.reveal().to_owned()) })
    }

    /// Takes the webhook away, with all that belongs to it.
    pub async fn delete_webhook(&self, channel: &Channel) -> Result<Agent, Error> {
        let update = PARTS.iter().fold(AgentUpdate::new(), |update, part| update.remove(part));
        self.change_agent(channel.id(), update).await.map(Agent::from)
    }

    /// What a delivery for one of `owner`'s agents needs; `None` for an agent that is gone.
    pub async fn webhook_of(&self, owner: UserId, agent: AgentId) -> Result<Option<Webhook>, Error> {
        let key = Key::agent(agent);
        let item = self.get_all(vec![key.clone()]).await?.take::<AgentItem>(&key)?;
        let item = item.filter(|item| item.owner_id == owner && item.deleted_at.is_none());
        let now = self.clock.now();
        Ok(item.map(|item| {
            let webhook = item.webhook;
            let until = webhook.webhook_previous_until;
            let previous = webhook.webhook_previous_secret.filter(|_| until.is_some_and(|until| until > now));
            Webhook {
                url: webhook.webhook_url,
                headers: webhook.webhook_headers.unwrap_or_default(),
                auth: webhook.webhook_auth,
                secrets: webhook.webhook_secret.into_iter().chain(previous).collect(),
            }
        }))
    }
}
