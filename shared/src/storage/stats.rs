//! What is counted of agents: one item of counters for each, added to beside the requests.
//!
//! Counting never holds a request up, and may lose some when a process ends. Under load counts
//! gather in the process, and one write carries all that came while the last one ran.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::meter;
pub use crate::models::stats::StatsDelta as Tally;
use crate::models::{AgentStats, AgentStatus, TotalStats};
use crate::storage::keys::Key;
use crate::storage::writing::Transaction;
use crate::storage::{Store, beside};
use aws_sdk_dynamodb::types::{AttributeValue, Update};

/// Counts that are not written yet.
#[derive(Clone, Default)]
pub(super) struct Tallies(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    tallies: HashMap<AgentId, Tally>,
    writing: bool,
}

impl Tallies {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Numbers are whole even if a thread ended while it held them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody is writing yet, so the caller has to.
    fn gather(&self, agent: AgentId, tally: Tally) -> bool {
        let mut waiting = self.lock();
        waiting.tallies.entry(agent).or_default().add(tally);
        !std::mem::replace(&mut waiting.writing, true)
    }

    fn next(&self) -> Option<(AgentId, Tally)> {
        let mut waiting = self.lock();
        let agent = waiting.tallies.keys().next().copied();
        waiting.writing = agent.is_some();
        agent.and_then(|agent| waiting.tallies.remove_entry(&agent))
    }
}

impl Store {
    /// Books counts, beside the request.
    pub fn book(&self, agent: AgentId, tally: Tally) {
        if tally == Tally::default() || !self.tallies.gather(agent, tally) {
            return;
        }
        let store = self.clone();
        meter::off_path(async move {
            while let Some((agent, tally)) = store.tallies.next() {
                if let Err(err) = store.add_to_stats(agent, tally).await {
                    tracing::warn!(cause = ?err, "counts were lost");
                }
            }
        });
    }

    async fn add_to_stats(&self, agent: AgentId, tally: Tally) -> Result<(), Error> {
        let counts = [
            ("totalInbound", tally.total_inbound),
            ("totalOutbound", tally.total_outbound),
            ("successRequests", tally.success_requests),
            ("errorRequests", tally.error_requests),
        ];
        let mut update = Update::builder().table_name(&*self.table).set_key(Some(Key::stats(agent).attributes()));
        let mut added = vec![];
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            added.push(format!("{name} :{name}"));
            update = update.expression_attribute_values(format!(":{name}"), AttributeValue::N(count.to_string()));
        }
        let update = update.update_expression(format!("ADD {}", added.join(", ")));
        // A transaction carries a token: when its reply is lost and the SDK repeats it, it counts once.
        let mut transaction = Transaction::default();
        transaction.update(update.build().map_err(Error::internal)?);
        self.commit(transaction).await.map(drop)
    }

    /// One agent in numbers, its history read beside the check of the caller.
    pub async fn stats(&self, human: &HumanCaller, id: Option<AgentId>) -> Result<AgentStats, Error> {
        let Some(id) = id else {
            return Err(self.admit(human, &[]).await.err().unwrap_or(Error::NotFound("agent")));
        };
        let key = Key::stats(id);
        let opened = self.open(human, Some(id), std::slice::from_ref(&key));
        let read = beside(opened, self.status_history(id)).await;
        let ((_, mut items), history) = read.map_err(|err| err.or_not_found("agent"))?;
        let tally = items.take::<Tally>(&key)?.unwrap_or_default();
        Ok(AgentStats {
            total_messages: tally.total_inbound + tally.total_outbound,
            total_inbound: tally.total_inbound,
            total_outbound: tally.total_outbound,
            success_requests: tally.success_requests,
            error_requests: tally.error_requests,
            status_history: history,
        })
    }

    /// All of a person's agents in numbers.
    pub async fn total_stats(&self, human: &HumanCaller) -> Result<TotalStats, Error> {
        const AT_ONCE: usize = 100;
        let agents = self.agents_of(human).await?;
        let mut total = Tally::default();
        for some in agents.chunks(AT_ONCE) {
            let keys: Vec<Key> = some.iter().map(|agent| Key::stats(agent.id)).collect();
            let mut items = self.get_all(keys.clone()).await?;
            for key in &keys {
                total.add(items.take::<Tally>(key)?.unwrap_or_default());
            }
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
