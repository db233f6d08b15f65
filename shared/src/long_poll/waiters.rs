//! Groups of long polls that wait for the same message in one process. An end of the review that one of
//! them finds, or that the process itself stores, reaches all of them; together they read no more often
//! than once per [`MIN_POLL_GAP`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::ids::MessageId;

/// The shortest time between two reads of one message, over all long polls for it.
pub const MIN_POLL_GAP: Duration = Duration::from_millis(20);

/// The groups of this process by message; `T` is how the review ended, cheap to clone.
#[derive(Debug)]
pub struct WaiterGroups<T>(Arc<Mutex<HashMap<MessageId, watch::Sender<GroupState<T>>>>>);

/// What a group knows.
#[derive(Debug)]
struct GroupState<T> {
    last_poll: Option<Instant>,
    ended: Option<T>,
}

/// One long poll's membership in a group; dropping it leaves the group.
pub struct WaiterGroup<T> {
    groups: WaiterGroups<T>,
    message: MessageId,
    state: watch::Sender<GroupState<T>>,
    /// `None` once it has left.
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
        Self { last_poll: None, ended: None }
    }
}

impl<T: Clone> WaiterGroups<T> {
    /// Joins the group that waits for this message.
    pub fn join(&self, message: MessageId) -> WaiterGroup<T> {
        let mut groups = self.lock();
        let all = groups.entry(message).or_default();
        WaiterGroup { groups: self.clone(), message, state: all.clone(), updates: Some(all.subscribe()) }
    }

    /// Whether the message has a group.
    pub fn is_awaited(&self, message: MessageId) -> bool {
        self.lock().contains_key(&message)
    }

    /// Informs the group of a message, if there is one, how the review ended. `ended` is called only then, and not
    /// under the lock.
    pub fn notify(&self, message: MessageId, ended: impl FnOnce() -> T) {
        let all = self.lock().get(&message).cloned();
        if let Some(all) = all {
            inform(&all, ended);
        }
    }
}

impl<T> WaiterGroups<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, watch::Sender<GroupState<T>>>> {
        // The map is whole even if a thread ended while it held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn inform<T>(state: &watch::Sender<GroupState<T>>, ended: impl FnOnce() -> T) {
    if state.borrow().ended.is_none() {
        let ended = ended();
        // The first outcome stands.
        state.send_modify(|known| _ = known.ended.get_or_insert(ended));
    }
}

impl<T: Clone> WaiterGroup<T> {
    /// The message that the group waits for.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// Completes once the review has ended.
    pub async fn ended(&mut self) -> T {
        if let Some(updates) = &mut self.updates {
            let known = updates.wait_for(|known| known.ended.is_some()).await;
            if let Some(ended) = known.ok().and_then(|known| known.ended.clone()) {
                return ended;
            }
        }
        std::future::pending().await
    }

    /// Informs the others, if there are any.
    pub fn notify(&self, ended: impl FnOnce() -> T) {
        if self.state.receiver_count() > 1 {
            inform(&self.state, ended);
        }
    }

    /// Whether the group may read now. If so, the others skip their polls for [`MIN_POLL_GAP`].
    pub fn try_poll(&self) -> bool {
        let mut turn = false;
        self.state.send_if_modified(|known| {
            turn = known.last_poll.is_none_or(|at| at.elapsed() >= MIN_POLL_GAP);
            if turn {
                known.last_poll = Some(Instant::now());
            }
            // No waiter needs to wake up for this.
            false
        });
        turn
    }
}

impl<T> Drop for WaiterGroup<T> {
    fn drop(&mut self) {
        // Under the lock, so that of several which leave at once the last one removes the group.
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
    async fn a_decision_reaches_every_waiter_of_its_message() {
        let groups = WaiterGroups::default();
        let [first, second] = [message(), message()];
        let (finder, mut other) = (groups.join(first), groups.join(first));
        let mut stranger = groups.join(second);
        finder.notify(|| "yes");
        assert_eq!(other.ended().await, "yes");
        // The first decision stands.
        groups.notify(first, || "no");
        assert_eq!(groups.join(first).ended().await, "yes");
        groups.notify(second, || "no");
        assert_eq!(stranger.ended().await, "no");
    }

    #[tokio::test]
    async fn one_waiter_polls_per_gap_and_another_one_after_it_left() {
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
    fn an_empty_group_is_removed() {
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
