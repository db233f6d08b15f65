//! One connection: from its first frame to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use serde_json::value::RawValue;
use shared::caller::Caller;
use shared::error::Error;
use shared::http::App;
use shared::ids::AgentId;
use shared::socket_io;
use shared::socket_io::frames::{self, Frame};
use tokio::sync::mpsc;

use super::hub::{Hub, Membership};
use super::{CONNECT_TIMEOUT, MAX_PAYLOAD, PING_INTERVAL, PING_TIMEOUT};

/// How long the last frame may take, whose connection ends in any case.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that the namespace has accepted.
struct Client {
    caller: Caller,
    membership: Membership,
    frames: mpsc::Receiver<Arc<str>>,
    /// Channels that the client may write to, as far as that was asked.
    own: Vec<AgentId>,
}

/// Serves one socket until either side ends it.
pub async fn serve(mut socket: WebSocket, app: App, hub: Hub) {
    let open = frames::open(&frames::new_id(), [PING_INTERVAL, PING_TIMEOUT], MAX_PAYLOAD);
    if send(&mut socket, open).await.is_none() {
        return;
    }
    let accepted = tokio::time::timeout(CONNECT_TIMEOUT, accept(&mut socket, &app, &hub)).await;
    if let Ok(Some(client)) = accepted {
        run(&mut socket, &app, client).await;
    }
    // A client that reads nothing leaves no room for it.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, socket.send(Message::Close(None))).await;
}

/// Waits for a credential that is good; a refused client may try again.
async fn accept(socket: &mut WebSocket, app: &App, hub: &Hub) -> Option<Client> {
    loop {
        let text = receive(socket).await?;
        match frames::parse(&text)? {
            Frame::Connect { namespace: frames::NAMESPACE, payload } => match connect(app, hub, payload).await {
                Ok(client) => {
                    send(socket, frames::connected(&frames::new_id())).await?;
                    return Some(client);
                }
                Err(reason) => send(socket, frames::refused(frames::NAMESPACE, reason)).await?,
            },
            Frame::Connect { namespace, .. } if frames::is_plain(namespace) => {
                send(socket, frames::refused(namespace, "Invalid namespace")).await?;
            }
            Frame::Ping(data) => send(socket, frames::pong(data)).await?,
            Frame::Pong | Frame::Other => {}
            _ => return None,
        }
    }
}

/// Verifies the payload of CONNECT, and adds the client to those who get events.
async fn connect(app: &App, hub: &Hub, payload: &str) -> Result<Client, &'static str> {
    let (caller, user) = socket_io::sign_in(&app.store, payload).await?;
    let is_person = matches!(caller, Caller::Human(_));
    let joined = hub.join(user, is_person, caller.credential_hash().to_owned());
    let (membership, frames) = joined.ok_or("too many connections")?;
    // What ended while the connection was added was not seen by the hub.
    if has_ended(app, &caller).await {
        return Err("unauthorized");
    }
    Ok(Client { caller, membership, frames, own: vec![] })
}

async fn run(socket: &mut WebSocket, app: &App, mut client: Client) {
    let mut ping = tokio::time::interval(PING_INTERVAL);
    ping.reset();
    let mut last_heard = Instant::now();
    loop {
        let sent = tokio::select! {
            frame = client.frames.recv() => match frame {
                Some(frame) => send(socket, frame.to_string()).await,
                None => return,
            },
            text = receive(socket) => {
                last_heard = Instant::now();
                let Some(text) = text else { return };
                handle(socket, app, &mut client, &text).await
            }
            _ = ping.tick() => {
                let is_silent = last_heard.elapsed() > PING_INTERVAL + PING_TIMEOUT;
                if is_silent || has_ended(app, &client.caller).await {
                    return;
                }
                send(socket, frames::PING.to_owned()).await
            }
        };
        if sent.is_none() {
            return;
        }
    }
}

/// Whether a credential is refused now: one with an end causes no change in the stream.
async fn has_ended(app: &App, caller: &Caller) -> bool {
    socket_io::authenticate(&app.store, caller).await.is_err_and(|err| socket_io::is_refused(&err))
}

/// Handles a frame and sends the answer to it, if it has one; nothing at the end of the connection.
async fn handle(socket: &mut WebSocket, app: &App, client: &mut Client, text: &str) -> Option<()> {
    let answer = match frames::parse(text)? {
        Frame::Event { namespace: frames::NAMESPACE, payload } => {
            let (name, argument) = frames::event_of(payload)?;
            // A client whose frame cannot be handled connects and subscribes again, rather than wait for events that
            // never come.
            client.event(app, &name, argument).await.ok()?
        }
        Frame::Ping(data) => Some(frames::pong(data)),
        Frame::Pong | Frame::Other | Frame::Event { .. } | Frame::Connect { .. } => None,
        Frame::Close | Frame::Disconnect => return None,
    };
    match answer {
        Some(answer) => send(socket, answer).await,
        None => Some(()),
    }
}

impl Client {
    /// Handles an event; returns the answer to it, if it has one.
    async fn event(&mut self, app: &App, name: &str, argument: Option<Box<RawValue>>) -> Result<Option<String>, Error> {
        let channel = argument.as_deref().and_then(socket_io::channel_id);
        match (name, channel, argument) {
            ("ping", ..) => return Ok(Some(frames::pong_event())),
            ("subscribe:channel", Some(channel), _) => self.subscribe(app, channel).await?,
            ("unsubscribe:channel", Some(channel), _) => self.membership.unsubscribe(channel),
            ("channel:read", Some(channel), _) if matches!(self.caller, Caller::Human(_)) => {
                if let Some(channel) = socket_io::open_channel(&app.store, self.caller.clone(), channel).await? {
                    app.store.agents().mark_read(&channel).await?;
                }
            }
            (name, _, Some(data)) if socket_io::is_relayed(name) => {
                let channel = socket_io::channel_of_relayed(&data);
                if self.owns(app, channel).await? {
                    self.membership.relay(channel, name, data.get());
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// A foreign channel gives no answer, as Placet's clients expect.
    async fn subscribe(&mut self, app: &App, channel: AgentId) -> Result<(), Error> {
        if socket_io::open_channel(&app.store, self.caller.clone().reading(), channel).await?.is_some() {
            self.membership.subscribe(channel);
        }
        Ok(())
    }

    /// Whether the client may write to a channel. It is asked once: deltas of a text come many times a second.
    async fn owns(&mut self, app: &App, channel: AgentId) -> Result<bool, Error> {
        if self.own.contains(&channel) {
            return Ok(true);
        }
        let owns = socket_io::open_channel(&app.store, self.caller.clone(), channel).await?.is_some();
        if owns {
            self.own.push(channel);
        }
        Ok(owns)
    }
}

/// The next text; nothing at the end of the connection or for a binary frame.
async fn receive(socket: &mut WebSocket) -> Option<String> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Text(text) => return Some(text.to_string()),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Close(_) => return None,
        }
    }
}

/// Sends a frame to a client that takes it in time.
async fn send(socket: &mut WebSocket, frame: String) -> Option<()> {
    const SEND_TIMEOUT: Duration = Duration::from_secs(30);
    tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::Text(frame.into()))).await.ok()?.ok()
}
