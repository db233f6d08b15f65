//! What a link in an e-mail shows, and what a digest lists: requests of one person, without a session.

use dynamo::Items;

use crate::error::Error;
use crate::ids::{MessageId, UserId};
use crate::models::{Message, NotificationPreferences};
use crate::storage::accounts::UserItem;
use crate::storage::agents::AgentItem;
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::notifications::Notifications;

/// A request of a person, and who asks.
pub struct LinkedRequest {
    pub message: Message,
    pub agent_name: String,
    /// How the person is notified of this agent's requests.
    pub preferences: NotificationPreferences,
    pub is_muted: bool,
}

impl Notifications<'_> {
    /// A request of this person; `None` if it is deleted, another person's, or its person is gone.
    pub async fn linked(self, user: UserId, message: MessageId) -> Result<Option<LinkedRequest>, Error> {
        Ok(self.linked_requests(user, &[message]).await?.pop())
    }

    /// Those of these messages that are requests of this person, in the same order.
    pub async fn linked_requests(self, user: UserId, messages: &[MessageId]) -> Result<Vec<LinkedRequest>, Error> {
        let (person_key, removal) = (keys::user(user), keys::user_removal(user));
        let mut wanted = vec![person_key.clone(), removal.clone()];
        for message in messages {
            wanted.push(keys::message(*message));
            let agent = keys::agent(message.channel());
            if !wanted.contains(&agent) {
                wanted.push(agent);
            }
        }
        let mut items = self.store.table.get_items(wanted).await?;
        let person = items.take::<UserItem>(&person_key)?.filter(|person| person.removing.is_none());
        let Some(person) = person.filter(|_| !items.contains(&removal)) else { return Ok(vec![]) };
        let preferences = person.notification_preferences()?;
        let mut linked = vec![];
        for message in messages {
            linked.extend(self.linked_of((person.user.id, &preferences), *message, &mut items)?);
        }
        Ok(linked)
    }

    fn linked_of(
        self,
        (user, preferences): (UserId, &NotificationPreferences),
        id: MessageId,
        items: &mut Items,
    ) -> Result<Option<LinkedRequest>, Error> {
        let is_owned = |item: &MessageItem| item.owner_id == user;
        let Some(item) = items.take::<MessageItem>(&keys::message(id))?.filter(is_owned) else { return Ok(None) };
        let agent = items.peek::<AgentItem>(&keys::agent(id.channel()))?;
        let Some(agent) = agent.filter(|agent| agent.owner_id == user && agent.deleted_at.is_none()) else {
            return Ok(None);
        };
        let of_agent = agent.notification_preferences()?;
        Ok(Some(LinkedRequest {
            message: item.into(),
            preferences: preferences.clone().of_agent(&of_agent),
            is_muted: of_agent.is_muted(self.store.clock.now()),
            agent_name: agent.name,
        }))
    }
}
