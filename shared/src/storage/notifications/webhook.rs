//! The webhook of a person.

use dynamo::value::to_item;
use dynamo::{Delete, Key, Put, Transaction, item_exists, until_applied, until_applied_from};
use serde::{Deserialize, Serialize};

use crate::caller::HumanCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::models::webhook::{BasicAuth, WebhookHeaders, auth_of};
use crate::models::webhook_url::WebhookUrl;
use crate::models::{NotificationWebhook, SetNotificationWebhook, WebhookFormat};
use crate::secrets::webhook_secret::WebhookSecret;
use crate::storage::accounts::{UserItem, update_notifications};
use crate::storage::notifications::Notifications;
use crate::storage::{keys, notify_mark};

/// Where a person is notified by calls to a host of their choice.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonalWebhook {
    /// Without credentials.
    pub url: String,
    pub format: WebhookFormat,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<WebhookHeaders>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<BasicAuth>,
    pub secret: WebhookSecret,
    created_at: Timestamp,
}

impl PersonalWebhook {
    fn new(set: SetNotificationWebhook, now: Timestamp) -> Self {
        Self {
            auth: auth_of(&set.url, None, set.headers.as_ref()),
            url: set.url.as_str().to_owned(),
            format: set.format,
            headers: set.headers,
            secret: WebhookSecret::make(),
            created_at: now,
        }
    }

    /// The webhook as people see it.
    pub fn shown(&self) -> NotificationWebhook {
        let headers = self.headers.as_ref().map(WebhookHeaders::shown).filter(|headers| !headers.is_empty());
        NotificationWebhook {
            origin: WebhookUrl::origin_of(&self.url),
            format: self.format,
            headers,
            created_at: self.created_at,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct WebhookItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    pub webhook: PersonalWebhook,
}

/// A person who sets a webhook, read while they are authenticated.
pub struct OpenedWebhook(UserItem);

impl Notifications<'_> {
    /// The caller's webhook.
    pub async fn webhook(self, human: &HumanCaller) -> Result<Option<PersonalWebhook>, Error> {
        let key = keys::notification_webhook(human.0.claimed);
        let (_, mut items) = self.store.authenticate(human, std::slice::from_ref(&key)).await?;
        Ok(items.take::<WebhookItem>(&key)?.map(|item| item.webhook))
    }

    /// Authenticates the caller, and reads what setting a webhook depends on.
    pub async fn open_webhook(self, human: &HumanCaller) -> Result<OpenedWebhook, Error> {
        let (item, _) = self.store.accounts().authenticate_person(human, &[]).await?;
        Ok(OpenedWebhook(item))
    }

    /// Sets the caller's webhook, with a new secret, and turns notifications by it on.
    pub async fn set_webhook(
        self,
        human: &HumanCaller,
        opened: OpenedWebhook,
        set: SetNotificationWebhook,
    ) -> Result<PersonalWebhook, Error> {
        let webhook = PersonalWebhook::new(set, self.store.clock.now());
        let read = || self.open_webhook(human);
        until_applied_from("preferences", opened, read, |opened: OpenedWebhook| async {
            let OpenedWebhook(item) = opened;
            let user = item.user.id;
            let mut preferences = item.notification_preferences()?;
            preferences.webhook.enabled = true;
            let mut transaction = Transaction::new();
            transaction.add(update_notifications(&item, &preferences)?);
            transaction.add(notify_mark::set(user, self.store.clock.now()));
            let Key { pk, sk } = keys::notification_webhook(user);
            transaction.add(Put::new(to_item(&WebhookItem { pk, sk, webhook: webhook.clone() })?));
            Ok(transaction.commit(&self.store.table).await?.is_applied().then_some(webhook.clone()))
        })
        .await
    }

    /// Removes the caller's webhook, and turns notifications by it off.
    pub async fn delete_webhook(self, human: &HumanCaller) -> Result<(), Error> {
        let key = keys::notification_webhook(human.0.claimed);
        until_applied("preferences", || async {
            let (item, items) = self.store.accounts().authenticate_person(human, std::slice::from_ref(&key)).await?;
            if !items.contains(&key) {
                return Err(Error::NotFound("webhook"));
            }
            let mut preferences = item.notification_preferences()?;
            preferences.webhook.enabled = false;
            let mut transaction = Transaction::new();
            transaction.add(update_notifications(&item, &preferences)?);
            transaction.add(Delete::new(key.clone()).when(item_exists()));
            Ok(transaction.commit(&self.store.table).await?.is_applied().then_some(()))
        })
        .await
    }
}
