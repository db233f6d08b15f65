//! Who calls: the credential that a request carries, not verified yet. Storage verifies it in the
//! same call that fetches what the route needs.

use crate::error::Error;
use crate::ids::UserId;
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
pub struct AgentCaller(pub(crate) Credential);

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
            Self::Agent(AgentCaller(presented)) | Self::Human(HumanCaller(presented)) => presented.claimed,
        }
    }

    pub(crate) fn hashed(&self) -> &SecretHash {
        match self {
            Self::Agent(AgentCaller(presented)) | Self::Human(HumanCaller(presented)) => &presented.hashed,
        }
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
        Credential::api_key(key).map(Self)
    }
}
