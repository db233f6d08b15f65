//! Consuming an approval: the agent does the act that was approved, once.

use dynamo::value::{s, to_value};
use dynamo::{Conditional, Update, attr};

use crate::caller::AgentCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId, new_ulid};
use crate::models::message::Consumption;
use crate::models::{Message, Review};
use crate::review::Effect;
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::reviews::Reviews;

/// A call that consumes an approval.
struct Call {
    action_digest: String,
    /// Its `Idempotency-Key`.
    key: Option<String>,
    /// Differs in each call, so that a repeat by the SDK knows itself.
    id: String,
}

impl Call {
    /// When this call, or an equal one before it, consumed the approval; `None` if none has yet.
    fn judge(&self, review: &Review) -> Result<Option<Timestamp>, Error> {
        let allowed = review.decision.as_ref().filter(|decision| decision.effect == Effect::Allow);
        let decision = allowed.ok_or(Error::NotAllowed)?;
        if decision.action_digest != self.action_digest {
            return Err(Error::DigestMismatch);
        }
        let Some(Consumption { at, call, key }) = &review.consumption else { return Ok(None) };
        let is_equal = *call == self.id || (key.is_some() && *key == self.key);
        if is_equal { Ok(Some(*at)) } else { Err(Error::AlreadyConsumed { consumed_at: *at }) }
    }
}

impl Reviews<'_> {
    /// Consumes an approval, and gives when: one read, then one conditional update, which exactly one call
    /// can make. A repeat with the same key and digest gives the same.
    pub async fn consume(
        self,
        agent: &AgentCaller,
        channel: MaybeChannel,
        id: MessageId,
        action_digest: String,
        key: Option<String>,
    ) -> Result<Timestamp, Error> {
        let (_, message) = self.store.messages().load(agent, channel, id).await?;
        let now = self.store.clock.now();
        let call = Call { action_digest, key, id: new_ulid(now).to_string() };
        let judge = |message: &Message| call.judge(message.review.as_ref().ok_or(Error::NotFound("review"))?);
        if let Some(consumed_at) = judge(&message)? {
            return Ok(consumed_at);
        }
        let consumption = Consumption { at: now, call: call.id.clone(), key: call.key.clone() };
        let update = Update::new(keys::message(id))
            .set("review.consumption", to_value(&consumption)?)
            .set("updatedAt", s(now))
            .when(attr("review.decision.effect").eq(s(Effect::Allow.word())))
            .when(attr("review.decision.actionDigest").eq(s(&call.action_digest)))
            .when(attr("review.consumption").absent());
        match update.send::<MessageItem>(&self.store.table).await? {
            Conditional::Applied(_) => Ok(now),
            Conditional::Refused(None) => Err(Error::NotFound("message")),
            Conditional::Refused(Some(item)) => {
                let unknown = || Error::unavailable("a consumption was refused, and nothing consumed the approval");
                judge(&item.into())?.ok_or_else(unknown)
            }
        }
    }
}
