//! Who connects to the namespace, and what they may send.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::caller::{AgentCaller, Caller};
use crate::error::Error;
use crate::ids::{AgentId, Nil, UserId};
use crate::storage::{Channel, Store};

/// The events of clients that reach the others in the channel as they are.
const RELAYED: [&str; 3] = ["message:delta", "message:progress", "agent:commands"];

/// Verifies the payload of CONNECT: `{"apiKey"}` of an agent, or `{"token"}` with a ticket of a person. The error is
/// what the client is told.
pub async fn sign_in(store: &Store, payload: &str) -> Result<(Caller, UserId), &'static str> {
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    let caller = if let Some(key) = payload["apiKey"].as_str() {
        Caller::from(&AgentCaller::with_key(key).ok_or("unauthorized")?)
    } else {
        let ticket = payload["token"].as_str().ok_or("unauthorized")?;
        Caller::from(&store.accounts().use_ticket(ticket).await.map_err(|err| reason(&err))?)
    };
    let user = authenticate(store, &caller).await.map_err(|err| reason(&err))?;
    Ok((caller, user))
}

/// The user of a caller who listens: a key that may only read is enough.
pub async fn authenticate(store: &Store, caller: &Caller) -> Result<UserId, Error> {
    store.admit(caller.clone().reading(), &[]).await.map(|(user, _)| user)
}

/// Whether an error means that the credential is not good, rather than that storage is in trouble.
pub fn is_refused(error: &Error) -> bool {
    !error.status().is_server_error()
}

fn reason(error: &Error) -> &'static str {
    if is_refused(error) { "unauthorized" } else { "unavailable" }
}

/// Whether an event of a client reaches the others in its channel.
pub fn is_relayed(name: &str) -> bool {
    RELAYED.contains(&name)
}

/// The channel, if it is the caller's.
pub async fn open_channel(store: &Store, caller: Caller, channel: AgentId) -> Result<Option<Channel>, Error> {
    match store.open_channel(caller, channel, &[]).await {
        Ok((channel, _)) => Ok(Some(channel)),
        Err(err) if is_refused(&err) => Ok(None),
        Err(err) => Err(err),
    }
}

/// The channel of an event that is relayed.
pub fn channel_of_relayed(data: &RawValue) -> AgentId {
    let given: Value = serde_json::from_str(data.get()).unwrap_or_default();
    AgentId::parse_or_nil(given["channelId"].as_str().unwrap_or_default())
}

/// The channel that the argument of an event names.
pub fn channel_id(argument: &RawValue) -> Option<AgentId> {
    serde_json::from_str::<String>(argument.get()).ok().map(|text| AgentId::parse_or_nil(&text))
}
