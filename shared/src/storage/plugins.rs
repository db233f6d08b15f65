//! What an owner set for the plugins: one item each, of the deployment, every value encrypted.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::sealed::Sealed;
use crate::storage::keys::Key;
use crate::storage::{Item, Store, text, trouble};

/// Attributes that hold values start with this: each is an attribute of its own, so that two
/// changes of different ones never undo each other.
const VALUE: &str = "env:";

/// The values of one plugin, by key.
#[derive(Clone, Debug, Default)]
pub struct PluginEnv(BTreeMap<String, Sealed>);

impl PluginEnv {
    pub fn get(&self, key: &str) -> Option<&Sealed> {
        self.0.get(key)
    }

    fn of(item: Item) -> Self {
        let value = |(name, value): (String, AttributeValue)| match value {
            AttributeValue::S(sealed) => Some((name.strip_prefix(VALUE)?.to_owned(), Sealed::stored(sealed))),
            _ => None,
        };
        Self(item.into_iter().filter_map(value).collect())
    }
}

impl Store {
    /// What is set for each of these plugins, in their order. Everybody who is signed in uses
    /// the same.
    pub async fn plugin_envs(&self, human: &HumanCaller, plugins: &[&str]) -> Result<Vec<PluginEnv>, Error> {
        let keys: Vec<Key> = plugins.iter().map(|name| Key::plugin(name)).collect();
        let (_, mut items) = self.admit(human, &keys).await?;
        Ok(keys.iter().map(|key| items.0.remove(key).map(PluginEnv::of).unwrap_or_default()).collect())
    }

    /// Sets and unsets values of a plugin; others stay as they are.
    pub async fn change_plugin_env(
        &self,
        owner: UserId,
        plugin: &str,
        changes: BTreeMap<String, Option<Sealed>>,
    ) -> Result<PluginEnv, Error> {
        let mut update = self
            .db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(Key::plugin(plugin).attributes()))
            .expression_attribute_values(":by", text(owner))
            .expression_attribute_values(":at", text(self.clock.now()))
            .return_values(ReturnValue::AllNew);
        let (mut set, mut remove) = (vec!["changedBy = :by".to_owned(), "changedAt = :at".to_owned()], vec![]);
        for (index, (key, value)) in changes.into_iter().enumerate() {
            update = update.expression_attribute_names(format!("#{index}"), format!("{VALUE}{key}"));
            match value {
                Some(sealed) => {
                    update = update.expression_attribute_values(format!(":{index}"), text(sealed.as_str()));
                    set.push(format!("#{index} = :{index}"));
                }
                None => remove.push(format!("#{index}")),
            }
        }
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        let expression = format!("SET {}{remove}", set.join(", "));
        let written = update.update_expression(expression).send().await.map_err(trouble)?;
        Ok(PluginEnv::of(written.attributes.unwrap_or_default()))
    }
}
