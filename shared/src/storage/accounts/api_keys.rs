//! API keys: the item that a presented key is looked up by, and the one its user sees.

use dynamo::value::{Item, s, to_item};
use dynamo::{Conditional, Delete, Key, Put, Transaction, Update, attr, item_exists, until_applied};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, ApiKeyId, UserId};
use crate::models::{ApiKey, NewApiKey, ShownApiKey};
use crate::secrets::{Credential, PlainSecret, SecretHash};
use crate::storage::accounts::Accounts;
use crate::storage::accounts::while_user_stays;
use crate::storage::keys;
use crate::storage::{collect_for_response, join_authorized};
use crate::telemetry::cost;

/// The resolution of `lastUsedAt`: a write on every call would cost too much.
const LAST_USED_STEP: std::time::Duration = std::time::Duration::from_secs(5 * 60);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::storage) struct ApiKeyItem {
    pk: String,
    sk: String,
    user_id: UserId,
    key_id: ApiKeyId,
    /// The one agent that it reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<AgentId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

/// A presented key that is stored.
pub(in crate::storage) struct VerifiedKey {
    pub user: UserId,
    pub id: ApiKeyId,
    pub is_read_only: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserApiKeyItem {
    pk: String,
    sk: String,
    hash: String,
    #[serde(flatten)]
    shown: ApiKey,
}

/// The writes that create or rotate a key.
enum Write {
    Key,
    User,
}

impl Accounts<'_> {
    /// A presented key, if it is stored, has not ended, and its user and agent are those that it names.
    pub(in crate::storage) fn verify_api_key(
        self,
        key: &Credential,
        item: Option<ApiKeyItem>,
    ) -> Result<VerifiedKey, Error> {
        let is_named = |item: &ApiKeyItem| item.user_id == key.claimed && item.agent_id == key.agent;
        let item = item.filter(is_named).ok_or(Error::NoApiKey)?;
        let now = self.store.clock.now();
        if item.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::ApiKeyExpired);
        }
        let verified = VerifiedKey { user: item.user_id, id: item.key_id, is_read_only: item.read_only };
        if item.last_used_at.is_none_or(|used| used.plus(LAST_USED_STEP) <= now) {
            let (store, hash) = (self.store.clone(), key.hashed.clone());
            cost::spawn_background(async move {
                if let Err(err) = store.accounts().record_use(&hash, &item, now).await {
                    tracing::debug!(code = err.code(), "lastUsedAt was not kept");
                }
            });
        }
        Ok(verified)
    }

    /// Updates both items, on the condition that they belong together: a key that was rotated or revoked in
    /// between is not restored.
    async fn record_use(self, hash: &SecretHash, item: &ApiKeyItem, now: Timestamp) -> Result<(), Error> {
        let touch = |key| Update::new(key).set("lastUsedAt", s(now));
        // Of many calls at once one writes it; the others find it written.
        let unchanged = match item.last_used_at {
            Some(before) => attr("lastUsedAt").eq(s(before)),
            None => item_exists().and(attr("lastUsedAt").absent()),
        };
        let mut transaction = Transaction::new();
        transaction.add(touch(keys::api_key(hash)).when(unchanged));
        let listed = keys::user_api_key(item.user_id, item.key_id);
        transaction.add(touch(listed).when(attr("hash").eq(s(hash.as_str()))));
        let _ = transaction.commit(&self.store.table).await?;
        Ok(())
    }

    /// Creates a key, unless its user is being deleted.
    /// Its agent must be the user's.
    pub async fn create_api_key(self, user: UserId, new: NewApiKey) -> Result<ShownApiKey, Error> {
        let (now, key) = (self.store.clock.now(), PlainSecret::api_key(user, new.agent_id));
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::field(["expiresAt".into()], "in_the_past", "expiresAt must lie in the future"));
        }
        let api_key = ApiKey {
            id: ApiKeyId::new(now),
            user_id: user,
            label: new.label,
            key_prefix: key.display_prefix(),
            agent_id: new.agent_id,
            read_only: new.read_only,
            expires_at: new.expires_at,
            last_used_at: None,
            created_at: now,
        };
        let mut transaction = Transaction::new();
        transaction.push(Write::Key, Put::create(looked_up_item(&key.hashed(), &api_key)?));
        transaction.push(Write::Key, Put::create(shown_item(&key.hashed(), &api_key)?));
        transaction.push(Write::User, while_user_stays(user));
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => Ok(ShownApiKey { api_key, key: key.reveal() }),
            Conditional::Refused(Write::User) => Err(Error::NoSession),
            Conditional::Refused(Write::Key) => Err(Error::internal("a new API key met one that exists")),
        }
    }

    /// All of the caller's keys, oldest first.
    pub async fn list_api_keys(self, human: &HumanCaller) -> Result<Vec<ApiKey>, Error> {
        let caller = Caller::from(human);
        let query = self.store.query_partition(keys::user_partition(caller.claimed()), keys::USER_API_KEYS);
        let keys = collect_for_response(query, |item: UserApiKeyItem| Some(item.shown));
        join_authorized(self.store.authenticate(caller, &[]), keys).await.map(|(_, keys)| keys)
    }

    /// Replaces a key's secret; the old one is refused from then on.
    pub async fn rotate_api_key(self, human: &HumanCaller, id: ApiKeyId) -> Result<ShownApiKey, Error> {
        until_applied("an API key", || async {
            let (user, mut item) = self.api_key_item(human, id).await?;
            let (old, new) = (SecretHash::stored(item.hash), PlainSecret::api_key(user, item.shown.agent_id));
            item.shown.key_prefix = new.display_prefix();
            item.shown.last_used_at = None;
            let replaced = Put::new(shown_item(&new.hashed(), &item.shown)?);
            let mut transaction = Transaction::new();
            transaction.push(Write::Key, replaced.when(attr("hash").eq(s(old.as_str()))));
            transaction.push(Write::Key, Delete::new(keys::api_key(&old)));
            transaction.push(Write::Key, Put::create(looked_up_item(&new.hashed(), &item.shown)?));
            transaction.push(Write::User, while_user_stays(user));
            match transaction.commit(&self.store.table).await? {
                Conditional::Applied(()) => Ok(Some(ShownApiKey { api_key: item.shown, key: new.reveal() })),
                Conditional::Refused(Write::User) => Err(Error::NoSession),
                Conditional::Refused(Write::Key) => Ok(None), // rotated or revoked meanwhile
            }
        })
        .await
    }

    pub async fn delete_api_key(self, human: &HumanCaller, id: ApiKeyId) -> Result<(), Error> {
        until_applied("an API key", || async {
            let (user, item) = self.api_key_item(human, id).await?;
            let deletion = deletion(user, item.shown.id, item.hash);
            Ok(deletion.commit(&self.store.table).await?.is_applied().then_some(()))
        })
        .await
    }

    /// Deletes a user's keys of this label that were never used.
    pub async fn delete_unused_api_keys(self, user: UserId, label: &str) -> Result<(), Error> {
        let query = self.store.query_partition(keys::user_partition(user), keys::USER_API_KEYS);
        let keys = query.collect_all::<UserApiKeyItem>().await?;
        for key in keys.into_iter().filter(|key| key.shown.label == label && key.shown.last_used_at.is_none()) {
            let _ = deletion(user, key.shown.id, key.hash).commit(&self.store.table).await?;
        }
        Ok(())
    }

    async fn api_key_item(self, human: &HumanCaller, id: ApiKeyId) -> Result<(UserId, UserApiKeyItem), Error> {
        let caller = Caller::from(human);
        let key = keys::user_api_key(caller.claimed(), id);
        let (user, mut items) = self.store.authenticate(caller, std::slice::from_ref(&key)).await?;
        let item = items.take(&key)?;
        Ok((user, item.ok_or(Error::NotFound("API key"))?))
    }
}

/// Deletes both items of a key, while they belong together.
fn deletion(user: UserId, id: ApiKeyId, hash: String) -> Transaction {
    let mut transaction = Transaction::new();
    transaction.add(Delete::new(keys::user_api_key(user, id)).when(attr("hash").eq(s(&hash))));
    transaction.add(Delete::new(keys::api_key(&SecretHash::stored(hash))));
    transaction
}

fn looked_up_item(hash: &SecretHash, key: &ApiKey) -> Result<Item, Error> {
    let Key { pk, sk } = keys::api_key(hash);
    let ApiKey { id, user_id, agent_id, read_only, expires_at, .. } = *key;
    Ok(to_item(&ApiKeyItem { pk, sk, user_id, key_id: id, agent_id, read_only, expires_at, last_used_at: None })?)
}

fn shown_item(hash: &SecretHash, key: &ApiKey) -> Result<Item, Error> {
    let Key { pk, sk } = keys::user_api_key(key.user_id, key.id);
    Ok(to_item(&UserApiKeyItem { pk, sk, hash: hash.as_str().to_owned(), shown: key.clone() })?)
}
