//! Serving on one port, and stopping well: new connections are refused, waits come back early,
//! what is being written is finished.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use shared::app::App;
use shared::http;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tower::Service;

use crate::connections::{Answer, Connections, Socket};
use crate::peer::Ends;
use crate::{StartError, routes};

/// Connections at once, where nobody says otherwise.
const CONNECTIONS: usize = 10_000;
/// How often connections are looked after.
const OFTEN: Duration = Duration::from_secs(1);

/// Opens the port, or says what stands in the way.
pub async fn bind(host: IpAddr, port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind(SocketAddr::new(host, port)).await.map_err(|err| match err.kind() {
        io::ErrorKind::AddrInUse => StartError::told(format!(
            "Port {port} on {host} is in use: stop the program that uses it, or choose another with --port."
        )),
        io::ErrorKind::PermissionDenied => {
            StartError::told(format!("Port {port} may not be opened by this user: choose one above 1023 with --port."))
        }
        _ => StartError::told(format!("Port {port} on {host} cannot be opened: {err}.")),
    })
}

/// The listeners of a runner: at `host`, and on both of this machine's loopback addresses, since
/// browsers take the inbox's name to either. A port that somebody else had there would be given
/// people's cookies.
pub async fn bind_all(host: IpAddr, port: u16) -> Result<Vec<TcpListener>, StartError> {
    const TRIES: u32 = 20;
    for _ in 1..TRIES {
        match bind_each(host, port).await {
            // The port that was free at the one address was not at the other.
            Err(_) if port == 0 => {}
            bound => return bound,
        }
    }
    bind_each(host, port).await
}

async fn bind_each(host: IpAddr, port: u16) -> Result<Vec<TcpListener>, StartError> {
    let first = bind(host, port).await?;
    let port = first.local_addr().map_err(|err| StartError::told(err.to_string()))?.port();
    let mut listeners = vec![first];
    for loopback in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let is_covered = host == loopback || (host.is_unspecified() && (host.is_ipv6() || loopback.is_ipv4()));
        if !is_covered && exists(loopback).await {
            listeners.push(bind(loopback, port).await?);
        }
    }
    Ok(listeners)
}

/// Whether this machine has the address: IPv6 may be switched off.
async fn exists(address: IpAddr) -> bool {
    TcpListener::bind((address, 0)).await.is_ok()
}

/// Where a browser on this machine finds the listener.
pub fn url(listener: &TcpListener) -> io::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) });
    }
    Ok(format!("http://{address}"))
}

/// The URL of the first listener, and the port of all.
pub fn address(listeners: &[TcpListener]) -> Result<(String, u16), StartError> {
    let lost = |err: &dyn std::fmt::Display| StartError::told(format!("A port got lost: {err}."));
    let first = listeners.first().ok_or_else(|| lost(&"there is none"))?;
    let port = first.local_addr().map_err(|err| lost(&err))?.port();
    Ok((url(first).map_err(|err| lost(&err))?, port))
}

/// All routes with this state, as one service.
pub fn service(app: App) -> Router {
    http::service(routes(), app)
}

/// Serves until `closing` says so, then until everything in flight is answered.
pub async fn serve(listener: TcpListener, service: Router, closing: watch::Receiver<bool>) -> io::Result<()> {
    serve_within(Connections::new(CONNECTIONS), listener, service, closing).await
}

/// The same within a number of connections, which several listeners may share.
pub async fn serve_within(
    connections: Connections,
    listener: TcpListener,
    service: Router,
    mut closing: watch::Receiver<bool>,
) -> io::Result<()> {
    let in_flight = GracefulShutdown::new();
    let mut often = tokio::time::interval(OFTEN);
    loop {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            _ = often.tick() => connections.close_overdue(),
            (stream, ends) = accept(&listener, &connections) => {
                connect(stream, ends, service.clone(), &connections, &in_flight);
            }
        }
    }
    drop(listener);
    connections.close_idle();
    let mut ended = std::pin::pin!(in_flight.shutdown());
    loop {
        tokio::select! {
            () = &mut ended => return Ok(()),
            _ = often.tick() => connections.close_overdue(),
        }
    }
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, connections: &Connections) -> (TcpStream, Ends) {
    loop {
        connections.room().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let local = stream.local_addr().ok();
                return (stream, Ends { peer, local });
            }
            Err(err) if err.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(err) => {
                // Most likely there are no descriptors left.
                tracing::warn!(cause = %err, "a connection could not be taken");
                connections.close_oldest();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Answers the requests of a connection.
fn connect(stream: TcpStream, ends: Ends, service: Router, connections: &Connections, in_flight: &GracefulShutdown) {
    // Answers are small and awaited: they leave at once. A socket that cannot do that still works.
    let _ = stream.set_nodelay(true);
    let entry = connections.enter();
    let connection = entry.connection();
    let answer = move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(ends));
        let (busy, mut service) = (connection.begin(), service.clone());
        // A router is always ready.
        let response = service.call(request.map(Body::new));
        async move { response.await.map(|response| response.map(|body| Answer { body, busy })) }
    };
    let socket = TokioIo::new(Socket { stream, connection: entry.connection() });
    let served = http1::Builder::new().serve_connection(socket, service_fn(answer));
    let served = in_flight.watch(served);
    tokio::spawn(async move {
        let closed = entry.connection();
        tokio::select! {
            // Whatever ended it, the client has gone.
            _ = served => {}
            () = closed.closed() => {}
        }
    });
}

/// Ends at the first Ctrl-C or SIGTERM from now on.
pub fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
