//! One write per key at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

type Lock = tokio::sync::Mutex<()>;

/// The keys that are being written, or that someone waits to write.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<(String, String), Weak<Lock>>>);

impl Turns {
    /// Waits until no other write to this key is under way. The turn ends when the guard is dropped.
    pub async fn take(&self, bucket: &str, key: &str) -> OwnedMutexGuard<()> {
        self.lock(bucket, key).lock_owned().await
    }

    fn lock(&self, bucket: &str, key: &str) -> Arc<Lock> {
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
