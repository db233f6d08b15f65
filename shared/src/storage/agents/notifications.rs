//! How a person is notified of one agent's requests: part of the agent's item, which has one owner.

use dynamo::value::{Value, s};
use dynamo::{Transaction, Update, attr, item_exists, until_applied};

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::{AgentNotifications, PatchAgentNotifications};
use crate::storage::agents::{AgentItem, Agents, agent_update};
use crate::storage::{keys, notify_mark};

impl AgentItem {
    /// How its owner is notified of its requests.
    pub(in crate::storage) fn notification_preferences(&self) -> Result<AgentNotifications, Error> {
        let stored = self.notifications.as_deref().map(serde_json::from_str).transpose();
        Ok(stored
            .map_err(|err| Error::internal(format!("an agent's preferences cannot be read: {err}")))?
            .unwrap_or_default())
    }
}

impl Agents<'_> {
    /// How the caller is notified of an agent's requests.
    pub async fn notifications(self, human: &HumanCaller, id: AgentId) -> Result<AgentNotifications, Error> {
        self.own_item(human, id).await?.notification_preferences()
    }

    /// Changes how the caller is notified of an agent's requests.
    pub async fn update_notifications(
        self,
        human: &HumanCaller,
        id: AgentId,
        patch: &PatchAgentNotifications,
    ) -> Result<AgentNotifications, Error> {
        until_applied("preferences", || async {
            let item = self.own_item(human, id).await?;
            let (before, now) = (item.notification_preferences()?, self.store.clock.now());
            let after = patch.applied_to(&before, now);
            let is_unchanged = attr("notifications").is_still(item.notifications.as_ref().map(s));
            let text = serde_json::to_string(&after).map_err(Error::internal)?;
            let mut transaction = Transaction::new();
            transaction.add(agent_update(id).set("notifications", s(text)).when(is_unchanged));
            // A surface that is off for all other agents may be on for this one.
            if after.is_any_enabled() {
                transaction.add(
                    Update::new(keys::user(item.owner_id))
                        .set("notifiesByAgent", Value::Bool(true))
                        .when(item_exists()),
                );
                transaction.add(notify_mark::set(item.owner_id, now));
            }
            Ok(transaction.commit(&self.store.table).await?.is_applied().then_some(after))
        })
        .await
    }

    /// The item of one of the caller's agents.
    async fn own_item(self, human: &HumanCaller, id: AgentId) -> Result<AgentItem, Error> {
        let key = keys::agent(id);
        let (user, mut items) = self.store.authenticate(human, std::slice::from_ref(&key)).await?;
        let item = items.take::<AgentItem>(&key)?;
        item.filter(|item| item.owner_id == user && item.deleted_at.is_none()).ok_or(Error::NotFound("agent"))
    }
}
