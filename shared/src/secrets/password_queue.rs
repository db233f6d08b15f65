//! How many passwords are verified at once, in the order of their requests. Browsers that have signed in before have
//! turns of their own, and one network has few places in the queue of the others, so that a flood of attempts keeps
//! nobody out. Unknown addresses cost no computation while there are many of them: the response is delayed by as long
//! as recent verifications took.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Error;
use crate::random;

/// The longest time an attempt waits.
const SLOT_TIMEOUT: Duration = Duration::from_secs(15);
/// Attempts of one network that wait or are in progress.
const PLACES_OF_NETWORK: usize = 16;

/// The attempts that share turns.
struct Lane {
    /// Login attempts in progress. Each writes several items, and storage serves other requests too.
    turns: Semaphore,
    /// Attempts that wait for their turn.
    queue: Semaphore,
}

static KNOWN: Lane = Lane { turns: Semaphore::const_new(2), queue: Semaphore::const_new(100) };
static STRANGERS: Lane = Lane { turns: Semaphore::const_new(4), queue: Semaphore::const_new(400) };
/// How many attempts of each network wait or are in progress.
static NETWORKS: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

/// The turn of an attempt; it ends when dropped.
pub struct PasswordTurn(
    #[expect(dead_code, reason = "held, not read")] (SemaphorePermit<'static>, Option<PlaceOfNetwork>),
);

/// One of a network's places, given back when dropped.
struct PlaceOfNetwork(String);

/// Waits for the turn of a login attempt. `is_known` is whether the browser presents that it has signed in before;
/// `network` is where a stranger calls from, if that is known.
pub async fn begin(is_known: bool, network: Option<String>) -> Result<PasswordTurn, Error> {
    let too_many = || Error::too_many("Too many people are signing in at once", Duration::from_secs(5));
    let place = match network.filter(|_| !is_known) {
        Some(network) => Some(PlaceOfNetwork::take(network).ok_or_else(too_many)?),
        None => None,
    };
    let lane = if is_known { &KNOWN } else { &STRANGERS };
    let _queued = lane.queue.try_acquire().map_err(|_| too_many())?;
    let turn = tokio::time::timeout(SLOT_TIMEOUT, lane.turns.acquire()).await.map_err(|_| too_many())?;
    Ok(PasswordTurn((turn.map_err(Error::internal)?, place)))
}

impl PlaceOfNetwork {
    fn take(network: String) -> Option<Self> {
        let mut networks = NETWORKS.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = networks.get_or_insert_default().entry(network.clone()).or_default();
        if *taken >= PLACES_OF_NETWORK {
            return None;
        }
        *taken += 1;
        Some(Self(network))
    }
}

impl Drop for PlaceOfNetwork {
    fn drop(&mut self) {
        let mut networks = NETWORKS.lock().unwrap_or_else(PoisonError::into_inner);
        let networks = networks.get_or_insert_default();
        if let Some(taken) = networks.get_mut(&self.0) {
            *taken -= 1;
            if *taken == 0 {
                networks.remove(&self.0);
            }
        }
    }
}

static RECENT_TIMES: Mutex<RecentTimes> = Mutex::new(RecentTimes::nothing());

/// How long recent verifications took.
struct RecentTimes {
    took: VecDeque<(Instant, Duration)>,
    /// When a password was last verified for an unknown address.
    for_nobody: Option<Instant>,
}

impl RecentTimes {
    const MAX_SAMPLES: usize = 4;
    /// Older samples are discarded.
    const SAMPLE_LIFETIME: Duration = Duration::from_secs(10);
    /// For unknown addresses a real verification runs this often.
    const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);

    const fn nothing() -> Self {
        Self { took: VecDeque::new(), for_nobody: None }
    }

    fn add(&mut self, now: Instant, took: Duration) {
        self.took.truncate(Self::MAX_SAMPLES - 1);
        self.took.push_front((now, took));
    }

    /// How long to delay the response, one of the samples by `chance`; `None` when the verification is
    /// due.
    fn simulated_delay(&mut self, now: Instant, chance: usize) -> Option<Duration> {
        self.took.retain(|(at, _)| now.duration_since(*at) < Self::SAMPLE_LIFETIME);
        let is_due = self.for_nobody.is_none_or(|at| now.duration_since(at) >= Self::SAMPLE_INTERVAL);
        if is_due || self.took.is_empty() {
            self.for_nobody = Some(now);
            return None;
        }
        Some(self.took[chance % self.took.len()].1)
    }
}

/// Records how long a verification took.
pub fn record(time: Duration) {
    RECENT_TIMES.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now(), time);
}

/// For an unknown address: how long to delay the response instead of verifying.
pub fn simulated_delay() -> Option<Duration> {
    let chance = u16::from_le_bytes(random::bytes());
    RECENT_TIMES.lock().unwrap_or_else(PoisonError::into_inner).simulated_delay(Instant::now(), usize::from(chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_network_has_few_places_and_known_browsers_need_none() -> Result<(), Error> {
        let network = || Some("192.0.2.1".to_owned());
        let taken: Vec<_> =
            (0..PLACES_OF_NETWORK).filter_map(|_| PlaceOfNetwork::take("192.0.2.1".to_owned())).collect();
        assert_eq!(taken.len(), PLACES_OF_NETWORK);
        assert!(begin(false, network()).await.is_err());
        drop(begin(true, network()).await?);
        drop(begin(false, Some("192.0.2.2".to_owned())).await?);
        drop(taken);
        drop(begin(false, network()).await?);
        Ok(())
    }

    #[test]
    fn the_work_is_done_now_and_then_and_otherwise_takes_as_long_as_it_did() {
        let (mut times, start) = (RecentTimes::nothing(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(times.simulated_delay(at(0), 0), None);
        // It has not ended yet: nothing is known.
        assert_eq!(times.simulated_delay(at(10), 0), None);
        times.add(at(40), Duration::from_millis(40));
        assert_eq!(times.simulated_delay(at(50), 7), Some(Duration::from_millis(40)));
        assert_eq!(times.simulated_delay(at(250), 7), None);
        times.add(at(300), Duration::from_millis(50));
        let chosen = [0, 1].map(|chance| times.simulated_delay(at(310), chance));
        assert_eq!(chosen, [50, 40].map(|ms| Some(Duration::from_millis(ms))));
        assert_eq!(times.simulated_delay(at(20_000), 0), None);
    }

    #[test]
    fn only_the_last_few_count() {
        let (mut times, now) = (RecentTimes::nothing(), Instant::now());
        (0..100).for_each(|ms| times.add(now, Duration::from_millis(ms)));
        let kept: Vec<_> = times.took.iter().map(|(_, took)| took.as_millis()).collect();
        assert_eq!(kept, [99, 98, 97, 96]);
    }
}
