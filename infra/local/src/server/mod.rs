//! The HTTP server of the runner: it serves routes on listeners, limits connections, and stops
//! without dropping requests in flight.
//!
//! - [`listeners`]: binds the port at every address the runner answers on
//! - [`connections`]: how many connections may be open, and how long each may be idle
//! - `socket`: a connection's byte stream and bodies, which report progress to `connections`
//! - [`file_descriptors`]: the process limit that bounds the number of connections
//! - [`peer`]: which local user owns the other end of a connection

pub mod connections;
pub mod file_descriptors;
pub mod listeners;
pub mod peer;
mod socket;

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::middleware::{Next, from_fn, map_request};
use axum::response::IntoResponse;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use plugins::Plugins;
use shared::error::Error;
use shared::http::App;
use shared::models::SourceAddress;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tower::Service;

use crate::routes_with;
use crate::sockets::{self, Hub};
use connections::Connections;
use peer::SocketAddrs;
use socket::{RequestBody, ResponseBody, Socket};

pub use listeners::{bind, bind_all, url};

/// Open connections unless configured.
const DEFAULT_MAX_CONNECTIONS: usize = 10_000;
/// Bytes buffered per connection before they are parsed. It also bounds a request's headers.
const READ_BUFFER_SIZE: usize = 128 * 1024;
/// How often overdue connections are closed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a failed `accept`.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// All routes, with these plugins; sockets get the events that `hub` is given.
pub fn routes(hub: Hub, plugins: &Plugins) -> Router<App> {
    routes_with(plugins).merge(sockets::router(hub))
}

/// The service that knows the address of each caller. Not for one behind a proxy, which has the address of all.
pub fn with_sources(service: Router) -> Router {
    service.layer(map_request(async |mut request: Request<Body>| {
        let connection = request.extensions().get::<ConnectInfo<SocketAddrs>>().copied();
        if let Some(ConnectInfo(addrs)) = connection {
            request.extensions_mut().insert(SourceAddress(addrs.peer.ip()));
        }
        request
    }))
}

/// The paths of calls that end with their callers although they are no reads: MCP and hooks, which are held, and archives,
/// which are of use to their callers only.
const ENDED_BY_CALLERS: [&str; 3] = ["/mcp", "/api/v1/hooks/", "/api/files/bulk-download"];

/// The service whose calls run to their end when their callers hang up, as they do on Lambda: none stops between two
/// writes, or gives back its place in a queue while its work goes on. Reads, calls that are held and archives end with
/// their callers.
pub fn finishing(service: Router) -> Router {
    service.layer(from_fn(async |request: Request<Body>, next: Next| {
        let path = request.uri().path();
        if request.method().is_safe() || ENDED_BY_CALLERS.iter().any(|ended| path.starts_with(ended)) {
            return next.run(request).await;
        }
        let finished = tokio::spawn(next.run(request)).await;
        finished.unwrap_or_else(|err| Error::unavailable(format!("a call ended early: {err}")).into_response())
    }))
}

/// Serves until `closing` becomes true, then until every request in flight is answered. If this is dropped before, so
/// are the requests.
pub async fn serve(listener: TcpListener, service: Router, closing: watch::Receiver<bool>) -> io::Result<()> {
    serve_within(Connections::new(DEFAULT_MAX_CONNECTIONS), listener, service, closing).await
}

/// [`serve`] with a connection limit, which several listeners may share.
pub async fn serve_within(
    connections: Connections,
    listener: TcpListener,
    service: Router,
    mut closing: watch::Receiver<bool>,
) -> io::Result<()> {
    let (in_flight, mut ended) = mpsc::channel(1);
    let of_connections = closing.clone();
    let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            _ = sweep.tick() => connections.close_overdue(),
            (stream, addrs) = accept(&listener, &connections) => {
                let end = ConnectionEnd { closing: of_connections.clone(), in_flight: in_flight.clone() };
                serve_connection(stream, addrs, service.clone(), &connections, end);
            }
        }
    }
    drop(listener);
    connections.close_idle();
    drop(in_flight);
    loop {
        tokio::select! {
            _ = ended.recv() => return Ok(()),
            _ = sweep.tick() => connections.close_overdue(),
        }
    }
}

/// When a connection has to end; while it exists, the server waits for the connection.
struct ConnectionEnd {
    closing: watch::Receiver<bool>,
    in_flight: mpsc::Sender<()>,
}

impl ConnectionEnd {
    /// Completes when the connection has to end after its current response.
    async fn requested(&self) {
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    /// Completes when the server no longer waits for the connection.
    async fn server_ended(&self) {
        self.in_flight.closed().await;
    }
}

/// Accepts the next connection once the limit allows one.
async fn accept(listener: &TcpListener, connections: &Connections) -> (TcpStream, SocketAddrs) {
    loop {
        connections.wait_for_slot().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let local = stream.local_addr().ok();
                return (stream, SocketAddrs { peer, local });
            }
            Err(err) if err.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(err) => {
                // The likely cause is that the process is out of file descriptors.
                tracing::warn!(cause = %err, "a connection could not be accepted");
                connections.close_oldest_idle();
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

/// Answers the requests of one connection in a task of its own.
fn serve_connection(
    stream: TcpStream,
    addrs: SocketAddrs,
    service: Router,
    connections: &Connections,
    end: ConnectionEnd,
) {
    // Responses are small, so they are sent at once. A socket without the option still works.
    let _ = stream.set_nodelay(true);
    let registration = connections.register();
    let connection = registration.connection();
    let answer = move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(addrs));
        let (active, mut service) = (connection.start_request(), service.clone());
        // A router is always ready.
        let response = service.call(request.map(|body| Body::new(RequestBody::new(body, connection.clone()))));
        async move { response.await.map(|response| response.map(|body| ResponseBody::new(body, active))) }
    };
    let socket = TokioIo::new(Socket::new(stream, registration.connection()));
    let served = http1::Builder::new()
        .max_buf_size(READ_BUFFER_SIZE)
        .serve_connection(socket, service_fn(answer))
        .with_upgrades();
    tokio::spawn(async move {
        let connection = registration.connection();
        let mut served = pin!(served);
        tokio::select! {
            // The client has gone, whether or not with an error.
            _ = served.as_mut() => return,
            () = connection.closed() => return,
            () = end.server_ended() => return,
            () = end.requested() => served.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = served => {}
            () = connection.closed() => {}
            () = end.server_ended() => {}
        }
    });
}

/// Completes at the first SIGINT (Ctrl-C) or SIGTERM after this call.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
