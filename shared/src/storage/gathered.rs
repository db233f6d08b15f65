//! What gathers in the process until it is written: counts of agents, and entries of the request log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What waits to be written, by one task at a time. Clones share it.
#[derive(Default)]
pub(super) struct Gathered<T>(Arc<Mutex<Waiting<T>>>);

#[derive(Default)]
struct Waiting<T> {
    gathered: T,
    is_writing: bool,
}

impl<T> Clone for Gathered<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Gathered<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // What is gathered is whole even if a thread ended while it held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what waits. Gives whether the caller has to write it, because no other task does.
    pub fn add(&self, add: impl FnOnce(&mut T)) -> bool {
        let mut waiting = self.lock();
        add(&mut waiting.gathered);
        !std::mem::replace(&mut waiting.is_writing, true)
    }

    /// Takes what to write next; none ends the writing.
    pub fn next<N>(&self, take: impl FnOnce(&mut T) -> Option<N>) -> Option<N> {
        let mut waiting = self.lock();
        let next = take(&mut waiting.gathered);
        waiting.is_writing = next.is_some();
        next
    }
}
