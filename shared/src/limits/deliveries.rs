//! Deliveries under way, by channel and by user: a receiver that is slow holds up its own
//! channel's deliveries, and nobody else's.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::{AgentId, UserId};

/// How long a delivery waits for one of the same channel to end, before it makes room for others.
const PATIENCE: Duration = Duration::from_millis(250);
/// Once that was too short, for this long none waits.
const SLOW_FOR: Duration = Duration::from_secs(10);
/// How many entries a map may have before those that are not in use are dropped.
const MANY: usize = 1_000;

/// The deliveries in progress in this process. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Deliveries(Arc<All>);

#[derive(Debug)]
struct All {
    per_channel: usize,
    channels: Mutex<HashMap<AgentId, Arc<Lane>>>,
    users: Mutex<HashMap<UserId, Arc<Lane>>>,
}

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    slow_until: Mutex<Option<Instant>>,
}

/// A delivery's place; it is free again when this is dropped.
pub struct Place(#[expect(dead_code, reason = "held, not read")] Vec<OwnedSemaphorePermit>);

impl Deliveries {
    /// At most `per_channel` at once for one channel, three times as many for one user.
    pub fn new(per_channel: usize) -> Self {
        Self(Arc::new(All { per_channel: per_channel.max(1), channels: Mutex::default(), users: Mutex::default() }))
    }

    /// A place for a delivery; `None` when it is to come again later.
    pub async fn enter(&self, channel: AgentId, user: Option<UserId>) -> Option<Place> {
        let mut places = vec![lane(&self.0.channels, channel, self.0.per_channel).enter().await?];
        if let Some(user) = user {
            places.push(lane(&self.0.users, user, 3 * self.0.per_channel).enter().await?);
        }
        Some(Place(places))
    }
}

fn lane<K: Eq + Hash>(lanes: &Mutex<HashMap<K, Arc<Lane>>>, key: K, places: usize) -> Arc<Lane> {
    let mut lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
    if lanes.len() >= MANY {
        lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || lane.places.available_permits() < places);
    }
    let new = || Arc::new(Lane { places: Arc::new(Semaphore::new(places)), slow_until: Mutex::default() });
    lanes.entry(key).or_insert_with(new).clone()
}

impl Lane {
    async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone();
        if let Ok(place) = place.clone().try_acquire_owned() {
            return Some(place);
        }
        if self.slow_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let place = tokio::time::timeout(PATIENCE, place.acquire_owned()).await;
        if place.is_err() {
            *self.slow_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + SLOW_FOR);
        }
        place.ok()?.ok()
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
                held.push(deliveries.enter(channel, Some(user)).await.unwrap());
            }
            assert!(deliveries.enter(channel, Some(user)).await.is_none());
        }
        let channel = AgentId::new(now);
        assert!(deliveries.enter(channel, Some(user)).await.is_none());
        assert!(deliveries.enter(channel, Some(other)).await.is_some());
        held.clear();
        assert!(deliveries.enter(channel, Some(user)).await.is_some());
    }

    #[tokio::test]
    async fn a_delivery_waits_a_little_for_one_that_is_quick() {
        let deliveries = Deliveries::new(1);
        let channel = AgentId::new(Timestamp::from_millis(1));
        let first = deliveries.enter(channel, None).await;
        let (second, ()) = tokio::join!(deliveries.enter(channel, None), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(second.is_some());
    }
}
