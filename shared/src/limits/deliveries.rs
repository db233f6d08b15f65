//! Deliveries in progress, by channel and by user: a slow receiver delays only its own channel's
//! deliveries.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::{AgentId, UserId};

/// How long a delivery waits for another of the same channel to end.
const SLOT_TIMEOUT: Duration = Duration::from_millis(250);
/// After a timeout, deliveries of the same channel do not wait for this long.
const SLOW_PERIOD: Duration = Duration::from_secs(10);
/// How many entries a map may have before unused ones are dropped.
const MAX_IDLE_ENTRIES: usize = 1_000;

/// The deliveries in progress in this process. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Deliveries(Arc<State>);

#[derive(Debug)]
struct State {
    per_channel: usize,
    channels: Mutex<HashMap<AgentId, Arc<Lane>>>,
    users: Mutex<HashMap<UserId, Arc<Lane>>>,
}

#[derive(Debug)]
struct Lane {
    slots: Arc<Semaphore>,
    slow_until: Mutex<Option<Instant>>,
}

/// The slot of one delivery, released when dropped.
pub struct DeliverySlot(#[expect(dead_code, reason = "held, not read")] Vec<OwnedSemaphorePermit>);

impl Deliveries {
    /// At most `per_channel` at once for one channel, three times as many for one user.
    pub fn new(per_channel: usize) -> Self {
        Self(Arc::new(State { per_channel: per_channel.max(1), channels: Mutex::default(), users: Mutex::default() }))
    }

    /// Takes a slot for a delivery; `None` when there is none: try again later.
    pub async fn acquire(&self, channel: AgentId, user: Option<UserId>) -> Option<DeliverySlot> {
        let mut slots = vec![lane(&self.0.channels, channel, self.0.per_channel).acquire().await?];
        if let Some(user) = user {
            slots.push(lane(&self.0.users, user, 3 * self.0.per_channel).acquire().await?);
        }
        Some(DeliverySlot(slots))
    }
}

fn lane<K: Eq + Hash>(lanes: &Mutex<HashMap<K, Arc<Lane>>>, key: K, slots: usize) -> Arc<Lane> {
    let mut lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
    if lanes.len() >= MAX_IDLE_ENTRIES {
        lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || lane.slots.available_permits() < slots);
    }
    let new = || Arc::new(Lane { slots: Arc::new(Semaphore::new(slots)), slow_until: Mutex::default() });
    lanes.entry(key).or_insert_with(new).clone()
}

impl Lane {
    async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        let slot = self.slots.clone();
        if let Ok(slot) = slot.clone().try_acquire_owned() {
            return Some(slot);
        }
        if self.slow_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let slot = tokio::time::timeout(SLOT_TIMEOUT, slot.acquire_owned()).await;
        if slot.is_err() {
            *self.slow_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + SLOW_PERIOD);
        }
        slot.ok()?.ok()
    }

    fn slow_until(&self) -> Option<Instant> {
        *self.slow_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in tests a panic is a failed test")]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[tokio::test]
    async fn a_channel_has_a_few_places_and_a_user_three_times_as_many() {
        let deliveries = Deliveries::new(2);
        let now = Timestamp::from_millis(1_767_225_600_000);
        let (user, other) = (UserId::new(now), UserId::new(now));
        let mut held = vec![];
        for _ in 0..3 {
            let channel = AgentId::new(now);
            for _ in 0..2 {
                held.push(deliveries.acquire(channel, Some(user)).await.unwrap());
            }
            assert!(deliveries.acquire(channel, Some(user)).await.is_none());
        }
        let channel = AgentId::new(now);
        assert!(deliveries.acquire(channel, Some(user)).await.is_none());
        assert!(deliveries.acquire(channel, Some(other)).await.is_some());
        held.clear();
        assert!(deliveries.acquire(channel, Some(user)).await.is_some());
    }

    #[tokio::test]
    async fn a_delivery_waits_a_little_for_one_that_is_quick() {
        let deliveries = Deliveries::new(1);
        let channel = AgentId::new(Timestamp::from_millis(1));
        let first = deliveries.acquire(channel, None).await;
        let (second, ()) = tokio::join!(deliveries.acquire(channel, None), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(second.is_some());
    }
}
