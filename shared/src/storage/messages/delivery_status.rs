//! Whether a message has reached its agent, and sending it once more.

use dynamo::value::s;
use dynamo::{Update, item_exists};

use crate::caller::{AgentCaller, HumanCaller};
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::models::DeliveryStatus;
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::messages::Messages;

impl Messages<'_> {
    /// Records that the agent has received the message.
    pub async fn acknowledge(
        self,
        agent: &AgentCaller,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<(), Error> {
        let (_, message) = self.load(agent, channel, id).await?;
        if message.delivery_status == DeliveryStatus::AgentReceived {
            return Ok(());
        }
        self.set_delivery_status(message.id, DeliveryStatus::AgentReceived, "updatedAt").await
    }

    /// Requests that a message's webhook is sent again: the write itself is the event that triggers the
    /// delivery.
    pub async fn retry_delivery(self, human: &HumanCaller, id: MessageId) -> Result<(), Error> {
        let key = keys::message(id);
        let opened = self.store.open_channel(human, id.channel(), std::slice::from_ref(&key)).await;
        let (channel, mut items) = opened.map_err(|err| err.or_not_found("message"))?;
        let item = items.take::<MessageItem>(&key)?;
        let item = item.ok_or(Error::NotFound("message"))?;
        let callback = item.review.as_ref().is_some_and(|review| review.callback.is_some());
        if item.webhook_url.is_none() && channel.agent.webhook_url.is_none() && !callback {
            let sentence = "neither this message nor its agent has a webhook";
            return Err(Error::field(["id".into()], "no_webhook", sentence));
        }
        self.set_delivery_status(item.id, DeliveryStatus::Sent, "retryRequestedAt").await
    }

    /// Sets the status, and `stamp` to now.
    async fn set_delivery_status(self, id: MessageId, status: DeliveryStatus, stamp: &str) -> Result<(), Error> {
        let update = Update::new(keys::message(id))
            .set("deliveryStatus", s(status.word()))
            .set(stamp, s(self.store.clock.now()))
            .when(item_exists());
        update.send_item(&self.store.table).await?.or_else(|_| Error::NotFound("message")).map(drop)
    }
}
