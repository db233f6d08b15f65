//! Signs of life, and the history of what they said.

use std::time::Duration;

use dynamo::value::{s, to_item};
use dynamo::{Conditional, Key, Put, Transaction, attr, until_applied_from};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, new_ulid};
use crate::models::{Agent, Ping, StatusChange};
use crate::storage::Channel;
use crate::storage::agents::Agents;
use crate::storage::agents::{AgentItem, agent_update};
use crate::storage::keys;

const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
const MAX_SHOWN: usize = 50;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusItem {
    pk: String,
    sk: String,
    ttl: i64,
    #[serde(flatten)]
    change: StatusChange,
}

impl Agents<'_> {
    /// Records a heartbeat. One with another status or another message also adds an entry to the history, in
    /// the same write. `statusSince` changes only with the status: the status before is a condition of the
    /// write, so concurrent heartbeats are recorded one after the other.
    pub async fn ping(self, channel: &Channel, ping: &Ping) -> Result<Agent, Error> {
        let read = || async {
            let item = self.store.table.get::<AgentItem>(&keys::agent(channel.id())).await?;
            let there = item.filter(|item| item.deleted_at.is_none());
            there.map(Agent::from).ok_or(Error::NotFound("agent"))
        };
        let write = |before: Agent| async move { self.write_ping(&before, ping).await };
        until_applied_from("an agent's status", channel.agent.clone(), read, write).await
    }

    /// `None` when the agent is not as it was `before`.
    async fn write_ping(self, before: &Agent, ping: &Ping) -> Result<Option<Agent>, Error> {
        let now = self.store.clock.now();
        let (status, message) = (s(ping.status.word()), ping.message.as_ref().map(s));
        let was_message = attr("statusMessage").is_still(before.status_message.as_ref().map(s));
        let update = agent_update(before.id)
            .set("lastActiveAt", s(now))
            .when(attr("status").eq(s(before.status.word())))
            .when(was_message);
        let moved = before.status != ping.status;
        if !moved && before.status_message == ping.message {
            return match update.send::<AgentItem>(&self.store.table).await? {
                Conditional::Applied(item) => Ok(Some(item.into())),
                Conditional::Refused(_) => Ok(None),
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
            update = update.set("statusSince", s(now));
            after.status_since = Some(now);
        }
        let mut transaction = Transaction::new();
        transaction.add(update);
        transaction.add(Put::create(to_item(&history_item(before.id, ping, now))?));
        Ok(transaction.commit(&self.store.table).await?.is_applied().then_some(after))
    }

    /// What the agent's pings said, newest first.
    pub(super) async fn status_history(self, agent: AgentId) -> Result<Vec<StatusChange>, Error> {
        let now = self.store.clock.now();
        let query = self.store.query_partition(keys::channel_partition(agent), keys::STATUS_CHANGES).descending();
        let items = query.limit(MAX_SHOWN).first_page::<StatusItem>().await?;
        let mut changes: Vec<StatusChange> = items.into_iter().map(|item| item.change).collect();
        // DynamoDB takes its time to remove what is too old.
        changes.retain(|change| change.created_at.plus(RETENTION) > now);
        Ok(changes)
    }
}

fn history_item(agent: AgentId, ping: &Ping, now: Timestamp) -> StatusItem {
    let Key { pk, sk } = keys::status_change(agent, new_ulid(now));
    let change = StatusChange { status: ping.status, message: ping.message.clone(), created_at: now };
    StatusItem { pk, sk, ttl: now.plus(RETENTION).epoch_seconds(), change }
}
