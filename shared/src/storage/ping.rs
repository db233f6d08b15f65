//! Signs of life, and the history of what they said.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, new_ulid};
use crate::models::{Agent, Ping, StatusChange};
use crate::storage::agent_update::{AgentUpdate, Changed};
use crate::storage::agents::AgentItem;
use crate::storage::keys::{self, Key};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Channel, Store, read, text, trouble, written};

const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
const SHOWN: i32 = 50;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusItem {
    pk: String,
    sk: String,
    ttl: i64,
    #[serde(flatten)]
    change: StatusChange,
}

impl Store {
    /// Books a sign of life. One that brings news (another status, or another message) goes into
    /// the history, in the same write. `statusSince` moves only when the status does: what it was
    /// is a condition of the write, so two pings that meet are booked one after the other.
    pub async fn ping(&self, channel: &Channel, ping: &Ping) -> Result<Agent, Error> {
        const TRIES: u32 = 8;
        let mut before = channel.agent.clone();
        for _ in 0..TRIES {
            if let Some(after) = self.write_ping(&before, ping).await? {
                return Ok(after);
            }
            let key = Key::agent(channel.id());
            let item = self.get_all(vec![key.clone()]).await?.take::<AgentItem>(&key)?;
            let there = item.filter(|item| item.deleted_at.is_none());
            before = there.map(Agent::from).ok_or(Error::NotFound("agent"))?;
        }
        Err(Error::unavailable("an agent's status kept changing"))
    }

    /// `None` when the agent is not as it was `before`.
    async fn write_ping(&self, before: &Agent, ping: &Ping) -> Result<Option<Agent>, Error> {
        let now = self.clock.now();
        let (status, message) = (text(ping.status.word()), ping.message.as_ref().map(text));
        let update = AgentUpdate::new()
            .set("lastActiveAt", text(now))
            .while_is("status", Some(text(before.status.word())))
            .while_is("statusMessage", before.status_message.as_ref().map(text));
        let moved = before.status != ping.status;
        if !moved && before.status_message == ping.message {
            return match self.write_agent(before.id, update, ReturnValue::AllNew).await? {
                Changed::Done(item) => Ok(Some(item.into())),
                Changed::Refused(_) => Ok(None),
            };
        }
        let mut update = update.set("status", status).set_or_remove("statusMessage", message);
        let mut after = Agent {
            status: ping.status,
            status_message: ping.message.clone(),
            last_active_at: Some(now),
            ..before.clone()
        };
        if moved {
            update = update.set("statusSince", text(now));
            after.status_since = Some(now);
        }
        let mut transaction = Transaction::default();
        transaction.update(update.in_transaction(self, before.id)?);
        transaction.create(self, written(&history_item(before.id, ping, now))?)?;
        match self.commit(transaction).await? {
            Outcome::Done => Ok(Some(after)),
            Outcome::Refused(_) => Ok(None),
        }
    }

    /// What the agent's pings said, newest first.
    pub(super) async fn status_history(&self, agent: AgentId) -> Result<Vec<StatusChange>, Error> {
        let now = self.clock.now();
        let query = self.query_partition(keys::channel_partition(agent), keys::STATUS_CHANGES).limit(SHOWN);
        let items = query.send().await.map_err(trouble)?.items.unwrap_or_default();
        let changes = items.into_iter().map(|item| Ok(read::<StatusItem>(item)?.change));
        let mut changes = changes.collect::<Result<Vec<StatusChange>, Error>>()?;
        // DynamoDB takes its time to remove what is too old.
        changes.retain(|change| change.created_at.plus(KEPT) > now);
        Ok(changes)
    }
}

fn history_item(agent: AgentId, ping: &Ping, now: Timestamp) -> StatusItem {
    let Key { pk, sk } = Key::status_change(agent, new_ulid(now));
    let change = StatusChange { status: ping.status, message: ping.message.clone(), created_at: now };
    StatusItem { pk, sk, ttl: now.plus(KEPT).epoch_seconds(), change }
}
