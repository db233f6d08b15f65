//! Serving on one port, and stopping well: new connections are refused, waits come back early,
//! what is being written is finished.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
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
use crate::{StartError, routes};

/// Connections at once, where nobody says otherwise.
const CONNECTIONS: usize = 10_000;
/// What is read of one connection before it is taken from there: also the most of a request's headers.
const BUFFER: usize = 128 * 1024;
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

/// Where a browser on this machine finds the listener.
pub fn url(listener: &TcpListener) -> io::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) });
    }
    Ok(format!("http://{address}"))
}

/// All routes with this state, as one service.
pub fn service(app: App) -> Router {
    http::service(routes(), app)
}

/// Serves until `closing` says so, then until everything in flight is answered.
pub async fn serve(listener: TcpListener, service: Router, closing: watch::Receiver<bool>) -> io::Result<()> {
    serve_at_most(CONNECTIONS, listener, service, closing).await
}

/// The same with at most so many connections at once.
pub async fn serve_at_most(
    most: usize,
    listener: TcpListener,
    service: Router,
    mut closing: watch::Receiver<bool>,
) -> io::Result<()> {
    let (connections, in_flight) = (Connections::new(most), GracefulShutdown::new());
    let mut often = tokio::time::interval(OFTEN);
    loop {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            _ = often.tick() => connections.close_overdue(),
            stream = accept(&listener, &connections) => connect(stream, service.clone(), &connections, &in_flight),
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
async fn accept(listener: &TcpListener, connections: &Connections) -> TcpStream {
    loop {
        connections.room().await;
        match listener.accept().await {
            Ok((stream, _)) => return stream,
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
fn connect(stream: TcpStream, service: Router, connections: &Connections, in_flight: &GracefulShutdown) {
    // Answers are small and awaited: they leave at once. A socket that cannot do that still works.
    let _ = stream.set_nodelay(true);
    let entry = connections.enter();
    let connection = entry.connection();
    let answer = move |request: Request<Incoming>| {
        let (busy, mut service) = (connection.begin(), service.clone());
        // A router is always ready.
        let response = service.call(request.map(Body::new));
        async move { response.await.map(|response| response.map(|body| Answer { body, busy })) }
    };
    let socket = TokioIo::new(Socket { stream, connection: entry.connection() });
    let served = http1::Builder::new().max_buf_size(BUFFER).serve_connection(socket, service_fn(answer));
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

/// Ends at the first Ctrl-C or SIGTERM.
pub async fn asked_to_stop() -> io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
