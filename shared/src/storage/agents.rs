//! Agents: made, listed, changed. Their signs of life are in `super::ping`, their webhooks in
//! `super::webhook`, their pictures in `super::avatar`, their end in `super::removal`.

use std::slice;

use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use crate::auth::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::{
    Agent, AgentStatus, AgentWithSecret, Change, Command, CreateAgent, ReadMark, SetCommands, UpdateAgent,
};
use crate::storage::agent_update::{AgentUpdate, Changed};
use crate::storage::avatar::AvatarItem;
use crate::storage::calls::{Call, CallOf};
use crate::storage::keys::{Key, owned};
use crate::storage::webhook::WebhookItem;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Blobs, Channel, Once, Store, as_many_as_fit, attribute, beside, text, written};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentItem {
    pk: String,
    sk: String,
    pub owner_id: UserId,
    owner_sort: String,
    pub id: AgentId,
    name: String,
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
            created_at: item.created_at,
        }
    }
}

impl From<AgentItem> for AgentWithSecret {
    fn from(item: AgentItem) -> Self {
        let webhook_secret = item.webhook.webhook_secret.as_ref().map(|secret| secret.reveal().to_owned());
        Self { agent: item.into(), webhook_secret }
    }
}

/// An agent that may be made.
pub struct AgentOpening {
    owner: UserId,
    call: Option<Call>,
    /// What an equal call made.
    pub earlier: Option<AgentWithSecret>,
}

/// For a user who was just made or checked.
impl From<UserId> for AgentOpening {
    fn from(owner: UserId) -> Self {
        Self { owner, call: None, earlier: None }
    }
}

impl Store {
    /// How an agent begins: verifies the caller, and looks for what an equal call made in the same
    /// read.
    pub async fn begin_agent(&self, caller: impl Into<Caller>, once: Option<Once>) -> Result<AgentOpening, Error> {
        let caller = caller.into();
        let key = |once: &Once| Key::user_call(caller.claimed(), caller.sender(), CallOf::CreateAgent, &once.client_id);
        let mut call = once.map(|once| Call::new(key(&once), once));
        let also = call.as_ref().map(|call| slice::from_ref(&call.key)).unwrap_or_default();
        let (owner, mut items) = self.admit(caller, also).await?;
        let made = call.as_mut().map(|call| call.earlier(&mut items)).transpose()?.flatten();
        let earlier = match made {
            Some(made) => self.agent_made(&made).await?,
            None => None,
        };
        Ok(AgentOpening { owner, call, earlier })
    }

    /// The agent that an equal call made, as it is now, with the secret that its answer showed.
    async fn agent_made(&self, made: &str) -> Result<Option<AgentWithSecret>, Error> {
        let Ok(id) = made.parse::<AgentId>() else { return Ok(None) };
        let key = Key::agent(id);
        let item = self.get_all(vec![key.clone()]).await?.take::<AgentItem>(&key)?;
        Ok(item.filter(|item| item.deleted_at.is_none()).map(AgentWithSecret::from))
    }

    /// Makes an agent; with a webhook also the secret that signs what is sent there.
    pub async fn create_agent(
        &self,
        opening: impl Into<AgentOpening>,
        new: CreateAgent,
    ) -> Result<AgentWithSecret, Error> {
        let AgentOpening { owner, call, .. } = opening.into();
        let item = self.new_agent(owner, new);
        let mut transaction = Transaction::default();
        self.while_user_stays(&mut transaction, owner)?;
        if let Some(call) = &call {
            self.record_made(&mut transaction, call, item.id)?;
        }
        transaction.create(self, written(&item)?)?;
        match (self.commit(transaction).await?, call) {
            (Outcome::Done, _) => Ok(item.into()),
            (Outcome::Refused(0), _) => Err(Error::NoSession),
            (Outcome::Refused(1), Some(call)) => {
                let agent = self.agent_made(&self.made_by_equal_call(&call).await?).await?;
                agent.ok_or_else(|| Error::unavailable("the agent of an equal call was deleted meanwhile"))
            }
            (Outcome::Refused(_), _) => Err(Error::internal("a new agent met one that exists")),
        }
    }

