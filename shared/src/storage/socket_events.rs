//! Events for sockets: what a change of an item means to those who watch its channel.

use dynamo::{PK, SK};
use serde::Serialize;
use serde_json::json;

use crate::error::Error;
use crate::ids::{AgentId, Nil, UserId};
use crate::models::{Message, ReviewStatus};
use crate::storage::agents::AgentItem;
use crate::storage::copy::IMPORTED;
use crate::storage::items::MessageItem;
use crate::storage::keys::{self, AGENT, MESSAGES};
use crate::storage::webhooks::{StreamImage, from_image, text_of};

/// An event in a channel. Answers to password fields are for agents only.
#[derive(Clone, Debug)]
pub struct SocketEvent {
    pub owner: UserId,
    pub channel: AgentId,
    pub name: &'static str,
    /// JSON of the event's argument, as agents get it.
    pub for_agents: String,
    /// The same as people get it, if it differs.
    pub for_humans: Option<String>,
}

impl SocketEvent {
    /// Whether it is about the agent itself, not about a message.
    pub fn is_of_agent(&self) -> bool {
        self.name.starts_with("agent:")
    }

    /// The events that a change from one image to the next means, in order. A copy of a message from another service
    /// means none.
    pub fn of(old: Option<&StreamImage>, new: Option<&StreamImage>) -> Result<Vec<Self>, Error> {
        let Some(sort) = new.or(old).and_then(|image| text_of(image, SK)) else { return Ok(vec![]) };
        if sort.starts_with(MESSAGES) {
            of_message(read(old)?, read(new)?, new.is_some_and(|image| image.contains_key(IMPORTED)))
        } else if sort == AGENT {
            of_agent(read(old)?, read(new)?)
        } else {
            Ok(vec![])
        }
    }
}

/// An API key or a session that has ended.
#[derive(Clone, Copy, Debug)]
pub struct EndedCredential<'a> {
    pub user: UserId,
    /// The hash by which the table knew it.
    pub hash: &'a str,
}

impl<'a> EndedCredential<'a> {
    /// The credential that the change has ended, if it has.
    pub fn of(old: Option<&'a StreamImage>, new: Option<&StreamImage>) -> Option<Self> {
        let old = old.filter(|_| new.is_none())?;
        let pk = text_of(old, PK)?;
        let hash = pk.strip_prefix(keys::API_KEYS).or_else(|| pk.strip_prefix(keys::SESSIONS))?;
        Some(Self { user: UserId::parse_or_nil(text_of(old, "userId")?), hash })
    }
}

/// The connection of the WebSocket API that the change has opened, if it has.
pub fn opened_socket<'a>(old: Option<&StreamImage>, new: Option<&'a StreamImage>) -> Option<&'a str> {
    let new = new.filter(|_| old.is_none())?;
    text_of(new, PK)?.strip_prefix(keys::SOCKETS)
}

/// The partition of a changed item, by its keys.
pub fn partition(keys: &StreamImage) -> Option<&str> {
    text_of(keys, PK)
}

fn read<T: serde::de::DeserializeOwned>(image: Option<&StreamImage>) -> Result<Option<T>, Error> {
    image.cloned().map(from_image).transpose()
}

fn of_message(
    old: Option<MessageItem>,
    new: Option<MessageItem>,
    is_imported: bool,
) -> Result<Vec<SocketEvent>, Error> {
    let (old, new) = match (old, new) {
        (None, None) => return Ok(vec![]),
        (None, Some(_)) if is_imported => return Ok(vec![]),
        (None, Some(new)) => return Ok(vec![with_message("message:created", new)?]),
        (Some(old), None) => {
            let gone = json!({ "id": old.id, "messageId": old.id, "channelId": old.id.channel() });
            return Ok(vec![event(&old, "message:deleted", &gone)?]);
        }
        (Some(old), Some(new)) => (old, new),
    };
    let mut events = vec![];
    let status = |item: &MessageItem| item.review.as_ref().map(|review| review.status);
    let id = json!({ "messageId": new.id });
    if status(&old) != status(&new) {
        match status(&new) {
            Some(ReviewStatus::Completed) => events.push(with_message("review:responded", new.clone())?),
            Some(ReviewStatus::Expired) => events.push(event(&new, "review:expired", &id)?),
            Some(ReviewStatus::Cancelled) => events.push(event(&new, "review:cancelled", &id)?),
            Some(ReviewStatus::Pending) | None => {}
        }
    } else if (&old.text, old.stream_state, old.status_events.len())
        != (&new.text, new.stream_state, new.status_events.len())
    {
        events.push(with_message("message:updated", new.clone())?);
    }
    if old.delivery_status != new.delivery_status {
        let delivery = json!({ "messageId": new.id, "deliveryStatus": new.delivery_status });
        events.push(event(&new, "message:delivery", &delivery)?);
    }
    Ok(events)
}

fn of_agent(old: Option<AgentItem>, new: Option<AgentItem>) -> Result<Vec<SocketEvent>, Error> {
    let (Some(old), Some(new)) = (old, new) else { return Ok(vec![]) };
    if new.deleted_at.is_some() {
        return Ok(vec![]);
    }
    let owner = new.owner_id;
    let [old, new] = [old, new].map(crate::models::Agent::from);
    let of = |name, data: serde_json::Value| SocketEvent {
        owner,
        channel: new.id,
        name,
        for_agents: data.to_string(),
        for_humans: None,
    };
    let mut events = vec![];
    if (old.status, &old.status_message) != (new.status, &new.status_message) {
        let status = json!({ "agentId": new.id, "status": new.status, "statusMessage": new.status_message,
            "statusSince": new.status_since });
        events.push(of("agent:status", status));
    }
    let [before, after] = [&old, &new].map(|agent| json!(agent.commands));
    if before != after {
        events.push(of("agent:commands", json!({ "channelId": new.id, "commands": after })));
    }
    Ok(events)
}

/// An event with the whole message.
fn with_message(name: &'static str, item: MessageItem) -> Result<SocketEvent, Error> {
    let (owner, message) = (item.owner_id, Message::from(item));
    let channel = message.channel_id;
    let for_agents = text(&message)?;
    let for_humans = text(&message.for_humans())?;
    let for_humans = Some(for_humans).filter(|it| *it != for_agents);
    Ok(SocketEvent { owner, channel, name, for_agents, for_humans })
}

fn event(item: &MessageItem, name: &'static str, data: &impl Serialize) -> Result<SocketEvent, Error> {
    Ok(SocketEvent {
        owner: item.owner_id,
        channel: item.id.channel(),
        name,
        for_agents: text(data)?,
        for_humans: None,
    })
}

fn text(data: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(data).map_err(Error::internal)
}
