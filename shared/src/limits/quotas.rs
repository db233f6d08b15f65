//! How many bytes of files each user may store.
//!
//! The table's stream counts them (the item `CHANGES`). A process remembers the count, has it read again in the background,
//! and adds what it accepted since. So no call waits for a count, and a user may exceed the quota by what is accepted before
//! a process has read the count, or within the seconds that the stream takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::ids::UserId;

/// A count is read again after this time.
const FRESH: Duration = Duration::from_secs(5);
/// How long a file may be stored before the table counts it.
const LAG: Duration = Duration::from_secs(10);
/// With more users than this, those who have not stored anything for a while are forgotten.
const MAX_REMEMBERED: usize = 1_000;

/// The counts that this process knows. Clones share them.
#[derive(Clone, Debug)]
pub struct Quotas {
    max: u64,
    users: Arc<Mutex<HashMap<UserId, Usage>>>,
}

#[derive(Debug, Default)]
struct Usage {
    /// As the table had it last.
    counted: u64,
    /// When its reading began last.
    asked_at: Option<Instant>,
    accepted: Vec<(Instant, u64)>,
}

/// What is decided about files to store.
#[derive(Debug)]
pub struct Decision {
    pub is_accepted: Result<(), Error>,
    /// Whether the caller has to read the count and [`learn`](Quotas::learn) it.
    pub is_count_due: bool,
}

impl Quotas {
    /// At most `max` bytes of each user.
    pub fn new(max: u64) -> Self {
        Self { max, users: Arc::default() }
    }

    /// Decides whether a user may store files of `bytes` together.
    pub fn decide(&self, user: UserId, bytes: u64) -> Decision {
        let (now, mut users) = (Instant::now(), self.users());
        if users.len() >= MAX_REMEMBERED {
            users.retain(|_, usage| !usage.is_due(now));
        }
        let usage = users.entry(user).or_default();
        let is_count_due = usage.is_due(now);
        if is_count_due {
            usage.asked_at = Some(now);
        }
        let total = usage.accepted.iter().fold(usage.counted, |sum, (_, bytes)| sum.saturating_add(*bytes));
        if self.is_over(total.saturating_add(bytes)) {
            return Decision { is_accepted: Err(self.refusal()), is_count_due };
        }
        usage.accepted.push((now, bytes));
        Decision { is_accepted: Ok(()), is_count_due }
    }

    /// Whether so many bytes are more than a user may store.
    pub fn is_over(&self, bytes: u64) -> bool {
        bytes > self.max
    }

    /// Remembers what the table has counted.
    pub fn learn(&self, user: UserId, counted: u64) {
        let now = Instant::now();
        if let Some(usage) = self.users().get_mut(&user) {
            usage.counted = counted;
            usage.accepted.retain(|(at, _)| now.duration_since(*at) < LAG);
        }
    }

    fn refusal(&self) -> Error {
        let max = self.max;
        Error::TooLarge(format!("The files of this account may have {max} bytes together: delete some first."))
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, Usage>> {
        // The map is whole even if a thread ended while it held it.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    fn is_due(&self, now: Instant) -> bool {
        self.asked_at.is_none_or(|at| now.duration_since(at) >= FRESH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn what_was_counted_and_what_was_accepted_since_is_the_users_own() {
        let (quotas, now) = (Quotas::new(100), Timestamp::from_millis(1));
        let (user, other) = (UserId::new(now), UserId::new(now));
        let first = quotas.decide(user, 60);
        assert!(first.is_accepted.is_ok() && first.is_count_due);
        assert!(!quotas.decide(user, 30).is_count_due);
        assert!(quotas.decide(user, 11).is_accepted.is_err());
        assert!(quotas.decide(user, 10).is_accepted.is_ok());
        assert!(quotas.decide(other, 100).is_accepted.is_ok());
        quotas.learn(other, 50);
        assert!(quotas.decide(other, 1).is_accepted.is_err());
    }
}
