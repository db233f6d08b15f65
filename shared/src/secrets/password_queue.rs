//! Passwords being judged. A few at a time, in the order in which they came; and an address that
//! nobody has costs no computing once there are many of those: an answer takes as long as the
//! judgements did that were made a moment ago.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Error;
use crate::random;

/// Tries under way. Each writes several times, and storage is for others, too.
static TURNS: Semaphore = Semaphore::const_new(4);
/// Tries that queue for that.
static QUEUE: Semaphore = Semaphore::const_new(400);
/// The longest that one queues.
const PATIENCE: Duration = Duration::from_secs(15);

/// Takes a turn for a try of a password.
pub async fn begin() -> Result<SemaphorePermit<'static>, Error> {
    let too_many = || Error::too_many("Too many people are signing in at once", Duration::from_secs(5));
    let _queued = QUEUE.try_acquire().map_err(|_| too_many())?;
    let turn = tokio::time::timeout(PATIENCE, TURNS.acquire()).await.map_err(|_| too_many())?;
    turn.map_err(Error::internal)
}

static JUDGED: Mutex<Judged> = Mutex::new(Judged::nothing());

/// How long judging took lately.
struct Judged {
    took: VecDeque<(Instant, Duration)>,
    /// When the work was last done for an address that nobody has.
    for_nobody: Option<Instant>,
}

impl Judged {
    const KEPT: usize = 4;
    /// After this long they say nothing of now.
    const FRESH: Duration = Duration::from_secs(10);
    /// For addresses that nobody has the work is done this often.
    const EVERY: Duration = Duration::from_millis(200);

    const fn nothing() -> Self {
        Self { took: VecDeque::new(), for_nobody: None }
    }

    fn add(&mut self, now: Instant, took: Duration) {
        self.took.truncate(Self::KEPT - 1);
        self.took.push_front((now, took));
    }

    /// How long to pretend, with `chance` to choose; `None` when the work is to be done.
    fn pretence(&mut self, now: Instant, chance: usize) -> Option<Duration> {
        self.took.retain(|(at, _)| now.duration_since(*at) < Self::FRESH);
        let is_due = self.for_nobody.is_none_or(|at| now.duration_since(at) >= Self::EVERY);
        if is_due || self.took.is_empty() {
            self.for_nobody = Some(now);
            return None;
        }
        Some(self.took[chance % self.took.len()].1)
    }
}

/// Notes how long it took to judge a password.
pub fn took(time: Duration) {
    JUDGED.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now(), time);
}

/// For an address that nobody has: how long to wait instead of judging.
pub fn pretence() -> Option<Duration> {
    let chance = u16::from_le_bytes(random::bytes());
    JUDGED.lock().unwrap_or_else(PoisonError::into_inner).pretence(Instant::now(), usize::from(chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_done_now_and_then_and_otherwise_takes_as_long_as_it_did() {
        let (mut judged, start) = (Judged::nothing(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(judged.pretence(at(0), 0), None);
        // It has not ended yet: nothing is known.
        assert_eq!(judged.pretence(at(10), 0), None);
        judged.add(at(40), Duration::from_millis(40));
        assert_eq!(judged.pretence(at(50), 7), Some(Duration::from_millis(40)));
        assert_eq!(judged.pretence(at(250), 7), None);
        judged.add(at(300), Duration::from_millis(50));
        let chosen = [0, 1].map(|chance| judged.pretence(at(310), chance));
        assert_eq!(chosen, [50, 40].map(|ms| Some(Duration::from_millis(ms))));
        assert_eq!(judged.pretence(at(20_000), 0), None);
    }

    #[test]
    fn only_the_last_few_count() {
        let (mut judged, now) = (Judged::nothing(), Instant::now());
        (0..100).for_each(|ms| judged.add(now, Duration::from_millis(ms)));
        let kept: Vec<_> = judged.took.iter().map(|(_, took)| took.as_millis()).collect();
        assert_eq!(kept, [99, 98, 97, 96]);
    }
}
