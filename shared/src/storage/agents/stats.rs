//! Counters of agents: one item for each, updated in background tasks.
//!
//! Counting never holds a request up, and may lose some when a process ends. Under load counts
//! gather in the process, and one write carries all that came while the last one ran.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dynamo::value::n;
use dynamo::{Key, Transaction, Update};

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::stats::StatsDelta;
use crate::models::{AgentStats, AgentStatus, TotalStats};
use crate::storage::agents::Agents;
use crate::storage::join_authorized;
use crate::storage::keys;
use crate::telemetry::cost;

/// Counts that are not written yet.
#[derive(Clone, Default)]
pub(in crate::storage) struct PendingStats(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    tallies: HashMap<AgentId, StatsDelta>,
    writing: bool,
}

impl PendingStats {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Numbers are whole even if a thread ended while it held them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to the pending counts. Gives whether the caller has to write them, because no other task does.
    fn gather(&self, agent: AgentId, tally: StatsDelta) -> bool {
        let mut waiting = self.lock();
        waiting.tallies.entry(agent).or_default().add(tally);
        !std::mem::replace(&mut waiting.writing, true)
    }

    fn next(&self) -> Option<(AgentId, StatsDelta)> {
        let mut waiting = self.lock();
        let agent = waiting.tallies.keys().next().copied();
        waiting.writing = agent.is_some();
        agent.and_then(|agent| waiting.tallies.remove_entry(&agent))
    }
}

impl Agents<'_> {
    /// Adds to an agent's counters, in a background task.
    pub fn record_stats(self, agent: AgentId, tally: StatsDelta) {
        if tally == StatsDelta::default() || !self.store.tallies.gather(agent, tally) {
            return;
        }
        let store = self.store.clone();
        cost::spawn_background(async move {
            while let Some((agent, tally)) = store.tallies.next() {
                if let Err(err) = store.agents().write_stats(agent, tally).await {
                    tracing::warn!(cause = ?err, "counts were lost");
                }
            }
        });
    }

    async fn write_stats(self, agent: AgentId, tally: StatsDelta) -> Result<(), Error> {
        let counts = [
            ("totalInbound", tally.total_inbound),
            ("totalOutbound", tally.total_outbound),
            ("successRequests", tally.success_requests),
            ("errorRequests", tally.error_requests),
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
        let tally = items.take::<StatsDelta>(&key)?.unwrap_or_default();
        Ok(AgentStats {
            total_messages: tally.total_inbound + tally.total_outbound,
            total_inbound: tally.total_inbound,
            total_outbound: tally.total_outbound,
            success_requests: tally.success_requests,
            error_requests: tally.error_requests,
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
