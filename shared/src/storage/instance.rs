//! What the local runner stores about its installation: which one the table belongs to, and its first owner.
//! Read once at a start, and by no route.

use dynamo::value::to_item;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::{Role, User};
use crate::storage::Store;
use crate::storage::accounts::UserItem;
use crate::storage::agents::AgentItem;
use crate::storage::keys::{self, owned};

/// The table's end of what ties the parts of a data directory together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    pub instance_id: String,
    /// Of the secret that the table's plugin settings are encrypted with.
    pub secret_fingerprint: String,
    /// `None` until the first owner's password and API key were written out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_shown_at: Option<Timestamp>,
    pub started_at: Timestamp,
    /// New ids are later, if the clock is behind those that are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids_after: Option<Timestamp>,
}

impl Store {
    /// What the table knows of its installation; `None` before the first start.
    pub async fn instance(&self) -> Result<Option<Instance>, Error> {
        let key = keys::instance();
        Ok(self.table.get(&key).await?)
    }

    /// Records the installation in the table.
    pub async fn put_instance(&self, instance: &Instance) -> Result<(), Error> {
        let mut item = to_item(instance)?;
        item.extend(keys::instance().attributes());
        Ok(self.table.put(item).await?)
    }

    /// All users except those being deleted, oldest first.
    pub async fn all_users(&self) -> Result<Vec<User>, Error> {
        let query = self.query_partition(keys::USERS.to_owned(), keys::USER_ITEMS);
        let items = query.collect_all::<UserItem>().await?;
        Ok(items.into_iter().filter(|it| it.removing.is_none()).map(|it| it.user).collect())
    }

    /// The oldest owner.
    pub async fn first_owner(&self) -> Result<Option<User>, Error> {
        Ok(self.all_users().await?.into_iter().find(|user| user.role == Role::Owner))
    }

    /// The oldest of a user's agents.
    pub async fn first_agent(&self, user: UserId) -> Result<Option<AgentId>, Error> {
        let query = self.table.query_index(keys::OWNER_INDEX, user).starting_with(owned::AGENTS);
        let agents = query.collect_all::<AgentItem>().await?;
        Ok(agents.into_iter().find(|agent| agent.deleted_at.is_none()).map(|agent| agent.id))
    }

    /// Whether an agent has this id, regardless of its owner.
    pub async fn has_agent(&self, agent: AgentId) -> Result<bool, Error> {
        let key = keys::agent(agent);
        Ok(self.table.get::<AgentItem>(&key).await?.is_some())
    }
}
