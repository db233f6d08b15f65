//! Long polls for the same message in one process: what one of them finds, or the process itself
//! stores, all are told, and many together look no more often than tells them soon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::ids::MessageId;

/// The least between two looks at one message, over all waits for it.
pub const MIN_POLL_GAP: Duration = Duration::from_millis(20);

/// All groups of this process, by what they wait for; `T` is what they are told.
#[derive(Debug)]
pub struct WaiterGroups<T>(Arc<Mutex<HashMap<MessageId, watch::Sender<GroupState<T>>>>>);

/// What a group knows.
#[derive(Debug)]
struct GroupState<T> {
    last_poll: Option<Instant>,
    decided: Option<Arc<T>>,
}

/// The waits for one message, to one of them, who leaves when dropped.
pub struct WaiterGroup<T> {
    groups: WaiterGroups<T>,
    message: MessageId,
    state: watch::Sender<GroupState<T>>,
    /// There until it leaves.
    updates: Option<watch::Receiver<GroupState<T>>>,
}

impl<T> Clone for WaiterGroups<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for WaiterGroups<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Default for GroupState<T> {
    fn default() -> Self {
        Self { last_poll: None, decided: None }
    }
}

impl<T: Clone> WaiterGroups<T> {
    /// Joins the group that waits for this message.
    pub fn join(&self, message: MessageId) -> WaiterGroup<T> {
        let mut groups = self.lock();
        let all = groups.entry(message).or_default();
        WaiterGroup { groups: self.clone(), message, state: all.clone(), updates: Some(all.subscribe()) }
    }

    /// Gives the decided message to its group, if there is one.
    pub fn notify(&self, message: MessageId, decided: &T) {
        // Nobody else waits for the lock while this is copied.
        let all = self.lock().get(&message).cloned();
        if let Some(all) = all {
            inform(&all, decided);
        }
    }
}

impl<T> WaiterGroups<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, watch::Sender<GroupState<T>>>> {
        // The map is whole even if a thread ended while it held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn inform<T: Clone>(state: &watch::Sender<GroupState<T>>, decided: &T) {
    if state.borrow().decided.is_none() {
        let decided = Arc::new(decided.clone());
        state.send_modify(|known| known.decided = Some(decided));
    }
}

impl<T: Clone> WaiterGroup<T> {
    /// Ends when one of them knows the decision.
    pub async fn decided(&mut self) -> Arc<T> {
        if let Some(updates) = &mut self.updates {
            let known = updates.wait_for(|known| known.decided.is_some()).await;
            if let Some(decided) = known.ok().and_then(|known| known.decided.clone()) {
                return decided;
            }
        }
        std::future::pending().await
    }

    /// Tells the others, if there are any.
    pub fn notify(&self, decided: &T) {
        if self.state.receiver_count() > 1 {
            inform(&self.state, decided);
        }
    }

    /// Whether it is time that one of them looks. Then the others need not for a while.
    pub fn try_poll(&self) -> bool {
        let mut turn = false;
        self.state.send_if_modified(|known| {
            turn = known.last_poll.is_none_or(|at| at.elapsed() >= MIN_POLL_GAP);
            if turn {
                known.last_poll = Some(Instant::now());
            }
            // Nothing that anybody would wake up for.
            false
        });
        turn
    }
}

impl<T> Drop for WaiterGroup<T> {
    fn drop(&mut self) {
        // Under the lock, so that the last of several that leave at once knows it.
        let mut groups = self.groups.lock();
        self.updates = None;
        if self.state.receiver_count() == 0 {
            groups.remove(&self.message);
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
        let groups = WaiterGroups::default();
        let [first, second] = [message(), message()];
        let (finder, mut other) = (groups.join(first), groups.join(first));
        let mut stranger = groups.join(second);
        finder.notify(&"yes");
        assert_eq!(*other.decided().await, "yes");
        // The first word stands.
        groups.notify(first, &"no");
        assert_eq!(*groups.join(first).decided().await, "yes");
        groups.notify(second, &"no");
        assert_eq!(*stranger.decided().await, "no");
    }

    #[tokio::test]
    async fn one_at_a_time_looks_and_another_when_it_is_gone() {
        let groups = WaiterGroups::<&str>::default();
        let id = message();
        let (first, second) = (groups.join(id), groups.join(id));
        assert!(first.try_poll());
        assert!(!second.try_poll() && !first.try_poll());
        drop(first);
        while !second.try_poll() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn a_group_that_all_have_left_is_forgotten() {
        let groups = WaiterGroups::<&str>::default();
        let id = message();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..2_000).for_each(|_| drop(groups.join(id))));
            }
        });
        assert!(groups.lock().is_empty());
    }
}
