//! Tools about channels and messages.

use shared::error::Error;

use super::answer::{Answer, channel_query, message_id, picked};
use crate::api::{Session, path};
use crate::rpc::{Members, raw, text_of};

/// What `send_message` takes of `POST /api/v1/messages`.
const MESSAGE: &[&str] = &[
    "text",
    "format",
    "status",
    "metadata",
    "attachmentIds",
    "textAttachments",
    "webhookUrl",
    "iterationOf",
    "clientId",
    "streamId",
    "streamState",
];

/// The tool `list_channels`: the agents that the key reaches.
pub async fn list_channels(session: &Session) -> Result<Answer, Error> {
    Answer::list("channels", &session.get("/api/v1/agents", &[]).await?)
}

/// The tool `create_channel`: a new agent, which is a channel.
pub async fn create_channel(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let body = picked(arguments, &["name", "description", "avatarUrl", "webhookUrl", "tag"]);
    Ok(Answer::object(&session.post("/api/v1/agents", &[], &body).await?))
}

/// The tool `send_message`.
pub async fn send(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let mut body = picked(arguments, MESSAGE);
    body.insert("channelId".to_owned(), raw(&session.channel(arguments).await?)?);
    Ok(Answer::object(&session.post("/api/v1/messages", &[], &body).await?))
}

/// The tool `get_messages`: a page of a channel, the latest first.
pub async fn list(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let channel = session.channel(arguments).await?;
    let mut query = vec![("channel", channel)];
    for name in ["limit", "cursor", "search", "has_attachments"] {
        if let Some(value) = arguments.get(name).filter(|value| value.get() != "null") {
            query.push((name, text_of(arguments, name).unwrap_or_else(|| value.get().to_owned())));
        }
    }
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(Answer::object(&session.get("/api/v1/messages", &query).await?))
}

/// The tool `get_message`.
pub async fn get(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let (id, channel) = (message_id(session, arguments).await?, session.named_channel(arguments));
    Ok(Answer::object(&session.get(&path("/api/v1/messages", &id, ""), &channel_query(&channel)).await?))
}

/// The tool `delete_message`.
pub async fn delete(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let (id, channel) = (message_id(session, arguments).await?, session.named_channel(arguments));
    Ok(Answer::object(&session.delete(&path("/api/v1/messages", &id, ""), &channel_query(&channel)).await?))
}

pub async fn iterations(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let (id, channel) = (message_id(session, arguments).await?, session.named_channel(arguments));
    Ok(Answer::object(&session.get(&path("/api/v1/messages/iterations", &id, ""), &channel_query(&channel)).await?))
}

pub async fn ping(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let agent = match text_of(arguments, "agentId") {
        Some(agent) => agent,
        None => session.channel(arguments).await?,
    };
    let mut body = picked(arguments, &["status", "message"]);
    body.insert("agentId".to_owned(), raw(&agent)?);
    Ok(Answer::object(&session.post("/api/v1/status/ping", &[], &body).await?))
}

pub async fn list_plugins(session: &Session) -> Result<Answer, Error> {
    Answer::list("plugins", &session.get("/api/v1/plugins", &[]).await?)
}
