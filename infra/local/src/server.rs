//! Serving on one port, and stopping well: new connections are refused, waits come back early,
//! what is being written is finished.

use std::io;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt;
use shared::app::App;
use shared::http;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::{StartError, routes};

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
pub async fn serve(listener: TcpListener, service: Router, mut closing: watch::Receiver<bool>) -> io::Result<()> {
    // Answers are small and awaited: they leave at once. A socket that cannot do that still works.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let closed = async move {
        let _ = closing.wait_for(|closing| *closing).await;
    };
    axum::serve(listener, service).with_graceful_shutdown(closed).await
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
