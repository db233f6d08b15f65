//! Browsers that get push messages. An endpoint is one person's: in a browser that several people use, it is that of
//! the last one who subscribed.

use std::time::Duration;

use dynamo::value::{s, to_item};
use dynamo::{Condition, Delete, Key, Put, Transaction, Update, attr, item_exists, until_applied_from};
use serde::{Deserialize, Serialize};

use crate::caller::HumanCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::PushDevice;
use crate::models::push::{PushEndpoint, Subscription};
use crate::secrets::SecretHash;
use crate::storage::accounts::{UserItem, update_notifications};
use crate::storage::notifications::Notifications;
use crate::storage::{join_authorized, keys, notify_mark};

/// The most browsers of one person.
const MAX_DEVICES: usize = 20;
/// `lastUsedAt` is written at most this often.
const USE_INTERVAL: Duration = Duration::from_secs(300);

/// A browser that gets push messages.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    #[serde(flatten)]
    pub subscription: Subscription,
    /// The public key that the browser was subscribed with.
    pub vapid_key: String,
    /// The hash of the endpoint.
    pub(in crate::storage) hash: String,
    pub name: String,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

impl Device {
    /// The device as people see it.
    pub fn shown(&self) -> PushDevice {
        PushDevice {
            id: self.hash.clone(),
            name: self.name.clone(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct DeviceItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    pub device: Device,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndpointItem {
    pk: String,
    sk: String,
    user_id: UserId,
}

/// What a subscription depends on, read while its caller is authenticated.
pub struct OpenedSubscription {
    person: UserItem,
    devices: Vec<Device>,
    /// Whose the endpoint is.
    owner: Option<UserId>,
}

impl Notifications<'_> {
    /// Authenticates the caller, and reads what a subscription depends on.
    pub async fn open_subscription(
        self,
        human: &HumanCaller,
        subscription: &Subscription,
    ) -> Result<OpenedSubscription, Error> {
        let owner_key = keys::push_owner(&hash_of(&subscription.endpoint));
        let person = self.store.accounts().authenticate_person(human, std::slice::from_ref(&owner_key));
        let devices = self.query_devices(human.0.claimed);
        let ((person, mut items), devices) = join_authorized(person, devices).await?;
        let owner = items.take::<EndpointItem>(&owner_key)?.map(|it| it.user_id);
        Ok(OpenedSubscription { person, devices, owner })
    }

    /// Stores a subscription of the caller's browser, and turns push messages on. `vapid_key` is the public key that the
    /// browser was subscribed with. A browser that is subscribed already keeps its name.
    pub async fn subscribe(
        self,
        human: &HumanCaller,
        opened: OpenedSubscription,
        subscription: Subscription,
        name: String,
        vapid_key: String,
    ) -> Result<(), Error> {
        let read = || self.open_subscription(human, &subscription);
        let write = |opened| self.write_subscription(opened, &subscription, &name, &vapid_key);
        until_applied_from("a subscription", opened, read, write).await
    }

    /// `None` when something that the subscription depends on has changed since it was opened.
    async fn write_subscription(
        self,
        opened: OpenedSubscription,
        subscription: &Subscription,
        name: &str,
        vapid_key: &str,
    ) -> Result<Option<()>, Error> {
        let OpenedSubscription { person, devices, owner } = opened;
        let (user, hash, now) = (person.user.id, hash_of(&subscription.endpoint), self.store.clock.now());
        let earlier = devices.iter().find(|device| device.hash == hash.as_str());
        if earlier.is_none() && devices.len() >= MAX_DEVICES {
            let sentence = format!("at most {MAX_DEVICES} devices get push messages: remove one first");
            return Err(Error::field([], "too_many_devices", sentence));
        }
        let device = Device {
            subscription: subscription.clone(),
            vapid_key: vapid_key.to_owned(),
            hash: hash.as_str().to_owned(),
            name: earlier.map_or(name, |device| &device.name).to_owned(),
            created_at: earlier.map_or(now, |device| device.created_at),
            last_used_at: earlier.and_then(|device| device.last_used_at),
        };
        let mut preferences = person.notification_preferences()?;
        preferences.push.enabled = true;
        let mut transaction = Transaction::new();
        transaction.add(update_notifications(&person, &preferences)?);
        transaction.add(notify_mark::set(user, now));
        for write in self.take_over(user, owner, &hash)? {
            transaction.add(write);
        }
        let Key { pk, sk } = keys::push_device(user, &hash);
        transaction.add(Put::new(to_item(&DeviceItem { pk, sk, device })?));
        Ok(transaction.commit(&self.store.table).await?.is_applied().then_some(()))
    }

    /// The writes that make an endpoint this user's, while it is `former`'s.
    fn take_over(self, user: UserId, former: Option<UserId>, hash: &SecretHash) -> Result<Vec<dynamo::Write>, Error> {
        let Key { pk, sk } = keys::push_owner(hash);
        let is_former = former.map_or_else(|| attr("userId").absent(), is_owned_by);
        let owner = Put::new(to_item(&EndpointItem { pk, sk, user_id: user })?).when(is_former);
        let mut writes = vec![owner.into()];
        if let Some(former) = former.filter(|former| *former != user) {
            writes.push(Delete::new(keys::push_device(former, hash)).into());
        }
        Ok(writes)
    }

    /// The caller, with their devices, the oldest first.
    pub async fn devices(self, human: &HumanCaller) -> Result<(UserId, Vec<Device>), Error> {
        let check = self.store.authenticate(human, &[]);
        let ((user, _), mut devices) = join_authorized(check, self.query_devices(human.0.claimed)).await?;
        devices.sort_by_key(|device| device.created_at);
        Ok((user, devices))
    }

    /// Removes the caller's subscription with this endpoint; none is no error.
    pub async fn unsubscribe(self, human: &HumanCaller, endpoint: &PushEndpoint) -> Result<(), Error> {
        let (user, _) = self.store.authenticate(human, &[]).await?;
        self.remove_device(user, &hash_of(endpoint)).await.map(drop)
    }

    /// Removes one of the caller's devices.
    pub async fn delete_device(self, human: &HumanCaller, id: &str) -> Result<(), Error> {
        let (user, _) = self.store.authenticate(human, &[]).await?;
        let is_removed = self.remove_device(user, &SecretHash::stored(id.to_owned())).await?;
        if is_removed { Ok(()) } else { Err(Error::NotFound("device")) }
    }

    /// Renames one of the caller's devices.
    pub async fn rename_device(self, human: &HumanCaller, id: &str, name: &str) -> Result<PushDevice, Error> {
        let (user, _) = self.store.authenticate(human, &[]).await?;
        let key = keys::push_device(user, &SecretHash::stored(id.to_owned()));
        let update = Update::new(key).set("name", s(name)).when(item_exists());
        let item = update.send::<DeviceItem>(&self.store.table).await?.or_else(|_| Error::NotFound("device"))?;
        Ok(item.device.shown())
    }

    /// Removes a device whose subscription has ended.
    pub async fn forget_device(self, user: UserId, device: &Device) -> Result<(), Error> {
        self.remove_device(user, &SecretHash::stored(device.hash.clone())).await.map(drop)
    }

    /// Records that a device's push service accepted a message.
    pub async fn record_use(self, user: UserId, device: &Device) -> Result<(), Error> {
        let now = self.store.clock.now();
        if device.last_used_at.is_some_and(|at| at.plus(USE_INTERVAL) > now) {
            return Ok(());
        }
        let key = keys::push_device(user, &SecretHash::stored(device.hash.clone()));
        let update = Update::new(key).set("lastUsedAt", s(now)).when(item_exists());
        let _ = update.send_item(&self.store.table).await?;
        Ok(())
    }

    /// Gives whether the device was there.
    async fn remove_device(self, user: UserId, hash: &SecretHash) -> Result<bool, Error> {
        let mut transaction = Transaction::new();
        transaction.add(Delete::new(keys::push_device(user, hash)).when(item_exists()));
        transaction.add(Delete::new(keys::push_owner(hash)).when(is_owned_by(user)));
        Ok(transaction.commit(&self.store.table).await?.is_applied())
    }

    pub(super) async fn query_devices(self, user: UserId) -> Result<Vec<Device>, Error> {
        let query = self.store.query_partition(keys::user_partition(user), keys::PUSH_DEVICES);
        let items = query.collect_all::<DeviceItem>().await?;
        Ok(items.into_iter().map(|item| item.device).collect())
    }
}

fn is_owned_by(user: UserId) -> Condition {
    attr("userId").eq(s(user))
}

fn hash_of(endpoint: &PushEndpoint) -> SecretHash {
    SecretHash::of(endpoint.reveal())
}
