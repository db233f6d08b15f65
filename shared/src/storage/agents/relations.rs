//! Where an agent is managed, and for which other agent it works: parts of the agent's item.

use dynamo::Update;
use dynamo::value::s;

use crate::caller::AgentCaller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::{Agent, Change, Management};
use crate::secrets::{Encrypted, Purpose, ServerSecret};
use crate::storage::agents::{AgentItem, Agents, agent_update, apply};
use crate::storage::{Channel, keys};

/// Where an agent is managed, with the API key encrypted for this agent.
pub struct SealedManagement {
    url: String,
    api_key: Encrypted,
}

impl SealedManagement {
    /// Encrypts the API key.
    pub fn of(management: Management, agent: AgentId, secret: &ServerSecret) -> Result<Self, Error> {
        let key = secret.key(Purpose::AgentManagement);
        let api_key = Encrypted::of(&management.api_key, &key, &agent.to_string())?;
        Ok(Self { url: management.url, api_key })
    }

    pub(super) fn change(update: Update, change: Change<Self>) -> Update {
        match change {
            Change::Keep => update,
            Change::Clear => update.remove("managementUrl").remove("managementApiKey"),
            Change::Set(to) => update.set("managementUrl", s(to.url)).set("managementApiKey", s(to.api_key.as_str())),
        }
    }
}

/// An agent that another one may be put under: only [`Agents::open_under`] gives one.
#[derive(Clone, Copy)]
pub struct ParentAgent(AgentId);

impl ParentAgent {
    pub(super) fn change(update: Update, change: Change<Self>) -> Update {
        apply(update, "parentId", change, |Self(parent)| s(parent))
    }
}

impl Agents<'_> {
    /// Opens a channel, and reads in the same call the agent that it is to be put under: another one of the
    /// caller's, and no sub-agent itself.
    pub async fn open_under(
        self,
        caller: &AgentCaller,
        id: AgentId,
        parent: Change<AgentId>,
    ) -> Result<(Channel, Change<ParentAgent>), Error> {
        let wanted = parent.as_set().filter(|parent| **parent != id).map(|parent| keys::agent(*parent));
        let opened = self.store.open_channel(caller, id, wanted.as_slice()).await;
        let (channel, mut items) = opened.map_err(|err| err.or_not_found("agent"))?;
        let parent = match parent {
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
            Change::Set(parent) => {
                let item = wanted.map(|key| items.take::<AgentItem>(&key)).transpose()?.flatten();
                let item = item.filter(|it| it.owner_id == channel.owner() && it.deleted_at.is_none());
                let can_be = item.is_some_and(|it| it.parent_id.is_none());
                Change::Set(can_be.then_some(ParentAgent(parent)).ok_or_else(not_a_parent)?)
            }
        };
        Ok((channel, parent))
    }

    /// Sets where an agent is managed; none removes it.
    pub async fn set_management(self, channel: &Channel, to: Option<SealedManagement>) -> Result<Agent, Error> {
        let change = to.map_or(Change::Clear, Change::Set);
        self.write(SealedManagement::change(agent_update(channel.id()), change)).await.map(Agent::from)
    }

    /// Puts an agent under another one, or takes it from there.
    pub async fn set_parent(self, channel: &Channel, parent: Change<ParentAgent>) -> Result<Agent, Error> {
        self.write(ParentAgent::change(agent_update(channel.id()), parent)).await.map(Agent::from)
    }
}

fn not_a_parent() -> Error {
    let message = "parentChannelId must be another of your agents, and no sub-agent itself";
    Error::field(["parentChannelId".into()], "unknown", message)
}
