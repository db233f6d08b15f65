//! The memory that request bodies take. A small body is read before its sender is authenticated, which
//! happens in the storage call that the route makes anyway. A large one is read after its sender is
//! authenticated, within a share of memory for all large bodies.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::turns;
use crate::error::Error;

/// The most bytes that are read before the sender is authenticated.
pub const MAX_SMALL: usize = 64 * 1024;
/// The limit of a body without a credential (a sign-in), in bytes.
pub const MAX_ANONYMOUS: usize = 16 * 1024;
/// The longest time a large body queues for memory.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many large JSON bodies are parsed at once; parsing is CPU-bound.
const MAX_PARSING: usize = 2;
/// The unit that memory is counted in.
const KIB: usize = 1024;

/// The memory that request bodies share. Clones share it.
#[derive(Clone, Debug)]
pub struct Bodies {
    /// A quarter of the memory, for small bodies of senders who are not authenticated yet.
    small: Arc<Semaphore>,
    /// The rest, for large bodies of authenticated senders.
    large: Arc<Semaphore>,
    total: usize,
    parsing: Arc<Semaphore>,
    queue_timeout: Duration,
}

/// The memory of one small body, released when dropped.
pub struct Share {
    pool: Arc<Semaphore>,
    permits: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    /// A share of `memory` bytes.
    pub fn new(memory: usize) -> Self {
        let small = memory / 4 / KIB;
        let total = (memory / KIB).saturating_sub(small).max(1);
        Self {
            small: Arc::new(Semaphore::new(small)),
            large: Arc::new(Semaphore::new(total)),
            total,
            parsing: Arc::new(Semaphore::new(MAX_PARSING)),
            queue_timeout: QUEUE_TIMEOUT,
        }
    }

    /// Memory for a small body, which is taken as it arrives.
    pub fn small(&self) -> Share {
        Share { pool: self.small.clone(), permits: None }
    }

    /// Reserves memory for a large body until the current request ends. It queues behind the user's own
    /// large bodies first, then behind those of all users.
    pub async fn reserve(&self, bytes: usize) -> Result<(), Error> {
        let units = u32::try_from(bytes.div_ceil(KIB).min(self.total)).unwrap_or(u32::MAX);
        let mut kept = vec![];
        let taken = async {
            if let Some(own) = turns::large_bodies() {
                kept.extend(own.acquire_owned().await.ok());
            }
            kept.extend(self.large.clone().acquire_many_owned(units).await.ok());
        };
        let taken = tokio::time::timeout(self.queue_timeout, taken).await;
        taken.map_err(|_| Error::too_many("Too many large bodies at once", Duration::from_secs(5)))?;
        turns::keep(kept);
        Ok(())
    }

    /// Waits for the turn to parse a large body.
    pub async fn parsing(&self) -> Option<OwnedSemaphorePermit> {
        self.parsing.clone().acquire_owned().await.ok()
    }
}

impl Share {
    /// Grows to `bytes` in all; `false` when no memory is left.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let held = self.permits.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(more @ 1..) = u32::try_from(bytes.div_ceil(KIB).saturating_sub(held)) else { return true };
        let Ok(taken) = self.pool.clone().try_acquire_many_owned(more) else { return false };
        match &mut self.permits {
            Some(permits) => permits.merge(taken),
            none => *none = Some(taken),
        }
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in tests a panic is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_share_a_quarter_of_the_memory_and_give_it_back() {
        let bodies = Bodies::new(400 * KIB);
        let (mut first, mut second) = (bodies.small(), bodies.small());
        assert!(first.grow(1) && first.grow(60 * KIB) && second.grow(40 * KIB));
        assert!(!second.grow(40 * KIB + 1) && first.grow(2));
        drop(first);
        assert!(second.grow(100 * KIB) && !second.grow(101 * KIB));
    }

    #[tokio::test]
    async fn a_large_body_queues_for_memory_and_is_refused_in_the_end() {
        let bodies = Bodies { queue_timeout: Duration::from_millis(20), ..Bodies::new(4 * KIB) };
        let held = bodies.large.clone().acquire_many_owned(3).await;
        let refused = bodies.reserve(100 * KIB).await.err();
        assert_eq!(refused.map(|err| (err.code(), err.retry_after())), Some(("too_many_requests", Some(5))));
        drop(held);
        bodies.reserve(100 * KIB).await.unwrap();
    }
}
