//! Agents: creating, listing and updating them.

mod avatar;
mod deletion;
mod heartbeat;
mod notifications;
mod relations;
mod stats;
mod webhook;

use std::slice;

use serde::{Deserialize, Serialize};

pub use avatar::Avatar;
pub(super) use avatar::AvatarItem;
pub use relations::{ParentAgent, SealedManagement};
pub(super) use stats::PendingStats;
pub use webhook::Webhook;

use dynamo::value::{Value, s, to_item, to_value};
use dynamo::{Conditional, Key, Put, Transaction, Update, attr, item_exists};

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::{
    Agent, AgentStatus, AgentWithSecret, Change, Command, CreateAgent, ReadMark, SetCommands, UpdateAgent,
};
use crate::secrets::Encrypted;
use crate::storage::accounts::while_user_stays;
use crate::storage::agents::webhook::WebhookItem;
use crate::storage::idempotency::{Call, CallOf};
use crate::storage::keys::{self, OWNER_INDEX, owned};
use crate::storage::{Channel, IdempotentCall, Store, collect_for_response, join_authorized};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentItem {
    pk: String,
    sk: String,
    pub owner_id: UserId,
    owner_sort: String,
    pub id: AgentId,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<AvatarItem>,
    #[serde(flatten)]
    pub webhook: WebhookItem,
    pub status: AgentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_read_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commands: Option<Vec<Command>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    management_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    management_api_key: Option<Encrypted>,
    /// The agent that this one works for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<AgentId>,
    /// How its owner is notified of its requests, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<String>,
    created_at: Timestamp,
    /// Being removed: no route finds it any more, see `super::removal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl From<AgentItem> for Agent {
    fn from(item: AgentItem) -> Self {
        let webhook = item.webhook.shown();
        Self {
            id: item.id,
            name: item.name,
            description: item.description,
            avatar_url: item.avatar_url,
            webhook_url: webhook.url,
            webhook_headers: webhook.headers,
            webhook_auth: webhook.auth,
            status: item.status,
            status_message: item.status_message,
            status_since: item.status_since,
            last_active_at: item.last_active_at,
            commands: item.commands,
            tag: item.tag,
            management_url: item.management_url,
            management_api_key: item.management_api_key.map(|_| "***"),
            is_subagent: item.parent_id.is_some(),
            parent_agent_id: item.parent_id,
            created_at: item.created_at,
            last_read_at: item.last_read_at,
        }
    }
}

impl From<AgentItem> for AgentWithSecret {
    fn from(item: AgentItem) -> Self {
        let webhook_secret = item.webhook.webhook_secret.as_ref().map(|secret| secret.reveal().to_owned());
        Self { agent: item.into(), webhook_secret }
    }
}

/// The writes that create an agent.
enum Write {
    User,
    Call,
    Agent,
}

/// An update of an agent's item, refused for an agent that is gone or being removed.
pub(super) fn agent_update(agent: AgentId) -> Update {
    Update::new(keys::agent(agent)).when(item_exists().and(attr("deletedAt").absent()))
}

/// Part of a partial update: keeps, removes or sets one attribute.
pub(super) fn apply<T>(update: Update, attribute: &str, change: Change<T>, value: impl FnOnce(T) -> Value) -> Update {
    match change {
        Change::Keep => update,
        Change::Clear => update.remove(attribute),
        Change::Set(to) => update.set(attribute, value(to)),
    }
}

/// An agent that may be created.
pub struct PreparedAgent {
    owner: UserId,
    call: Option<Call>,
    /// What an equal call made.
    pub earlier: Option<AgentWithSecret>,
}

/// For a user who was just created or authenticated.
impl From<UserId> for PreparedAgent {
    fn from(owner: UserId) -> Self {
        Self { owner, call: None, earlier: None }
    }
}

/// Agents, and what belongs to each of them besides its channel.
#[derive(Clone, Copy)]
pub struct Agents<'a> {
    pub(super) store: &'a Store,
}

