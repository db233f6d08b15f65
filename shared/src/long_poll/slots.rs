//! Slots for long polls: how many one user may hold in this process, and how often theirs read when
//! there are many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::ids::UserId;

/// The limit for the open pages of one person.
const MAX_PER_PERSON: usize = 100;

/// Who holds a long poll: a user's API keys, or the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    Agents(UserId),
    Person(UserId),
}

/// The long polls that this process holds, counted per holder.
#[derive(Clone, Debug)]
pub struct PollSlots {
    counts: Arc<Mutex<HashMap<Holder, usize>>>,
    per_user: usize,
    /// Reads per second of all long polls together; `None` for no limit.
    polls_per_second: Option<u32>,
}

/// The slot of one long poll, released when dropped.
pub struct PollSlot {
    slots: PollSlots,
    holder: Holder,
}

impl PollSlots {
    /// At most `per_user` for the API keys of one user; all of them share `polls_per_second`.
    pub fn new(per_user: usize, polls_per_second: Option<u32>) -> Self {
        Self { counts: Arc::default(), per_user, polls_per_second }
    }

    /// Takes a slot; 429 `too_many_requests` when the holder has no more.
    pub fn acquire(&self, holder: Holder) -> Result<PollSlot, Error> {
        let max = match holder {
            Holder::Agents(_) => self.per_user,
            Holder::Person(_) => MAX_PER_PERSON,
        };
        let mut counts = self.lock();
        let count = counts.entry(holder).or_default();
        if *count >= max {
            return Err(Error::too_many("This caller holds too many long polls", Duration::from_secs(5)));
        }
        *count += 1;
        Ok(PollSlot { slots: self.clone(), holder })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Holder, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PollSlot {
    /// The shortest interval between two reads: holders share the reads equally, and each holder
    /// divides its share among its long polls.
    pub fn min_interval(&self) -> Duration {
        let Some(polls_per_second) = self.slots.polls_per_second else { return Duration::ZERO };
        let counts = self.slots.lock();
        let waits = counts.get(&self.holder).copied().unwrap_or_default() * counts.len();
        Duration::from_secs_f64(waits as f64 / f64::from(polls_per_second.max(1)))
    }
}

impl Drop for PollSlot {
    fn drop(&mut self) {
        let mut counts = self.slots.lock();
        if let Some(count) = counts.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in tests a panic is a failed test")]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn many_long_polls_of_one_user_read_rarely_and_slow_down_no_other() {
        let now = Timestamp::from_millis(1_767_225_600_000);
        let (fleet, one) = (Holder::Agents(UserId::new(now)), Holder::Person(UserId::new(now)));
        let slots = PollSlots::new(2_000, Some(200));
        let mut many: Vec<_> = (0..2_000).map(|_| slots.acquire(fleet).unwrap()).collect();
        assert_eq!(slots.acquire(fleet).err().map(|err| err.code()), Some("too_many_requests"));
        let other = slots.acquire(one).unwrap();
        assert_eq!(many[0].min_interval(), Duration::from_secs(20));
        assert_eq!(other.min_interval(), Duration::from_millis(10));
        many.truncate(1);
        slots.acquire(fleet).unwrap();
        drop(many);
        assert_eq!(slots.lock().len(), 1);
    }
}
