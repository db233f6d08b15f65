//! A client of the WebSocket API is pinged as long as its connection and its credential are good. Without connections
//! nothing is due, so pings cost nothing.

use shared::aws::Reached;
use shared::caller::Caller;
use shared::error::Error;
use shared::http::App;
use shared::socket_io::{self, frames};
use shared::storage::Socket;

/// Pings the client of a connection, or ends the connection.
pub async fn run(app: &App, id: &str) -> Result<(), Error> {
    let sockets = app.store.sockets();
    let Some(gateway) = &app.sockets else { return app.end_socket(id).await };
    let is_good = match sockets.find(id).await? {
        Socket::Ended => return Ok(()),
        Socket::Anonymous => false,
        Socket::Of(caller) => !has_ended(app, &caller).await?,
    };
    if !is_good {
        return app.end_socket(id).await;
    }
    match gateway.send(id, frames::PING).await? {
        Reached::Sent => sockets.pinged(id).await.map(drop),
        Reached::Gone => sockets.close(id).await,
    }
}

async fn has_ended(app: &App, caller: &Caller) -> Result<bool, Error> {
    match socket_io::authenticate(&app.store, caller).await {
        Ok(_) => Ok(false),
        Err(err) if socket_io::is_refused(&err) => Ok(true),
        Err(err) => Err(err),
    }
}
