//! How many bytes each user may store.
//!
//! The table's stream counts them (the item `CHANGES`). A process remembers the sums, reads them again in the background,
//! and adds what it accepted since. So no call waits for a sum. A user may exceed the quota by what each process accepts
//! before it has read the sums, and by what others accept within the seconds that the stream takes. What was just
//! accepted may count twice for some seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::ids::UserId;

/// The sums are read again after this time.
const FRESH: Duration = Duration::from_secs(5);
/// How long the table may take to count what was accepted.
const LAG: Duration = Duration::from_secs(10);
/// With more users than this, those who have not stored anything for a while are forgotten.
const MAX_REMEMBERED: usize = 1_000;

/// What is stored. The quota is the same for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Files,
    /// Archives of files, for the day after which they are deleted.
    Archives,
}

/// The bytes of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub files: u64,
    pub archives: u64,
}

impl Sums {
    fn of(self, what: Stored) -> u64 {
        match what {
            Stored::Files => self.files,
            Stored::Archives => self.archives,
        }
    }
}

/// The sums that this process knows. Clones share them.
#[derive(Clone, Debug)]
pub struct Quotas {
    max: u64,
    users: Arc<Mutex<HashMap<UserId, Usage>>>,
}

#[derive(Debug, Default)]
struct Usage {
    /// As the table had them last.
    counted: Sums,
    /// When their reading began last.
    asked_at: Option<Instant>,
    accepted: Vec<(Instant, Stored, u64)>,
}

/// What is decided about bytes to store.
#[derive(Debug)]
pub struct Decision {
    pub is_accepted: Result<(), Error>,
    /// Whether the caller has to read the sums and [`learn`](Quotas::learn) them.
    pub is_count_due: bool,
}

impl Quotas {
    /// At most `max` bytes of each user.
    pub fn new(max: u64) -> Self {
        Self { max, users: Arc::default() }
    }

    /// Decides whether a user may store `bytes` more.
    pub fn decide(&self, user: UserId, what: Stored, bytes: u64) -> Decision {
        let (now, mut users) = (Instant::now(), self.users());
        if users.len() >= MAX_REMEMBERED {
            users.retain(|_, usage| !usage.is_due(now));
        }
        let usage = users.entry(user).or_default();
        let is_count_due = usage.is_due(now);
        if is_count_due {
            usage.asked_at = Some(now);
        }
        let accepted = usage.accepted.iter().filter(|(_, kind, _)| *kind == what);
        let total = accepted.fold(usage.counted.of(what), |sum, (.., bytes)| sum.saturating_add(*bytes));
        if total.saturating_add(bytes) > self.max {
            return Decision { is_accepted: Err(self.refusal(what)), is_count_due };
        }
        usage.accepted.push((now, what, bytes));
        Decision { is_accepted: Ok(()), is_count_due }
    }

    /// Whether one of the sums is more than a user may store.
    pub fn is_exceeded(&self, sums: Sums) -> bool {
        sums.files.max(sums.archives) > self.max
    }

    /// Remembers what the table has counted.
    pub fn learn(&self, user: UserId, counted: Sums) {
        let now = Instant::now();
        if let Some(usage) = self.users().get_mut(&user) {
            usage.counted = counted;
            usage.accepted.retain(|(at, ..)| now.duration_since(*at) < LAG);
        }
    }

    fn refusal(&self, what: Stored) -> Error {
        let max = self.max;
        Error::TooLarge(match what {
            Stored::Files => {
                format!("The files of this account may have {max} bytes together: delete some before you add others.")
            }
            Stored::Archives => format!(
                "The archives of this account may have {max} bytes together, and each is stored for a day: download \
                 files one by one, or fewer at once."
            ),
        })
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
        let is_accepted = |user, bytes| quotas.decide(user, Stored::Files, bytes).is_accepted.is_ok();
        let first = quotas.decide(user, Stored::Files, 60);
        assert!(first.is_accepted.is_ok() && first.is_count_due);
        assert!(!quotas.decide(user, Stored::Files, 30).is_count_due);
        assert!(!is_accepted(user, 11));
        assert!(is_accepted(user, 10));
        assert!(is_accepted(other, 100));
        quotas.learn(other, Sums { files: 50, archives: 0 });
        assert!(!is_accepted(other, 1));
    }

    #[test]
    fn archives_have_a_quota_of_their_own() {
        let (quotas, user) = (Quotas::new(100), UserId::new(Timestamp::from_millis(1)));
        assert!(quotas.decide(user, Stored::Files, 100).is_accepted.is_ok());
        assert!(quotas.decide(user, Stored::Archives, 100).is_accepted.is_ok());
        let refused = quotas.decide(user, Stored::Archives, 1).is_accepted;
        assert!(matches!(refused, Err(Error::TooLarge(sentence)) if sentence.contains("archives")));
    }
}
