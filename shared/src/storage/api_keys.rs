//! API keys: the item that a presented key is looked up by, and the one its user sees.

use aws_sdk_dynamodb::types::{Put, Update};
use serde::{Deserialize, Serialize};

use crate::auth::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{ApiKeyId, UserId};
use crate::meter;
use crate::models::{ApiKey, ShownApiKey};
use crate::secrets::{Hashed, Plain, Presented};
use crate::storage::keys::{self, Key};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Store, all_of, as_many_as_fit, beside, text, written};

/// How exact `lastUsedAt` is: it is not worth a write on every call.
const LAST_USED_STEP: std::time::Duration = std::time::Duration::from_secs(5 * 60);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiKeyItem {
    pk: String,
    sk: String,
    user_id: UserId,
    key_id: ApiKeyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
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

impl Store {
    /// The user of a presented key, if it is stored and its user is the one it names.
    pub(super) fn verify_api_key(&self, key: &Presented, item: Option<ApiKeyItem>) -> Result<UserId, Error> {
        let item = item.filter(|item| item.user_id == key.claimed).ok_or(Error::NoApiKey)?;
        let (now, user) = (self.clock.now(), item.user_id);
        if item.last_used_at.is_none_or(|used| used.plus(LAST_USED_STEP) <= now) {
            let (store, hash) = (self.clone(), key.hashed.clone());
            meter::off_path(async move {
                if let Err(err) = store.key_was_used(&hash, &item, now).await {
                    tracing::debug!(code = err.code(), "lastUsedAt was not kept");
                }
            });
        }
        Ok(user)
    }

    /// Both items, and only while they belong together: a key that was rotated or revoked
    /// meanwhile does not come back.
    async fn key_was_used(&self, hash: &Hashed, item: &ApiKeyItem, now: Timestamp) -> Result<(), Error> {
        let touch = |key: Key, condition: &str| {
            Update::builder()
                .table_name(&*self.table)
                .set_key(Some(key.attributes()))
                .update_expression("SET lastUsedAt = :now")
                .condition_expression(condition)
                .expression_attribute_values(":now", text(now))
        };
        // One of many calls at once notes it; the others find that it was noted.
        let unchanged = match item.last_used_at {
            Some(_) => "lastUsedAt = :before",
            None => "attribute_exists(pk) AND attribute_not_exists(lastUsedAt)",
        };
        let looked_up = touch(Key::api_key(hash), unchanged).set_expression_attribute_values(Some(
            [(":now", Some(now)), (":before", item.last_used_at)]
                .into_iter()
                .filter_map(|(name, at)| Some((name.to_owned(), text(at?))))
                .collect(),
        ));
        let shown = touch(Key::user_api_key(item.user_id, item.key_id), "#hash = :hash")
            .expression_attribute_names("#hash", "hash")
            .expression_attribute_values(":hash", text(hash.as_str()));
        let mut transaction = Transaction::default();
        transaction.update(looked_up.build().map_err(Error::internal)?);
        transaction.update(shown.build().map_err(Error::internal)?);
        self.commit(transaction).await.map(drop)
    }

    /// Makes a key, unless its user is being removed: then no key may come to be any more.
    pub async fn create_api_key(&self, user: UserId, label: String) -> Result<ShownApiKey, Error> {
        let (now, key) = (self.clock.now(), Plain::api_key(user));
        let api_key = ApiKey {
            id: ApiKeyId::new(now),
            user_id: user,
            label,
            key_prefix: key.display_prefix(),
            last_used_at: None,
            created_at: now,
        };
        let mut transaction = Transaction::default();
        transaction.create(self, looked_up_item(&key.hashed(), &api_key)?)?;
        transaction.create(self, shown_item(&key.hashed(), &api_key)?)?;
        self.while_user_stays(&mut transaction, user)?;
        match self.commit(transaction).await? {
            Outcome::Done => Ok(ShownApiKey { api_key, key: key.reveal() }),
            Outcome::Refused(2) => Err(Error::NoSession),
            Outcome::Refused(_) => Err(Error::internal("a new API key met one that exists")),
        }
    }

    /// All of the caller's keys, oldest first.
    pub async fn api_keys_of(&self, human: &HumanCaller) -> Result<Vec<ApiKey>, Error> {
        let caller = Caller::from(human);
        let query = self.query_partition(keys::user_partition(caller.claimed()), keys::USER_API_KEYS);
        let query = query.scan_index_forward(true);
        let keys = as_many_as_fit(query, |item: UserApiKeyItem| Some(item.shown));
        beside(self.admit(caller, &[]), keys).await.map(|(_, keys)| keys)
    }

    /// Replaces a key's secret; the old one is refused from then on.
    pub async fn rotate_api_key(&self, human: &HumanCaller, id: Option<ApiKeyId>) -> Result<ShownApiKey, Error> {
        const TRIES: u32 = 4;
        for _ in 0..TRIES {
            let (user, mut item) = self.api_key_item(human, id).await?;
            let (old, new) = (Hashed::stored(item.hash), Plain::api_key(user));
            item.shown.key_prefix = new.display_prefix();
            item.shown.last_used_at = None;
            let replaced = Put::builder()
                .table_name(&*self.table)
                .set_item(Some(shown_item(&new.hashed(), &item.shown)?))
                .condition_expression("#hash = :old")
                .expression_attribute_names("#hash", "hash")
                .expression_attribute_values(":old", text(old.as_str()));
            let mut transaction = Transaction::default();
            transaction.put_if(replaced)?;
            transaction.delete(self, &Key::api_key(&old))?;
            transaction.create(self, looked_up_item(&new.hashed(), &item.shown)?)?;
            self.while_user_stays(&mut transaction, user)?;
            match self.commit(transaction).await? {
                Outcome::Done => return Ok(ShownApiKey { api_key: item.shown, key: new.reveal() }),
                Outcome::Refused(3) => return Err(Error::NoSession),
                Outcome::Refused(_) => {} // rotated or revoked meanwhile
            }
        }
        Err(Error::unavailable("an API key kept being rotated by others"))
    }

    pub async fn delete_api_key(&self, human: &HumanCaller, id: Option<ApiKeyId>) -> Result<(), Error> {
        const TRIES: u32 = 4;
        for _ in 0..TRIES {
            let (user, item) = self.api_key_item(human, id).await?;
            let mut transaction = Transaction::default();
            transaction.delete_if(self, &Key::user_api_key(user, item.shown.id), "hash", &item.hash)?;
            transaction.delete(self, &Key::api_key(&Hashed::stored(item.hash)))?;
            if let Outcome::Done = self.commit(transaction).await? {
                return Ok(());
            }
        }
        Err(Error::unavailable("an API key kept being rotated by others"))
    }

    /// Removes a user's keys of this label that no call has presented.
    pub async fn remove_unused_keys(&self, user: UserId, label: &str) -> Result<(), Error> {
        let query = self.query_partition(keys::user_partition(user), keys::USER_API_KEYS);
        let keys = all_of::<UserApiKeyItem>(query).await?;
        for key in keys.into_iter().filter(|key| key.shown.label == label && key.shown.last_used_at.is_none()) {
            let mut transaction = Transaction::default();
            transaction.delete_if(self, &Key::user_api_key(user, key.shown.id), "hash", &key.hash)?;
            transaction.delete(self, &Key::api_key(&Hashed::stored(key.hash)))?;
            self.commit(transaction).await?;
        }
        Ok(())
    }

    async fn api_key_item(&self, human: &HumanCaller, id: Option<ApiKeyId>) -> Result<(UserId, UserApiKeyItem), Error> {
        let caller = Caller::from(human);
        let key = id.map(|id| Key::user_api_key(caller.claimed(), id));
        let (user, mut items) = self.admit(caller, key.as_slice()).await?;
        let item = key.map(|key| items.take(&key)).transpose()?.flatten();
        Ok((user, item.ok_or(Error::NotFound("API key"))?))
    }
}

fn looked_up_item(hash: &Hashed, key: &ApiKey) -> Result<super::Item, Error> {
    let Key { pk, sk } = Key::api_key(hash);
    written(&ApiKeyItem { pk, sk, user_id: key.user_id, key_id: key.id, last_used_at: None })
}

fn shown_item(hash: &Hashed, key: &ApiKey) -> Result<super::Item, Error> {
    let Key { pk, sk } = Key::user_api_key(key.user_id, key.id);
    written(&UserApiKeyItem { pk, sk, hash: hash.as_str().to_owned(), shown: key.clone() })
}
