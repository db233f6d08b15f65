//! Settings of plugins: one item for each plugin of the deployment, every value encrypted.

use std::collections::BTreeMap;

use dynamo::value::s;
use dynamo::{Item, Key, Update, Value};

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::secrets::Encrypted;
use crate::storage::Store;
use crate::storage::keys;

/// Attributes that hold values start with this: each is an attribute of its own, so that two
/// changes of different ones never undo each other.
const VALUE: &str = "env:";
/// Present while the plugin is switched off.
const DISABLED: &str = "disabled";

/// The values of one plugin, by key, and whether it is switched off.
#[derive(Clone, Debug, Default)]
pub struct PluginEnv {
    values: BTreeMap<String, Encrypted>,
    pub is_disabled: bool,
}

impl PluginEnv {
    pub fn get(&self, key: &str) -> Option<&Encrypted> {
        self.values.get(key)
    }

    fn of(item: Item) -> Self {
        let value = |(name, value): (String, Value)| match value {
            Value::S(encrypted) => Some((name.strip_prefix(VALUE)?.to_owned(), Encrypted::stored(encrypted))),
            _ => None,
        };
        let is_disabled = item.contains_key(DISABLED);
        Self { values: item.into_iter().filter_map(value).collect(), is_disabled }
    }
}

/// The settings of the plugins.
#[derive(Clone, Copy)]
pub struct Plugins<'a> {
    pub(super) store: &'a Store,
}

impl Plugins<'_> {
    /// The caller's user, and the settings of these plugins, in order. All users of a deployment share them.
    pub async fn envs(self, human: &HumanCaller, plugins: &[&str]) -> Result<(UserId, Vec<PluginEnv>), Error> {
        let keys: Vec<Key> = plugins.iter().map(|name| keys::plugin(name)).collect();
        let (user, mut items) = self.store.authenticate(human, &keys).await?;
        let envs = keys.iter().map(|key| items.take_item(key).map(PluginEnv::of).unwrap_or_default());
        Ok((user, envs.collect()))
    }

    /// Sets and unsets values of a plugin, and switches it on or off; the rest stays as it is.
    pub async fn update_env(
        self,
        owner: UserId,
        plugin: &str,
        changes: BTreeMap<String, Option<Encrypted>>,
        enabled: Option<bool>,
    ) -> Result<PluginEnv, Error> {
        let update =
            Update::new(keys::plugin(plugin)).set("changedBy", s(owner)).set("changedAt", s(self.store.clock.now()));
        let update = changes.into_iter().fold(update, |update, (key, value)| {
            update.set_or_remove(&format!("{VALUE}{key}"), value.map(|encrypted| s(encrypted.as_str())))
        });
        let update = match enabled {
            Some(enabled) => update.set_or_remove(DISABLED, (!enabled).then(|| s("true"))),
            None => update,
        };
        let item = update.send_item(&self.store.table).await?.into_item();
        Ok(PluginEnv::of(item.unwrap_or_default()))
    }
}
