//! Who calls: the credential that a request carries, not verified yet. Storage verifies it in the
//! same call that fetches what the route needs.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{AgentId, MaybeChannel, UserId};
use crate::models::SenderType;
use crate::secrets::{Credential, SecretHash};

/// A caller with a credential that is not verified yet.
#[derive(Clone, Debug)]
pub enum Caller {
    Agent(AgentCaller),
    Human(HumanCaller),
}

/// An agent, by the API key it presents.
#[derive(Clone, Debug)]
pub struct AgentCaller {
    pub(crate) credential: Credential,
    /// Whether the call changes nothing, so that a key which may only read can make it.
    pub(crate) is_read: bool,
}

/// A person, by the session they present.
#[derive(Clone, Debug)]
pub struct HumanCaller(pub(crate) Credential);

/// A person on a route for owners: storage refuses members.
#[derive(Clone, Debug)]
pub struct OwnerCaller(pub(crate) HumanCaller);

impl Caller {
    /// The user that the credential names. Only for reads that run concurrently with its check, never
    /// instead of it.
    pub(crate) fn claimed(&self) -> UserId {
        match self {
            Self::Agent(AgentCaller { credential, .. }) | Self::Human(HumanCaller(credential)) => credential.claimed,
        }
    }

    pub(crate) fn hashed(&self) -> &SecretHash {
        match self {
            Self::Agent(AgentCaller { credential, .. }) | Self::Human(HumanCaller(credential)) => &credential.hashed,
        }
    }

    /// The one agent that the caller reaches; all of the user's if none.
    pub(crate) fn only_agent(&self) -> Option<AgentId> {
        match self {
            Self::Agent(agent) => agent.only_agent(),
            Self::Human(_) => None,
        }
    }

    /// The same caller in a call that changes nothing.
    pub fn reading(self) -> Self {
        match self {
            Self::Agent(agent) => Self::Agent(agent.reading()),
            human @ Self::Human(_) => human,
        }
    }

    /// The hash of the credential, by which the table knows it.
    pub fn credential_hash(&self) -> &str {
        self.hashed().as_str()
    }

    /// The sender of messages that this caller writes.
    pub(crate) fn sender(&self) -> SenderType {
        match self {
            Self::Agent(_) => SenderType::Agent,
            Self::Human(_) => SenderType::User,
        }
    }

    /// The error for an invalid credential of this kind.
    pub(crate) fn refused(&self) -> Error {
        match self {
            Self::Agent(_) => Error::NoApiKey,
            Self::Human(_) => Error::NoSession,
        }
    }
}

/// A caller as an item names it: by the hash of the credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredCaller {
    credential: String,
    user_id: UserId,
    agent_id: Option<AgentId>,
    is_person: bool,
}

impl From<&Caller> for StoredCaller {
    fn from(caller: &Caller) -> Self {
        let (user_id, agent_id) = (caller.claimed(), caller.only_agent());
        let is_person = matches!(caller, Caller::Human(_));
        Self { credential: caller.credential_hash().to_owned(), user_id, agent_id, is_person }
    }
}

impl From<StoredCaller> for Caller {
    fn from(stored: StoredCaller) -> Self {
        let StoredCaller { credential, user_id, agent_id, is_person } = stored;
        let hashed = SecretHash::stored(credential);
        let credential = Credential { hashed, claimed: user_id, agent: agent_id, prefix: String::new() };
        match is_person {
            true => Self::Human(HumanCaller(credential)),
            false => Self::Agent(AgentCaller { credential, is_read: false }),
        }
    }
}

impl From<&AgentCaller> for Caller {
    fn from(agent: &AgentCaller) -> Self {
        Self::Agent(agent.clone())
    }
}

impl From<&HumanCaller> for Caller {
    fn from(human: &HumanCaller) -> Self {
        Self::Human(human.clone())
    }
}

impl From<&OwnerCaller> for Caller {
    fn from(owner: &OwnerCaller) -> Self {
        Self::from(&owner.0)
    }
}

impl AgentCaller {
    /// An agent with this key; `None` if the text cannot be a key.
    pub fn with_key(key: &str) -> Option<Self> {
        Credential::api_key(key).map(|credential| Self { credential, is_read: false })
    }

    /// The same caller in a call that changes nothing.
    pub fn reading(self) -> Self {
        Self { is_read: true, ..self }
    }

    /// The one agent that the key names; it reaches all of its user's agents if it names none.
    pub fn only_agent(&self) -> Option<AgentId> {
        self.credential.agent
    }

    /// The channel of a call: the one that it names, else that of the one agent that its key reaches.
    pub fn channel_or_only(&self, named: MaybeChannel) -> MaybeChannel {
        match (named, self.only_agent()) {
            (MaybeChannel::Absent, Some(only)) => MaybeChannel::Named(only),
            _ => named,
        }
    }
}
