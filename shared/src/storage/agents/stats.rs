//! Counters of agents: one item for each, updated in background tasks.
//!
//! Counting never holds a request up, and may lose some when a process is killed. Counts gather in the process: one write
//! carries all that came while the last one ran ([`Store::gathering`](crate::storage::Store::gathering)).

use std::collections::HashMap;

use dynamo::value::n;
use dynamo::{Key, Transaction, Update};

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::stats::StatsDelta;
use crate::models::{AgentStats, AgentStatus, TotalStats};
use crate::storage::agents::Agents;
use crate::storage::gathered::Gathered;
use crate::storage::join_authorized;
use crate::storage::keys;
use crate::telemetry::cost;

/// Counts that are not written yet.
pub(in crate::storage) type PendingStats = Gathered<HashMap<AgentId, StatsDelta>>;

impl Agents<'_> {
    /// Adds to an agent's counters, in a background task.
    pub fn record_stats(self, agent: AgentId, delta: StatsDelta) {
        let is_empty = delta == StatsDelta::default();
        if is_empty || !self.store.pending_stats.add(|deltas| deltas.entry(agent).or_default().add(delta)) {
            return;
        }
        let store = self.store.clone();
        cost::spawn_background(async move {
            loop {
                store.gather().await;
                if !store.agents().write_next_stats().await {
                    return;
                }
            }
        });
    }

    /// Writes all counts that wait to be written.
    pub(in crate::storage) async fn write_pending_stats(self) {
        while self.write_next_stats().await {}
    }

    /// Gives whether there was anything to write.
    async fn write_next_stats(self) -> bool {
        let next = self.store.pending_stats.next(|deltas| {
            let agent = deltas.keys().next().copied()?;
            deltas.remove_entry(&agent)
        });
        let Some((agent, delta)) = next else { return false };
        if let Err(err) = self.write_stats(agent, delta).await {
            tracing::warn!(cause = ?err, "counts were lost");
        }
        true
    }

    async fn write_stats(self, agent: AgentId, delta: StatsDelta) -> Result<(), Error> {
        let counts = [
            ("totalInbound", delta.total_inbound),
            ("totalOutbound", delta.total_outbound),
            ("successRequests", delta.success_requests),
            ("errorRequests", delta.error_requests),
        ];
        let counted = counts.into_iter().filter(|(_, count)| *count > 0);
        let update = counted.fold(Update::new(keys::stats(agent)), |update, (name, count)| update.add(name, n(count)));
        // A transaction carries a token: when its reply is lost and the SDK repeats it, it counts once.
        let mut transaction = Transaction::new();
        transaction.add(update);
        let _ = transaction.commit(&self.store.table).await?;
        Ok(())
    }

    /// The counters of one agent, with its status history, read while the caller is authenticated.
    pub async fn stats(self, human: &HumanCaller, id: AgentId) -> Result<AgentStats, Error> {
        let key = keys::stats(id);
        let opened = self.store.open_channel(human, id, std::slice::from_ref(&key));
        let read = join_authorized(opened, self.status_history(id)).await;
        let ((_, mut items), history) = read.map_err(|err| err.or_not_found("agent"))?;
        let delta = items.take::<StatsDelta>(&key)?.unwrap_or_default();
        Ok(AgentStats {
            total_messages: delta.total_inbound + delta.total_outbound,
            total_inbound: delta.total_inbound,
            total_outbound: delta.total_outbound,
            success_requests: delta.success_requests,
            error_requests: delta.error_requests,
            status_history: history,
        })
    }

    /// The counters of all of a person's agents, summed up.
    pub async fn total_stats(self, human: &HumanCaller) -> Result<TotalStats, Error> {
        let agents = self.list(human).await?;
        let keys: Vec<Key> = agents.iter().map(|agent| keys::stats(agent.id)).collect();
        let mut items = self.store.table.get_items(keys.clone()).await?;
        let mut total = StatsDelta::default();
        for key in &keys {
            total.add(items.take::<StatsDelta>(key)?.unwrap_or_default());
        }
        let active = agents.iter().filter(|it| matches!(it.status, AgentStatus::Active | AgentStatus::Busy));
        Ok(TotalStats {
            total_agents: agents.len() as u64,
            active_agents: active.count() as u64,
            total_messages: total.total_inbound + total.total_outbound,
            success_requests: total.success_requests,
            error_requests: total.error_requests,
        })
    }
}
