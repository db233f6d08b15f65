//! The open connections of one port: how many there may be, and how long each may keep one
//! descriptor without a request.
//!
//! A connection is busy from the end of a request's headers until its response is written. One that
//! is not may be closed: when its headers take too long, when it is idle for too long, and, oldest
//! first, when there is no room for a new one.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// The longest from the first byte of a request to the end of its headers.
const HEADERS: Duration = Duration::from_secs(10);
/// The longest between two requests.
const IDLE: Duration = Duration::from_secs(75);
/// The longest that a client takes nothing of what is written to it.
const STUCK: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Connections(Arc<All>);

struct All {
    most: usize,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    left: Notify,
}

/// One connection, until it is dropped.
pub struct Entry {
    all: Connections,
    number: u64,
    connection: Arc<Connection>,
}

pub struct Connection {
    phase: Mutex<Phase>,
    close: Notify,
}

#[derive(Clone, Copy)]
struct Phase {
    /// Requests that are being answered: one, or none.
    busy: usize,
    /// Since when it is idle, or since the first byte of the next request.
    since: Instant,
    /// Part of a request has come.
    heard: bool,
    /// Since when the client takes nothing.
    stuck: Option<Instant>,
}

impl Phase {
    fn is_overdue(&self, now: Instant) -> bool {
        let since = |at: Instant| now.saturating_duration_since(at);
        let longest = if self.heard { HEADERS } else { IDLE };
        self.stuck.is_some_and(|at| since(at) > STUCK) || (self.busy == 0 && since(self.since) > longest)
    }
}

impl Connections {
    pub fn new(most: usize) -> Self {
        let (open, next, left) = (Mutex::default(), AtomicU64::new(0), Notify::new());
        Self(Arc::new(All { most: most.max(1), open, next, left }))
    }

    pub fn enter(&self) -> Entry {
        let phase = Phase { busy: 0, since: Instant::now(), heard: false, stuck: None };
        let connection = Arc::new(Connection { phase: Mutex::new(phase), close: Notify::new() });
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, connection.clone());
        Entry { all: self.clone(), number, connection }
    }

    /// Ends once there is room for another connection, and makes some if it can.
    pub async fn room(&self) {
        loop {
            let left = self.0.left.notified();
            if self.lock().len() < self.0.most || self.close_oldest() {
                return;
            }
            left.await;
        }
    }

    /// Closes the connection that has been without a request for the longest; `false` if all are busy.
    pub fn close_oldest(&self) -> bool {
        let mut open = self.lock();
        let phases = open.iter().map(|(number, it)| (*it.phase(), *number));
        let waiting = phases.filter(|(phase, _)| phase.busy == 0).map(|(phase, number)| (phase.since, number));
        let oldest = waiting.min();
        let closed = oldest.and_then(|(_, number)| open.remove(&number));
        closed.inspect(|connection| connection.close.notify_one()).is_some()
    }

    /// Closes those that have taken too long.
    pub fn close_overdue(&self) {
        let now = Instant::now();
        self.close_if(|phase| phase.is_overdue(now));
    }

    /// Closes those without a request.
    pub fn close_idle(&self) {
        self.close_if(|phase| phase.busy == 0);
    }

    fn close_if(&self, is_to_go: impl Fn(Phase) -> bool) {
        let open = self.lock();
        open.values().filter(|it| is_to_go(*it.phase())).for_each(|it| it.close.notify_one());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    pub fn connection(&self) -> Arc<Connection> {
        self.connection.clone()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
        self.all.0.left.notify_one();
    }
}

impl Connection {
    /// Ends once the connection is to be closed.
    pub async fn closed(&self) {
        self.close.notified().await;
    }

    /// A request has come; it is being answered until the result is dropped.
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.phase().busy += 1;
        Busy(self.clone())
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) {
        let mut phase = self.phase();
        if phase.busy == 0 && !phase.heard {
            (phase.heard, phase.since) = (true, Instant::now());
        }
    }

    fn wrote<T>(&self, written: &Poll<T>) {
        let mut phase = self.phase();
        phase.stuck = written.is_pending().then(|| phase.stuck.unwrap_or_else(Instant::now));
    }
}

/// A request that is being answered.
pub struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut phase = self.0.phase();
        phase.busy -= 1;
        (phase.heard, phase.since) = (false, Instant::now());
    }
}

/// The body of a response, with whose end its request is answered.
pub struct Answer {
    pub body: Body,
    pub busy: Busy,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection's socket, which says when bytes come and when none can go.
pub struct Socket {
    pub stream: TcpStream,
    pub connection: Arc<Connection>,
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.connection.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.connection.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.connection.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn when_there_is_no_room_the_oldest_without_a_request_goes() {
        let connections = Connections::new(2);
        let (busy, idle) = (connections.enter(), connections.enter());
        let answering = busy.connection().begin();
        connections.room().await;
        idle.connection().closed().await;
        drop(idle);
        let third = connections.enter();
        let _answering_too = third.connection().begin();
        assert!(!connections.close_oldest());
        drop(answering);
        assert!(connections.close_oldest());
    }

    #[test]
    fn headers_have_less_time_than_pauses_and_answers_have_as_long_as_they_take() {
        let since = Instant::now();
        let idle = Phase { busy: 0, since, heard: false, stuck: None };
        let is_overdue = |phase: Phase, seconds| phase.is_overdue(since + Duration::from_secs(seconds));
        assert_eq!([74, 76].map(|after| is_overdue(idle, after)), [false, true]);
        let heard = Phase { heard: true, ..idle };
        assert_eq!([9, 11].map(|after| is_overdue(heard, after)), [false, true]);
        let busy = Phase { busy: 1, ..idle };
        assert!(!is_overdue(busy, 1_000));
        assert!(is_overdue(Phase { stuck: Some(since), ..busy }, 31));
    }
}
