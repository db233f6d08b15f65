//! The memory that request bodies take. A small body is read before its sender is verified, which
//! happens in the same call that fetches what the route needs. A large one is read once its sender
//! is known, within a share that all of them have together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::turns;
use crate::error::Error;

/// The most that is read of a body whose sender is not verified.
pub const SMALL: usize = 64 * 1024;
/// The most of a body that comes without any credential: a sign-in.
pub const ANONYMOUS: usize = 16 * 1024;
/// The longest that a large body queues for memory.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many large JSON bodies are parsed at once: that is all computing.
const PARSING: usize = 2;
/// The unit that memory is counted in.
const KIB: usize = 1024;

/// The memory that request bodies share. Clones share it.
#[derive(Clone, Debug)]
pub struct Bodies {
    /// A quarter of the memory, for small bodies of senders who are not verified.
    small: Arc<Semaphore>,
    /// The other three, for large ones of those who are.
    large: Arc<Semaphore>,
    total: usize,
    parsing: Arc<Semaphore>,
}

/// What one small body takes, until it is dropped.
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
            parsing: Arc::new(Semaphore::new(PARSING)),
        }
    }

    /// Memory for a small body, which is taken as it arrives.
    pub fn small(&self) -> Share {
        Share { pool: self.small.clone(), permits: None }
    }

    /// Keeps memory for a large body of this many bytes until the current request ends, once there
    /// is some: behind the user's own large bodies first, then behind those of all.
    pub async fn keep(&self, bytes: usize) -> Result<(), Error> {
        self.keep_within(PATIENCE, bytes).await
    }

    async fn keep_within(&self, patience: Duration, bytes: usize) -> Result<(), Error> {
        let units = u32::try_from(bytes.div_ceil(KIB).min(self.total)).unwrap_or(u32::MAX);
        let mut kept = vec![];
        let taken = async {
            if let Some(own) = turns::large_bodies() {
                kept.extend(own.acquire_owned().await.ok());
            }
            kept.extend(self.large.clone().acquire_many_owned(units).await.ok());
        };
        let taken = tokio::time::timeout(patience, taken).await;
        taken.map_err(|_| Error::too_many("Too many large bodies at once", Duration::from_secs(5)))?;
        turns::keep(kept);
        Ok(())
    }

    /// A turn of parsing a large body.
    pub async fn parsing(&self) -> Option<OwnedSemaphorePermit> {
        self.parsing.clone().acquire_owned().await.ok()
    }
}

impl Share {
    /// Takes memory for so many bytes in all; `false` when there is none left.
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
        let bodies = Bodies::new(4 * KIB);
        let held = bodies.large.clone().acquire_many_owned(3).await;
        let refused = bodies.keep_within(Duration::from_millis(20), 100 * KIB).await.err();
        assert_eq!(refused.map(|err| (err.code(), err.retry_after())), Some(("too_many_requests", Some(5))));
        drop(held);
        bodies.keep(100 * KIB).await.unwrap();
    }
}
