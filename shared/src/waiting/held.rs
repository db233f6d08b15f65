//! The waits that are held in this process, by user: how many one user may hold, and how rarely
//! theirs look when there are many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::ids::UserId;

/// Waits of one person's browsers: tabs.
const PER_PERSON: usize = 100;

/// Who waits: a user's API keys, and the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    Agents(UserId),
    Person(UserId),
}

#[derive(Clone, Debug)]
pub struct Held {
    counts: Arc<Mutex<HashMap<By, usize>>>,
    per_user: usize,
    /// Looks a second of all waits together; without one each looks when it likes.
    looks: Option<u32>,
}

/// One wait's place among those that are held, until it is dropped.
pub struct Place {
    held: Held,
    by: By,
}

impl Held {
    pub fn new(per_user: usize, looks: Option<u32>) -> Self {
        Self { counts: Arc::default(), per_user, looks }
    }

    pub fn enter(&self, by: By) -> Result<Place, Error> {
        let most = match by {
            By::Agents(_) => self.per_user,
            By::Person(_) => PER_PERSON,
        };
        let mut counts = self.lock();
        let count = counts.entry(by).or_default();
        if *count >= most {
            return Err(Error::too_many("This caller holds too many waits", Duration::from_secs(5)));
        }
        *count += 1;
        Ok(Place { held: self.clone(), by })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<By, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The least between two looks of this wait: those who wait share the looks alike, and each of
    /// them shares theirs among their waits.
    pub fn least_pause(&self) -> Duration {
        let Some(looks) = self.held.looks else { return Duration::ZERO };
        let counts = self.held.lock();
        let waits = counts.get(&self.by).copied().unwrap_or_default() * counts.len();
        Duration::from_secs_f64(waits as f64 / f64::from(looks.max(1)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.held.lock();
        if let Some(count) = counts.get_mut(&self.by) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn many_waits_of_one_user_look_rarely_and_leave_the_others_theirs() {
        let now = Timestamp::from_millis(1_767_225_600_000);
        let (fleet, one) = (By::Agents(UserId::new(now)), By::Person(UserId::new(now)));
        let held = Held::new(2_000, Some(200));
        let mut many: Vec<_> = (0..2_000).map(|_| held.enter(fleet).unwrap()).collect();
        assert_eq!(held.enter(fleet).err().map(|err| err.code()), Some("too_many_requests"));
        let other = held.enter(one).unwrap();
        assert_eq!(many[0].least_pause(), Duration::from_secs(20));
        assert_eq!(other.least_pause(), Duration::from_millis(10));
        many.truncate(1);
        held.enter(fleet).unwrap();
        drop(many);
        assert_eq!(held.lock().len(), 1);
    }
}
