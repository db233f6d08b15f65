//! What the gateway says of one connection.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::caller::Caller;
use shared::error::Error;
use shared::http::App;
use shared::ids::AgentId;
use shared::socket_io::frames::{self, Frame};
use shared::socket_io::{self, MAX_CONNECTIONS_OF_USER};
use shared::storage::Socket;

use crate::connection;

/// Bytes of a frame from a client: the gateway takes no longer ones.
pub const MAX_CLIENT_FRAME_BYTES: usize = 32 * 1024;
const UNAVAILABLE: &str = "unavailable";

/// An event of the WebSocket API.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayEvent {
    request_context: RequestContext,
    #[serde(default)]
    query_string_parameters: Option<HashMap<String, String>>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    event_type: EventType,
    connection_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum EventType {
    Connect,
    Message,
    Disconnect,
}

/// Handles an event; the status decides whether a connection is accepted.
pub async fn handle(app: &App, event: GatewayEvent) -> u16 {
    let id = &event.request_context.connection_id;
    let handled = match event.request_context.event_type {
        EventType::Connect if !speaks_protocol(&event) => return 400,
        // The first frame can be sent once this has returned: the stream shows that the item is there.
        EventType::Connect => app.store.sockets().create(id).await,
        EventType::Disconnect => app.store.sockets().close(id).await,
        EventType::Message => message_or_end(app, id, event.body.as_deref().unwrap_or_default()).await,
    };
    match handled {
        Ok(()) => 200,
        Err(err) => {
            tracing::warn!(code = err.code(), cause = ?err, "an event of a connection failed");
            err.status().as_u16()
        }
    }
}

/// Handles a frame. A client whose frame cannot be handled is disconnected: it connects and subscribes again, rather than
/// wait for events that never come.
async fn message_or_end(app: &App, id: &str, text: &str) -> Result<(), Error> {
    let Err(err) = message(app, id, text).await else { return Ok(()) };
    tracing::warn!(code = err.code(), cause = ?err, "a frame failed: its connection is ended");
    app.end_socket(id).await
}

fn speaks_protocol(event: &GatewayEvent) -> bool {
    let parameter = |name: &str| event.query_string_parameters.as_ref()?.get(name).map(String::as_str);
    parameter("EIO") == Some("4") && parameter("transport") == Some("websocket")
}

async fn message(app: &App, id: &str, text: &str) -> Result<(), Error> {
    match frames::parse(text) {
        Some(Frame::Connect { namespace: frames::NAMESPACE, payload }) => {
            let answer = match connect(app, id, payload).await {
                Ok(()) => frames::connected(&frames::new_id()),
                Err(reason) => frames::refused(frames::NAMESPACE, reason),
            };
            connection::send(app, id, &answer).await
        }
        Some(Frame::Connect { namespace, .. }) if frames::is_plain(namespace) => {
            connection::send(app, id, &frames::refused(namespace, "Invalid namespace")).await
        }
        Some(Frame::Event { namespace: frames::NAMESPACE, payload }) => match frames::event_of(payload) {
            Some((name, argument)) => client_event(app, id, &name, argument).await,
            None => app.end_socket(id).await,
        },
        Some(Frame::Ping(data)) => connection::send(app, id, &frames::pong(data)).await,
        Some(Frame::Pong | Frame::Other | Frame::Event { .. }) => Ok(()),
        Some(Frame::Close | Frame::Disconnect | Frame::Connect { .. }) | None => app.end_socket(id).await,
    }
}

async fn connect(app: &App, id: &str, payload: &str) -> Result<(), &'static str> {
    let (caller, user) = socket_io::sign_in(&app.store, payload).await?;
    let sockets = app.store.sockets();
    if sockets.count(user).await.map_err(|_| UNAVAILABLE)? >= MAX_CONNECTIONS_OF_USER {
        return Err("too many connections");
    }
    if !sockets.join(id, user, &caller).await.map_err(|_| UNAVAILABLE)? {
        return Err("connected already");
    }
    // What ended while the connection was added was not seen in the stream.
    match socket_io::authenticate(&app.store, &caller).await {
        Ok(_) => Ok(()),
        Err(err) => {
            sockets.close(id).await.map_err(|_| UNAVAILABLE)?;
            Err(if socket_io::is_refused(&err) { "unauthorized" } else { UNAVAILABLE })
        }
    }
}

async fn client_event(app: &App, id: &str, name: &str, argument: Option<Box<RawValue>>) -> Result<(), Error> {
    // A client without a credential gets no answer.
    let Socket::Of(caller) = app.store.sockets().find(id).await? else { return Ok(()) };
    let channel = argument.as_deref().and_then(socket_io::channel_id);
    match (name, channel, argument) {
        ("ping", ..) => connection::send(app, id, &frames::pong_event()).await,
        ("subscribe:channel", Some(channel), _) => subscribe(app, id, &caller, channel).await,
        ("unsubscribe:channel", Some(channel), _) => {
            let user = socket_io::authenticate(&app.store, &caller).await?;
            app.store.sockets().unsubscribe(id, user, channel).await
        }
        ("channel:read", Some(channel), _) => mark_read(app, caller, channel).await,
        (name, _, Some(data)) if socket_io::is_relayed(name) => relay(app, id, caller, name, &data).await,
        _ => Ok(()),
    }
}

/// A foreign channel gives no answer, as Placet's clients expect.
async fn subscribe(app: &App, id: &str, caller: &Caller, channel: AgentId) -> Result<(), Error> {
    match socket_io::open_channel(&app.store, caller.clone().reading(), channel).await? {
        Some(opened) => app.store.sockets().subscribe(id, opened.owner(), channel, caller).await,
        None => Ok(()),
    }
}

async fn mark_read(app: &App, caller: Caller, channel: AgentId) -> Result<(), Error> {
    if matches!(caller, Caller::Human(_))
        && let Some(channel) = socket_io::open_channel(&app.store, caller, channel).await?
    {
        app.store.agents().mark_read(&channel).await?;
    }
    Ok(())
}

/// Sends an event of a client to the others that watch the channel, if the channel is the client's own.
async fn relay(app: &App, id: &str, caller: Caller, name: &str, data: &RawValue) -> Result<(), Error> {
    let channel = socket_io::channel_of_relayed(data);
    let Some(opened) = socket_io::open_channel(&app.store, caller, channel).await? else { return Ok(()) };
    let (user, frame) = (opened.owner(), frames::event(name, data.get()));
    let watchers = app.store.sockets().watchers(user, channel).await?;
    let others = watchers.into_iter().filter(|watcher| watcher.connection != id);
    connection::send_all(app, user, others.map(|watcher| (watcher.connection, frame.clone())).collect()).await;
    Ok(())
}
