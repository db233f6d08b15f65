//! Waits for the same message in one process: what one of them finds, or the process itself
//! stores, all are told, and many together look no more often than tells them soon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::ids::MessageId;

/// The least between two looks at one message, over all waits for it.
pub const APART: Duration = Duration::from_millis(20);

/// All companies of this process, by what they wait for; `T` is what they are told.
#[derive(Debug)]
pub struct Companies<T>(Arc<Mutex<HashMap<MessageId, watch::Sender<Known<T>>>>>);

/// What a company knows.
#[derive(Debug)]
struct Known<T> {
    looked: Option<Instant>,
    decided: Option<Arc<T>>,
}

/// The waits for one message, to one of them, who leaves when dropped.
pub struct Company<T> {
    companies: Companies<T>,
    message: MessageId,
    all: watch::Sender<Known<T>>,
    /// There until it leaves.
    told: Option<watch::Receiver<Known<T>>>,
}

impl<T> Clone for Companies<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Companies<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { looked: None, decided: None }
    }
}

impl<T: Clone> Companies<T> {
    pub fn join(&self, message: MessageId) -> Company<T> {
        let mut companies = self.lock();
        let all = companies.entry(message).or_default();
        Company { companies: self.clone(), message, all: all.clone(), told: Some(all.subscribe()) }
    }

    pub fn tell(&self, message: MessageId, decided: &T) {
        // Nobody else waits for the lock while this is copied.
        let all = self.lock().get(&message).cloned();
        if let Some(all) = all {
            inform(&all, decided);
        }
    }
}

impl<T> Companies<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, watch::Sender<Known<T>>>> {
        // The map is whole even if a thread ended while it held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn inform<T: Clone>(all: &watch::Sender<Known<T>>, decided: &T) {
    if all.borrow().decided.is_none() {
        let decided = Arc::new(decided.clone());
        all.send_modify(|known| known.decided = Some(decided));
    }
}

impl<T: Clone> Company<T> {
    /// Ends when one of them knows the decision.
    pub async fn told(&mut self) -> Arc<T> {
        if let Some(told) = &mut self.told {
            let known = told.wait_for(|known| known.decided.is_some()).await;
            if let Some(decided) = known.ok().and_then(|known| known.decided.clone()) {
                return decided;
            }
        }
        std::future::pending().await
    }

    /// Tells the others, if there are any.
    pub fn tell(&self, decided: &T) {
        if self.all.receiver_count() > 1 {
            inform(&self.all, decided);
        }
    }

    /// Whether it is time that one of them looks. Then the others need not for a while.
    pub fn takes_a_turn(&self) -> bool {
        let mut turn = false;
        self.all.send_if_modified(|known| {
            turn = known.looked.is_none_or(|at| at.elapsed() >= APART);
            if turn {
                known.looked = Some(Instant::now());
            }
            // Nothing that anybody would wake up for.
            false
        });
        turn
    }
}

impl<T> Drop for Company<T> {
    fn drop(&mut self) {
        // Under the lock, so that the last of several that leave at once knows it.
        let mut companies = self.companies.lock();
        self.told = None;
        if self.all.receiver_count() == 0 {
            companies.remove(&self.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::AgentId;

    fn message() -> MessageId {
        let now = Timestamp::from_millis(1_767_225_600_000);
        MessageId::new(AgentId::new(now), now)
    }

    #[tokio::test]
    async fn what_one_finds_and_what_the_process_stores_all_are_told() {
        let companies = Companies::default();
        let [first, second] = [message(), message()];
        let (finder, mut other) = (companies.join(first), companies.join(first));
        let mut stranger = companies.join(second);
        finder.tell(&"yes");
        assert_eq!(*other.told().await, "yes");
        // The first word stands.
        companies.tell(first, &"no");
        assert_eq!(*companies.join(first).told().await, "yes");
        companies.tell(second, &"no");
        assert_eq!(*stranger.told().await, "no");
    }

    #[tokio::test]
    async fn one_at_a_time_looks_and_another_when_it_is_gone() {
        let companies = Companies::<&str>::default();
        let id = message();
        let (first, second) = (companies.join(id), companies.join(id));
        assert!(first.takes_a_turn());
        assert!(!second.takes_a_turn() && !first.takes_a_turn());
        drop(first);
        while !second.takes_a_turn() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn a_company_that_all_have_left_is_forgotten() {
        let companies = Companies::<&str>::default();
        let id = message();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..2_000).for_each(|_| drop(companies.join(id))));
            }
        });
        assert!(companies.lock().is_empty());
    }
}
