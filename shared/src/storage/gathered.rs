//! Best-effort writes beside requests: one writer at a time, and what comes while it writes is
//! carried by its next write. Alone each is written at once; under load many share a write.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many things one write carries.
pub(super) const TOGETHER: usize = 25;

/// What is not written yet, and whether somebody is writing.
pub(super) struct Gathered<T>(Arc<Mutex<(T, bool)>>);

impl<T> Clone for Gathered<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Default> Default for Gathered<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Gathered<T> {
    fn lock(&self) -> MutexGuard<'_, (T, bool)> {
        // What is gathered is whole even if a thread ended while it held the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves something to be written. Whether nobody is writing yet, so that the caller has to.
    pub fn leave(&self, add: impl FnOnce(&mut T)) -> bool {
        let (gathered, writing) = &mut *self.lock();
        add(gathered);
        !std::mem::replace(writing, true)
    }

    /// What the writer is to write next. When there is nothing, it is the writer no more.
    pub fn next<R>(&self, take: impl FnOnce(&mut T) -> Option<R>) -> Option<R> {
        let (gathered, writing) = &mut *self.lock();
        let next = take(gathered);
        *writing = next.is_some();
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_for_all_who_come_meanwhile() {
        let gathered = Gathered::<Vec<u32>>::default();
        let take = |waiting: &mut Vec<u32>| (!waiting.is_empty()).then(|| std::mem::take(waiting));
        assert!(gathered.leave(|it| it.push(1)));
        assert_eq!(gathered.next(take), Some(vec![1]));
        let other = gathered.clone();
        assert!(!other.leave(|it| it.push(2)) && !other.leave(|it| it.push(3)));
        assert_eq!(gathered.next(take), Some(vec![2, 3]));
        assert_eq!(gathered.next(take), None);
        assert!(other.leave(|it| it.push(4)));
    }
}
