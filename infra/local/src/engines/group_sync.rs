//! One sync of the database's log for all writes that ended since the last one.
//!
//! The engine commits to the log without a sync. Here each response waits until every write that it may show is on the
//! disk: its own, and those that it may have read. So what a response said survives a power cut, and writes that run at
//! the same time share one sync.
//!
//! The response is the engine's own, or, of calls within [`GroupSync::once`], that of a whole request: only what leaves
//! the process has to be on the disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedMutexGuard, watch};

tokio::task_local! {
    /// Within [`GroupSync::once`].
    static IS_DEFERRED: ();
}

/// The syncs of one database. Clones share them.
#[derive(Clone)]
pub struct GroupSync(Arc<Log>);

struct Log {
    file: File,
    writes: Mutex<Writes>,
    /// The last write before which all have ended.
    ended: watch::Sender<u64>,
    /// How many syncs there were; locked during one.
    syncs: Arc<tokio::sync::Mutex<u64>>,
    /// The last write before which all are on the disk.
    synced_to: AtomicU64,
    has_failed: AtomicBool,
}

/// Writes are numbered in the order in which they begin.
#[derive(Default)]
struct Writes {
    begun: u64,
    running: BTreeSet<u64>,
}

/// A write that runs. It has ended when this is dropped.
pub struct RunningWrite {
    log: Arc<Log>,
    number: u64,
}

impl GroupSync {
    /// The syncs of the log of a database that is open. Makes the log's name in its directory durable.
    pub fn open(database: &Path) -> io::Result<Self> {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        if let Some(dir) = database.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(Self::of(File::open(log)?))
    }

    fn of(file: File) -> Self {
        Self(Arc::new(Log {
            file,
            writes: Mutex::default(),
            ended: watch::channel(0).0,
            syncs: Arc::default(),
            synced_to: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        }))
    }

    /// Announces a write, before it begins.
    pub fn begin_write(&self) -> RunningWrite {
        let mut writes = self.0.writes();
        writes.begun += 1;
        let number = writes.begun;
        writes.running.insert(number);
        RunningWrite { log: self.0.clone(), number }
    }

    /// Runs a request, of whose calls none waits for a sync, and then waits for one.
    pub async fn once<T>(&self, request: impl Future<Output = T>) -> io::Result<T> {
        let response = IS_DEFERRED.scope((), request).await;
        self.complete().await.map(|()| response)
    }

    /// Waits for a sync, unless the request that runs here waits for one at its end.
    pub async fn complete_unless_deferred(&self) -> io::Result<()> {
        match IS_DEFERRED.try_with(|()| ()) {
            Ok(()) => Ok(()),
            Err(_) => self.complete().await,
        }
    }

    /// Completes once all writes that have begun are on the disk. After a failed sync it is unknown which of them are, so
    /// all later calls fail, too.
    pub async fn complete(&self) -> io::Result<()> {
        let log = &self.0;
        let wanted = log.writes().begun;
        if log.is_synced(wanted) {
            return log.check();
        }
        // The sender lives as long as this.
        let _ = log.ended.subscribe().wait_for(|ended| *ended >= wanted).await;
        let syncs = log.syncs.clone().lock_owned().await;
        if log.is_synced(wanted) {
            return log.check();
        }
        log.check()?;
        let syncing = log.clone();
        let result = tokio::task::spawn_blocking(move || syncing.sync(syncs)).await;
        result.unwrap_or_else(|err| Err(io::Error::other(err)))
    }
}

impl Log {
    /// Syncs the log and records the result, also of a caller that has gone: the system reports a failed write once.
    fn sync(&self, mut syncs: OwnedMutexGuard<u64>) -> io::Result<()> {
        let ended = *self.ended.borrow();
        let result = self.file.sync_data();
        *syncs += 1;
        match &result {
            Ok(()) => self.synced_to.store(ended, Ordering::Release),
            Err(_) => self.has_failed.store(true, Ordering::Release),
        }
        result
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        // The numbers are whole even if a thread ended while it held them.
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_synced(&self, write: u64) -> bool {
        self.synced_to.load(Ordering::Acquire) >= write
    }

    fn check(&self) -> io::Result<()> {
        match self.has_failed.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(io::Error::other("an earlier sync of the database's log failed")),
        }
    }
}

impl Drop for RunningWrite {
    fn drop(&mut self) {
        let mut writes = self.log.writes();
        writes.running.remove(&self.number);
        let ended = writes.running.first().map_or(writes.begun, |first| first - 1);
        // Under the lock, so that the number never goes back.
        self.log.ended.send_replace(ended);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "in tests a panic is a failure")]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::join_all;
    use futures_util::poll;

    use super::*;

    fn log() -> GroupSync {
        GroupSync::of(tempfile::tempfile().unwrap())
    }

    #[tokio::test]
    async fn writes_that_ended_together_share_a_sync_and_reads_need_none() {
        let log = log();
        log.complete().await.unwrap();
        assert_eq!(*log.0.syncs.lock().await, 0);
        let written = (0..100).map(|_| async {
            drop(log.begin_write());
            log.complete().await
        });
        assert!(join_all(written).await.iter().all(Result::is_ok));
        // The first leads one sync, and all others that have ended meanwhile the next.
        assert!((1..=3).contains(&*log.0.syncs.lock().await));
        assert!(log.0.is_synced(100));
    }

    #[tokio::test]
    async fn a_response_waits_for_the_writes_that_it_may_have_read() {
        let log = log();
        let running = log.begin_write();
        let mut read = std::pin::pin!(log.complete());
        assert!(poll!(&mut read).is_pending());
        // A later write that has ended changes nothing.
        drop(log.begin_write());
        assert!(poll!(&mut read).is_pending());
        drop(running);
        read.await.unwrap();
        assert!(log.0.is_synced(1));
    }

    #[tokio::test]
    async fn the_writes_of_a_request_share_a_sync_at_its_end() {
        let log = log();
        let request = log.once(async {
            for _ in 0..3 {
                drop(log.begin_write());
                log.complete_unless_deferred().await.unwrap();
            }
            *log.0.syncs.lock().await
        });
        assert_eq!(request.await.unwrap(), 0);
        assert!(log.0.is_synced(3));
        drop(log.begin_write());
        log.complete_unless_deferred().await.unwrap();
        assert_eq!(*log.0.syncs.lock().await, 2);
    }

    /// A log of which no sync succeeds: a pipe cannot be synced.
    fn failing_log() -> GroupSync {
        let (read, _write) = io::pipe().unwrap();
        GroupSync::of(std::os::fd::OwnedFd::from(read).into())
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_nothing_is_answered() {
        let log = failing_log();
        log.complete().await.unwrap();
        drop(log.begin_write());
        assert!(log.complete().await.is_err());
        assert!(log.complete().await.is_err());
    }

    #[test]
    fn a_failed_sync_is_recorded_although_its_caller_has_gone() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let log = failing_log();
            drop(log.begin_write());
            // The only thread for syncs is taken until the caller has gone.
            let (gone, has_gone) = mpsc::channel();
            let taken = tokio::task::spawn_blocking(move || has_gone.recv());
            {
                let mut abandoned = std::pin::pin!(log.complete());
                assert!(poll!(&mut abandoned).is_pending());
            }
            gone.send(()).unwrap();
            taken.await.unwrap().unwrap();
            // Free once the sync has ended.
            assert_eq!(*log.0.syncs.lock().await, 1);
            assert!(log.0.check().is_err());
        });
    }
}
