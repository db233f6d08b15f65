//! The open connections of one port: how many there may be, and how long each may hold a file
//! descriptor without a request.
//!
//! A connection is active from the end of a request's headers until its response is written. An
//! inactive connection is closed when its headers take too long or it is idle for too long. An active
//! one is closed when its client sends nothing of a body that is being read, or accepts nothing of the
//! response, for too long. At the limit, the connection that has been inactive for the longest is
//! closed to admit a new one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The longest time from the first byte of a request to the end of its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time between two requests.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// The longest time that a client may send nothing of a body that is being read. Most routes have a shorter one.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest time that a client may accept no bytes of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The open connections of one or more listeners.
#[derive(Clone)]
pub struct Connections(Arc<Pool>);

struct Pool {
    max: usize,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next_id: AtomicU64,
    /// Notified when a connection ends.
    released: Notify,
}

/// Counts a connection as open until it is dropped.
pub struct Registration {
    connections: Connections,
    id: u64,
    connection: Arc<Connection>,
}

/// The activity of one connection.
pub struct Connection {
    activity: Mutex<Activity>,
    close: Notify,
}

#[derive(Clone, Copy)]
struct Activity {
    /// Requests that are being answered: zero or one.
    active_requests: usize,
    /// When the connection became idle, or when the first byte of the next request arrived.
    since: Instant,
    /// Whether part of the next request has arrived.
    has_partial_request: bool,
    /// Whether the body of the latest request has been read to its end.
    has_read_body: bool,
    /// Since when the request's reader has waited for more of its body.
    waits_for_body_since: Option<Instant>,
    /// Since when the client has accepted no bytes.
    blocked_since: Option<Instant>,
}

impl Activity {
    fn new(since: Instant) -> Self {
        Self {
            active_requests: 0,
            since,
            has_partial_request: false,
            has_read_body: true,
            waits_for_body_since: None,
            blocked_since: None,
        }
    }

    fn is_active(&self) -> bool {
        self.active_requests > 0
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let exceeds = |timeout: Duration, since: Instant| now.saturating_duration_since(since) > timeout;
        let timeout = if self.has_partial_request { HEADER_TIMEOUT } else { IDLE_TIMEOUT };
        self.blocked_since.is_some_and(|since| exceeds(WRITE_TIMEOUT, since))
            || self.waits_for_body_since.is_some_and(|since| exceeds(BODY_TIMEOUT, since))
            || (!self.is_active() && exceeds(timeout, self.since))
    }
}

impl Connections {
    /// Allows `max` open connections, and always at least one.
    pub fn new(max: usize) -> Self {
        let (open, next_id, released) = (Mutex::default(), AtomicU64::new(0), Notify::new());
        Self(Arc::new(Pool { max: max.max(1), open, next_id, released }))
    }

    /// Adds a connection.
    pub fn register(&self) -> Registration {
        let activity = Mutex::new(Activity::new(Instant::now()));
        let connection = Arc::new(Connection { activity, close: Notify::new() });
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, connection.clone());
        Registration { connections: self.clone(), id, connection }
    }

    /// Waits until another connection may be opened. At the limit it closes an inactive one.
    pub async fn wait_for_slot(&self) {
        loop {
            let released = self.0.released.notified();
            if self.lock().len() < self.0.max || self.close_oldest_idle() {
                return;
            }
            released.await;
        }
    }

    /// Closes the connection that has been inactive for the longest; `false` if all are active.
    pub fn close_oldest_idle(&self) -> bool {
        let mut open = self.lock();
        let activities = open.iter().map(|(id, it)| (*it.activity(), *id));
        let idle = activities.filter(|(activity, _)| !activity.is_active()).map(|(activity, id)| (activity.since, id));
        let oldest = idle.min();
        let closed = oldest.and_then(|(_, id)| open.remove(&id));
        closed.inspect(|connection| connection.close.notify_one()).is_some()
    }

    /// Closes the connections that exceed a timeout.
    pub fn close_overdue(&self) {
        let now = Instant::now();
        self.close_if(|activity| activity.is_overdue(now));
    }

    /// Closes the connections without a request.
    pub fn close_idle(&self) {
        self.close_if(|activity| !activity.is_active());
    }

    fn close_if(&self, is_closable: impl Fn(Activity) -> bool) {
        let open = self.lock();
        open.values().filter(|it| is_closable(*it.activity())).for_each(|it| it.close.notify_one());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    /// The registered connection.
    pub fn connection(&self) -> Arc<Connection> {
        self.connection.clone()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
        self.connections.0.released.notify_one();
    }
}

impl Connection {
    /// Completes when the connection has to be closed.
    pub async fn closed(&self) {
        self.close.notified().await;
    }

    /// Marks a request as being answered until the guard is dropped.
    pub fn start_request(self: &Arc<Self>) -> ActiveRequest {
        self.activity().active_requests += 1;
        ActiveRequest(self.clone())
    }

    /// Records that bytes arrived.
    pub fn record_read(&self) {
        let mut activity = self.activity();
        if !activity.is_active() && !activity.has_partial_request {
            (activity.has_partial_request, activity.since) = (true, Instant::now());
        }
    }

    /// Records whether a request's body has been read to its end.
    pub fn record_body(&self, is_read: bool) {
        self.activity().has_read_body = is_read;
    }

    /// Whether the body of the latest request has been read to its end.
    pub fn has_read_body(&self) -> bool {
        self.activity().has_read_body
    }

    /// Records whether a request waits for more of its body.
    pub fn record_body_wait(&self, is_waiting: bool) {
        let mut activity = self.activity();
        activity.waits_for_body_since = is_waiting.then(|| activity.waits_for_body_since.unwrap_or_else(Instant::now));
    }

    /// Records whether the client accepted bytes.
    pub fn record_write<T>(&self, written: &Poll<T>) {
        let mut activity = self.activity();
        activity.blocked_since = written.is_pending().then(|| activity.blocked_since.unwrap_or_else(Instant::now));
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks its connection as active.
pub struct ActiveRequest(Arc<Connection>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let mut activity = self.0.activity();
        activity.active_requests -= 1;
        (activity.has_partial_request, activity.since) = (false, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn at_the_limit_the_oldest_inactive_connection_is_closed() {
        let connections = Connections::new(2);
        let (active, idle) = (connections.register(), connections.register());
        let request = active.connection().start_request();
        connections.wait_for_slot().await;
        idle.connection().closed().await;
        drop(idle);
        let third = connections.register();
        let _other_request = third.connection().start_request();
        assert!(!connections.close_oldest_idle());
        drop(request);
        assert!(connections.close_oldest_idle());
    }

    #[test]
    fn active_requests_end_only_if_their_client_does_nothing_and_headers_have_the_shortest_timeout() {
        let since = Instant::now();
        let idle = Activity::new(since);
        let is_overdue = |activity: Activity, seconds| activity.is_overdue(since + Duration::from_secs(seconds));
        assert_eq!([74, 76].map(|after| is_overdue(idle, after)), [false, true]);
        let partial = Activity { has_partial_request: true, ..idle };
        assert_eq!([9, 11].map(|after| is_overdue(partial, after)), [false, true]);
        let active = Activity { active_requests: 1, ..idle };
        assert!(!is_overdue(active, 1_000));
        let unwritten = Activity { blocked_since: Some(since), ..active };
        assert_eq!([29, 31].map(|after| is_overdue(unwritten, after)), [false, true]);
        let unread = Activity { waits_for_body_since: Some(since), ..active };
        assert_eq!([59, 61].map(|after| is_overdue(unread, after)), [false, true]);
    }
}
