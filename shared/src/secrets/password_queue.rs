//! How many passwords are verified at once, in the order of their requests. Unknown addresses cost
//! no computation while there are many of them: the response is delayed by as long as recent
//! verifications took.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Error;
use crate::random;

/// Login attempts in progress. Each writes several items, and storage serves other requests too.
static TURNS: Semaphore = Semaphore::const_new(4);
/// Attempts that wait for their turn.
static QUEUE: Semaphore = Semaphore::const_new(400);
/// The longest time an attempt waits.
const SLOT_TIMEOUT: Duration = Duration::from_secs(15);

/// Waits for the turn of a login attempt.
pub async fn begin() -> Result<SemaphorePermit<'static>, Error> {
    let too_many = || Error::too_many("Too many people are signing in at once", Duration::from_secs(5));
    let _queued = QUEUE.try_acquire().map_err(|_| too_many())?;
    let turn = tokio::time::timeout(SLOT_TIMEOUT, TURNS.acquire()).await.map_err(|_| too_many())?;
    turn.map_err(Error::internal)
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
