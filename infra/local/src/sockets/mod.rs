//! Socket.IO at `/socket.io/`, namespace `/ws`, over WebSocket: events of the table's stream for agents and people.
//!
//! - `hub`: who watches which channel; it gets the batches of the table's stream, so it makes no difference which
//!   process wrote
//! - `connection`: one connection

mod connection;
mod hub;

use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;
use shared::error::Error;
use shared::http::App;

pub use hub::Hub;

/// How often a connection is pinged, and how long its answer may take.
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a client may take to present a credential.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of one frame from a client.
const MAX_PAYLOAD: usize = 128 * 1024;
/// Bytes that are buffered of a connection between two frames.
const READ_BUFFER_SIZE: usize = 1024;

/// What a client says of the protocol that it speaks.
#[derive(Deserialize)]
struct Protocol {
    #[serde(default, rename = "EIO")]
    version: String,
    #[serde(default)]
    transport: String,
}

/// The route, over the connections of `hub`.
pub fn router(hub: Hub) -> Router<App> {
    Router::new().route("/socket.io/", get(upgrade)).layer(Extension(hub))
}

async fn upgrade(
    State(app): State<App>,
    Extension(hub): Extension<Hub>,
    Query(protocol): Query<Protocol>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    if protocol.version != "4" {
        return Error::field(["EIO".into()], "not_offered", "EIO must be 4").into_response();
    }
    let Ok(upgrade) = upgrade.map_err(drop) else {
        let message = "only transport=websocket is served: set transports: [\"websocket\"]";
        return Error::field(["transport".into()], "not_offered", message).into_response();
    };
    if protocol.transport != "websocket" {
        return Error::field(["transport".into()], "not_offered", "transport must be websocket").into_response();
    }
    upgrade
        .max_message_size(MAX_PAYLOAD)
        .max_frame_size(MAX_PAYLOAD)
        .read_buffer_size(READ_BUFFER_SIZE)
        .write_buffer_size(0)
        .on_upgrade(move |socket| connection::serve(socket, app, hub))
}