impl Agents<'_> {
    /// Authenticates the caller, and looks for what an equal call created in the same read.
    pub async fn prepare(
        self,
        caller: impl Into<Caller>,
        once: Option<IdempotentCall>,
    ) -> Result<PreparedAgent, Error> {
        let caller = caller.into();
        let key = |once: &IdempotentCall| {
            keys::user_call(caller.claimed(), caller.sender(), CallOf::CreateAgent, &once.client_id)
        };
        let mut call = once.map(|once| Call::new(key(&once), once));
        let also = call.as_ref().map(|call| slice::from_ref(&call.key)).unwrap_or_default();
        let (owner, mut items) = self.store.authenticate(caller, also).await?;
        let made = call.as_mut().map(|call| call.earlier(&mut items)).transpose()?.flatten();
        let earlier = match made {
            Some(made) => self.created_agent(&made).await?,
            None => None,
        };
        Ok(PreparedAgent { owner, call, earlier })
    }

    /// The agent that an equal call created, as it is now, with the secret that its response showed.
    async fn created_agent(self, made: &str) -> Result<Option<AgentWithSecret>, Error> {
        let Ok(id) = made.parse::<AgentId>() else { return Ok(None) };
        let item = self.store.table.get::<AgentItem>(&keys::agent(id)).await?;
        Ok(item.filter(|item| item.deleted_at.is_none()).map(AgentWithSecret::from))
    }

    /// Creates an agent; with a webhook also the secret that signs its events.
    pub async fn create(self, opening: impl Into<PreparedAgent>, new: CreateAgent) -> Result<AgentWithSecret, Error> {
        let PreparedAgent { owner, call, .. } = opening.into();
        let item = self.new_agent(owner, new);
        let mut transaction = Transaction::new();
        transaction.push(Write::User, while_user_stays(owner));
        if let Some(call) = &call {
            transaction.push(Write::Call, self.store.call_record(call, item.id)?);
        }
        transaction.push(Write::Agent, Put::create(to_item(&item)?));
        match (transaction.commit(&self.store.table).await?, call) {
            (Conditional::Applied(()), _) => Ok(item.into()),
            (Conditional::Refused(Write::User), _) => Err(Error::NoSession),
            (Conditional::Refused(Write::Call), Some(call)) => {
                let agent = self.created_agent(&self.store.made_by_equal_call(&call).await?).await?;
                agent.ok_or_else(|| Error::unavailable("the agent of an equal call was deleted meanwhile"))
            }
            (Conditional::Refused(_), _) => Err(Error::internal("a new agent met one that exists")),
        }
    }

    fn new_agent(self, owner: UserId, new: CreateAgent) -> AgentItem {
        let now = self.store.clock.now();
        let id = AgentId::new(now);
        let Key { pk, sk } = keys::agent(id);
        AgentItem {
            pk,
            sk,
            owner_id: owner,
            owner_sort: owned::agent(id),
            id,
            name: new.name,
            description: new.description,
            avatar_url: new.avatar_url,
            avatar: None,
            webhook: new.webhook_url.map(WebhookItem::new).unwrap_or_default(),
            status: AgentStatus::Offline,
            status_message: None,
            status_since: None,
            last_active_at: None,
            last_read_at: None,
            commands: None,
            tag: new.tag,
            management_url: None,
            management_api_key: None,
            parent_id: None,
            notifications: None,
            created_at: now,
            deleted_at: None,
        }
    }

    /// The agents that the caller reaches, oldest first, read while the caller is authenticated.
    pub async fn list(self, caller: impl Into<Caller>) -> Result<Vec<Agent>, Error> {
        let caller = caller.into();
        let query = self.store.table.query_index(OWNER_INDEX, caller.claimed()).starting_with(owned::AGENTS);
        let only_agent = caller.only_agent();
        let is_listed = |item: &AgentItem| item.deleted_at.is_none() && only_agent.is_none_or(|only| only == item.id);
        let listed = |item: AgentItem| is_listed(&item).then(|| Agent::from(item));
        join_authorized(self.store.admit(caller, &[]), collect_for_response(query, listed))
            .await
            .map(|(_, agents)| agents)
    }

    /// One of the caller's agents.
    pub async fn get(self, caller: impl Into<Caller>, id: AgentId) -> Result<Channel, Error> {
        let opened = self.store.open_channel(caller, id, &[]).await;
        opened.map(|(channel, _)| channel).map_err(|err| err.or_not_found("agent"))
    }

    /// Changes the members that `update` has, and nothing else. A webhook for an agent without a secret creates
    /// one, which the response shows.
    pub async fn update(self, channel: &Channel, update: UpdateAgent) -> Result<AgentWithSecret, Error> {
        if update.is_empty() {
            return Ok(AgentWithSecret { agent: channel.agent.clone(), webhook_secret: None });
        }
        let changes = agent_update(channel.id());
        let changes = apply(changes, "name", update.name.map_or(Change::Keep, Change::Set), s);
        let changes = apply(changes, "description", update.description, s);
        let mut changes = apply(changes, "tag", update.tag, s);
        let replaced = !update.avatar_url.is_keep();
        if replaced {
            changes = apply(changes, "avatarUrl", update.avatar_url, s).remove("avatar");
        }
        let (changes, secret) =
            WebhookItem::change(changes, update.webhook_url, update.webhook_headers, update.webhook_auth)?;
        let item = self.write(changes).await?;
        if replaced {
            self.delete_avatar_object(channel.id(), channel.avatar.clone());
        }
        // Shown only if it became the agent's secret: an earlier one is never shown again.
        let webhook_secret = secret.filter(|secret| item.webhook.webhook_secret.as_ref() == Some(secret));
        Ok(AgentWithSecret {
            agent: item.into(),
            webhook_secret: webhook_secret.map(|secret| secret.reveal().to_owned()),
        })
    }

    pub async fn set_tag(self, channel: &Channel, tag: Option<String>) -> Result<Agent, Error> {
        let update = agent_update(channel.id()).set_or_remove("tag", tag.map(s));
        self.write(update).await.map(Agent::from)
    }

    pub async fn set_commands(self, channel: &Channel, set: &SetCommands) -> Result<Agent, Error> {
        let update = agent_update(channel.id()).set("commands", to_value(&set.commands)?);
        self.write(update).await.map(Agent::from)
    }

    /// Moves the read mark to now. The mark only moves forward: a late call changes nothing and gets the
    /// current mark.
    pub async fn mark_read(self, channel: &Channel) -> Result<ReadMark, Error> {
        let now = self.store.clock.now();
        let update = agent_update(channel.id())
            .set("lastReadAt", s(now))
            .when(attr("lastReadAt").absent().or(attr("lastReadAt").lt(s(now))));
        let item = update.send::<AgentItem>(&self.store.table).await?.into_item().ok_or(Error::NotYourAgent)?;
        match item.last_read_at {
            Some(last_read_at) if item.deleted_at.is_none() => Ok(ReadMark { last_read_at }),
            _ => Err(Error::NotYourAgent),
        }
    }

    /// Sends an update without a condition of its own. Gives the item after it.
    pub(super) async fn write(self, update: Update) -> Result<AgentItem, Error> {
        update.send(&self.store.table).await?.or_else(|_| Error::NotYourAgent)
    }
}