    fn new_agent(&self, owner: UserId, new: CreateAgent) -> AgentItem {
        let now = self.clock.now();
        let id = AgentId::new(now);
        let Key { pk, sk } = Key::agent(id);
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
            created_at: now,
            deleted_at: None,
        }
    }

    /// All of the caller's agents, oldest first: the list is read beside the check of the caller.
    pub async fn agents_of(&self, caller: impl Into<Caller>) -> Result<Vec<Agent>, Error> {
        let caller = caller.into();
        let query = self.query_owned(caller.claimed(), owned::AGENTS).scan_index_forward(true);
        let listed = |item: AgentItem| item.deleted_at.is_none().then(|| Agent::from(item));
        beside(self.admit(caller, &[]), as_many_as_fit(query, listed)).await.map(|(_, agents)| agents)
    }

    /// One agent that the person owns.
    pub async fn agent(&self, human: &HumanCaller, id: Option<AgentId>) -> Result<Channel, Error> {
        let opened = self.open(human, id, &[]).await;
        opened.map(|(channel, _)| channel).map_err(|err| err.or_not_found("agent"))
    }

    /// Changes what `update` names, and nothing else. Setting a webhook where no secret is makes
    /// one, and shows it.
    pub async fn patch_agent(
        &self,
        channel: &Channel,
        blobs: &Blobs,
        update: UpdateAgent,
    ) -> Result<AgentWithSecret, Error> {
        if update.is_empty() {
            return Ok(AgentWithSecret { agent: channel.agent.clone(), webhook_secret: None });
        }
        let mut changes = AgentUpdate::new()
            .change("name", update.name.map_or(Change::Keep, Change::Set), text)
            .change("description", update.description, text)
            .change("tag", update.tag, text);
        let replaced = !update.avatar_url.is_keep();
        if replaced {
            changes = changes.change("avatarUrl", update.avatar_url, text).remove("avatar");
        }
        let (changes, secret) =
            WebhookItem::change(changes, update.webhook_url, update.webhook_headers, update.webhook_auth)?;
        let item = self.change_agent(channel.id(), changes).await?;
        if replaced {
            self.forget_avatar(channel.id(), blobs, channel.avatar.clone());
        }
        // Shown only when it became the agent's: the one that was there before stays secret.
        let webhook_secret = secret.filter(|secret| item.webhook.webhook_secret.as_ref() == Some(secret));
        Ok(AgentWithSecret {
            agent: item.into(),
            webhook_secret: webhook_secret.map(|secret| secret.reveal().to_owned()),
        })
    }

    pub async fn set_tag(&self, channel: &Channel, tag: Option<String>) -> Result<Agent, Error> {
        let update = AgentUpdate::new().set_or_remove("tag", tag.map(text));
        self.change_agent(channel.id(), update).await.map(Agent::from)
    }

    pub async fn set_commands(&self, channel: &Channel, set: &SetCommands) -> Result<Agent, Error> {
        let update = AgentUpdate::new().set("commands", attribute(&set.commands)?);
        self.change_agent(channel.id(), update).await.map(Agent::from)
    }

    /// Notes that the person has read up to now. The mark only moves forward: a call that comes
    /// late changes nothing, and is told where the mark is.
    pub async fn mark_read(&self, channel: &Channel) -> Result<ReadMark, Error> {
        let now = self.clock.now();
        let update = AgentUpdate::new()
            .set("lastReadAt", text(now))
            .when("attribute_not_exists(#lastReadAt) OR #lastReadAt < :lastReadAt");
        let item = match self.write_agent(channel.id(), update, ReturnValue::AllNew).await? {
            Changed::Done(item) | Changed::Refused(Some(item)) => item,
            Changed::Refused(None) => return Err(Error::NotYourAgent),
        };
        match item.last_read_at {
            Some(last_read_at) if item.deleted_at.is_none() => Ok(ReadMark { last_read_at }),
            _ => Err(Error::NotYourAgent),
        }
    }
}
