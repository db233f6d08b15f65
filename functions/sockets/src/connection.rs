//! Frames to clients.

use futures_util::{StreamExt, stream};
use shared::aws::Reached;
use shared::error::Error;
use shared::http::App;
use shared::ids::UserId;

/// Bytes of a frame to a client: the gateway's messages have at most 128 KB.
pub const MAX_FRAME_BYTES: usize = 100_000;
/// How many clients get an event concurrently.
const MAX_CONCURRENCY: usize = 32;

/// Sends a frame to a client, and removes the connection if the client is gone.
pub async fn send(app: &App, id: &str, frame: &str) -> Result<(), Error> {
    let Some(gateway) = &app.sockets else { return Ok(()) };
    match gateway.send(id, frame).await? {
        Reached::Sent => Ok(()),
        Reached::Gone => app.store.sockets().close(id).await,
    }
}

/// Sends frames to connections of a user. A connection whose client is gone is removed. One whose client may have missed
/// its frame is ended: the client connects again, and reads what it missed.
pub async fn send_all(app: &App, user: UserId, frames: Vec<(String, String)>) {
    let sent = frames.into_iter().map(|(id, frame)| async move {
        if let Err(err) = send_to(app, user, &id, &frame).await {
            tracing::error!(code = err.code(), cause = ?err, "a connection that has missed a frame cannot be removed");
        }
    });
    stream::iter(sent).buffer_unordered(MAX_CONCURRENCY).collect::<()>().await;
}

async fn send_to(app: &App, user: UserId, id: &str, frame: &str) -> Result<(), Error> {
    let Some(gateway) = &app.sockets else { return Ok(()) };
    match gateway.send(id, frame).await {
        Ok(Reached::Sent) => return Ok(()),
        Ok(Reached::Gone) => {}
        Err(err) => {
            tracing::warn!(code = err.code(), cause = ?err, "a connection has missed a frame and is ended");
            // If this fails, too, the gateway ends it once it is idle: no ping is due any more.
            let _ = gateway.disconnect(id).await;
        }
    }
    app.store.sockets().close_of(user, id).await
}
