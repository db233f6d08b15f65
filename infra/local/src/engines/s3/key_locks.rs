//! Locks that serialize the writes to each key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

type Lock = tokio::sync::Mutex<()>;

/// The locks of the keys that have a running or waiting write.
#[derive(Default)]
pub struct KeyLocks(Mutex<HashMap<(String, String), Weak<Lock>>>);

impl KeyLocks {
    /// Waits until no other write to this key is running, and holds the lock until the guard is
    /// dropped.
    pub async fn lock(&self, bucket: &str, key: &str) -> OwnedMutexGuard<()> {
        self.lock_of(bucket, key).lock_owned().await
    }

    fn lock_of(&self, bucket: &str, key: &str) -> Arc<Lock> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        let slot = locks.entry((bucket.to_owned(), key.to_owned())).or_default();
        slot.upgrade().unwrap_or_else(|| {
            let lock = Arc::new(Lock::default());
            *slot = Arc::downgrade(&lock);
            lock
        })
    }
}
