//! An agent's webhook, part of the agent's item. During a rotation the new secret and the one before it both
//! sign; after several rotations in a day, the last two.

use std::collections::BTreeMap;
use std::time::Duration;

use dynamo::value::{Value, s, to_value};
use dynamo::{Conditional, Update, attr};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::webhook::{BasicAuth, ShownAuth, WebhookHeaders, auth_of};
use crate::models::webhook_url::{WebhookUrl, split};
use crate::models::{Agent, AgentWithSecret, Change, SetWebhook};
use crate::secrets::webhook_secret::WebhookSecret;
use crate::storage::Channel;
use crate::storage::agents::Agents;
use crate::storage::agents::{AgentItem, ParentAgent, SealedManagement, agent_update, apply};
use crate::storage::keys;

/// How long a replaced secret still signs together with the new one.
const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);

const PARTS: [&str; 6] =
    ["webhookUrl", "webhookHeaders", "webhookAuth", "webhookSecret", "webhookPreviousSecret", "webhookPreviousUntil"];

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::storage) struct WebhookItem {
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

/// The parts of a webhook that responses show.
pub(in crate::storage) struct ShownWebhook {
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

    /// Part of a partial update. A URL brings a secret, which is given back, unless the agent has one; removing
    /// the URL removes everything of the webhook.
    pub fn change(
        mut update: Update,
        url: Change<WebhookUrl>,
        headers: Change<WebhookHeaders>,
        auth: Change<BasicAuth>,
    ) -> Result<(Update, Option<WebhookSecret>), Error> {
        if url.is_clear() {
            return Ok((PARTS.iter().fold(update, |update, part| update.remove(part)), None));
        }
        let secret = url.as_set().map(|_| WebhookSecret::make());
        if let (Some(url), Some(secret)) = (url.as_set(), &secret) {
            update = update.set("webhookUrl", s(url.as_str())).set_if_absent("webhookSecret", s(secret.reveal()));
        }
        let update = apply(update, "webhookHeaders", stored(headers)?, |it| it);
        let update = apply(update, "webhookAuth", stored(auth)?, |it| it);
        Ok((update, secret))
    }
}

fn stored<T: Serialize>(change: Change<T>) -> Result<Change<Value>, Error> {
    Ok(match change {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(value) => Change::Set(to_value(&value)?),
    })
}

/// Where an agent's events are sent, and with which credentials.
pub struct Webhook {
    pub url: Option<String>,
    pub headers: WebhookHeaders,
    pub auth: Option<BasicAuth>,
    /// Those that sign now, the newest first.
    pub secrets: Vec<WebhookSecret>,
}

impl Agents<'_> {
    /// Replaces the whole webhook, with a new secret; the secret before it stays valid for a day. Changes in the
    /// same write where the agent is managed and for which other one it works, if the call says so.
    pub async fn set_webhook(
        self,
        channel: &Channel,
        set: SetWebhook,
        (management, parent): (Option<SealedManagement>, Change<ParentAgent>),
    ) -> Result<AgentWithSecret, Error> {
        let secret = WebhookSecret::make();
        let ends = self.store.clock.now().plus(SECRET_OVERLAP);
        let headers = set.headers.as_ref().map(to_value).transpose()?;
        let auth = set.auth.as_ref().map(to_value).transpose()?;
        let is_new = attr("webhookSecret").absent().or(attr("webhookSecret").ne(s(secret.reveal())));
        let update = agent_update(channel.id())
            .set("webhookUrl", s(set.url.as_str()))
            .set_or_remove("webhookHeaders", headers)
            .set_or_remove("webhookAuth", auth)
            .set("webhookSecret", s(secret.reveal()))
            .set("webhookPreviousUntil", s(ends))
            .copy_or("webhookPreviousSecret", "webhookSecret", Value::Null(true))
            .when(is_new);
        let update = SealedManagement::change(update, management.map_or(Change::Keep, Change::Set));
        let update = ParentAgent::change(update, parent);
        let item = match update.send::<AgentItem>(&self.store.table).await? {
            Conditional::Applied(item) => item,
            // The SDK sent this very update twice, with the first reply lost.
            Conditional::Refused(Some(item)) if item.webhook.webhook_secret.as_ref() == Some(&secret) => item,
            Conditional::Refused(_) => return Err(Error::NotYourAgent),
        };
        Ok(AgentWithSecret { agent: item.into(), webhook_secret: Some(secret.reveal().to_owned()) })
    }

    /// Removes the webhook with its secrets.
    pub async fn delete_webhook(self, channel: &Channel) -> Result<Agent, Error> {
        let update = PARTS.iter().fold(agent_update(channel.id()), |update, part| update.remove(part));
        self.write(update).await.map(Agent::from)
    }

    /// What a delivery for one of `owner`'s agents needs; `None` for an agent that is gone.
    pub async fn webhook(self, owner: UserId, agent: AgentId) -> Result<Option<Webhook>, Error> {
        let key = keys::agent(agent);
        let item = self.store.table.get::<AgentItem>(&key).await?;
        let item = item.filter(|item| item.owner_id == owner && item.deleted_at.is_none());
        let now = self.store.clock.now();
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
