//! Pictures of agents. Each picture is an object of its own, so that a new one never appears under the name of
//! an old one. The agent's item names the current object.

use dynamo::value::{s, to_value};
use dynamo::{Update, attr};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{AgentId, new_ulid};
use crate::image::{Image, ImageKind};
use crate::models::Agent;
use crate::storage::Channel;
use crate::storage::agents::Agents;
use crate::storage::agents::{AgentItem, agent_update};
use crate::storage::keys::StorageKey;
use crate::telemetry::cost;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::storage) struct AvatarItem {
    version: String,
    kind: ImageKind,
}

/// A picture as it is read.
pub struct Avatar {
    pub kind: ImageKind,
    pub version: String,
    pub storage_key: String,
}

impl AvatarItem {
    fn storage_key(&self, agent: AgentId) -> String {
        StorageKey::Avatar(agent, &self.version).to_string()
    }
}

impl Channel {
    /// The picture that was uploaded for the agent.
    pub fn avatar(&self) -> Result<Avatar, Error> {
        let avatar = self.avatar.as_ref().ok_or(Error::NotFound("avatar"))?;
        let (kind, version) = (avatar.kind, avatar.version.clone());
        Ok(Avatar { kind, version, storage_key: avatar.storage_key(self.id()) })
    }
}

impl Agents<'_> {
    /// Sets the agent's picture: first the object, then the item that refers to it.
    pub async fn set_avatar(self, channel: &Channel, image: Image) -> Result<Agent, Error> {
        let id = channel.id();
        let avatar = AvatarItem { version: new_ulid(self.store.clock.now()).to_string(), kind: image.kind };
        let url = format!("/api/agents/{id}/avatar?v={}", avatar.version);
        self.store.blobs.put(&avatar.storage_key(id), image.kind.mime_type(), image.bytes).await?;
        let update = agent_update(id).set("avatar", to_value(&avatar)?).set("avatarUrl", s(&url));
        let mut item = self.replace_avatar(id, update, Some(&avatar)).await?;
        item.avatar_url = Some(url);
        Ok(item.into())
    }

    /// Deletes the uploaded picture.
    pub async fn delete_avatar(self, channel: &Channel) -> Result<Agent, Error> {
        let avatar = channel.avatar.as_ref().ok_or(Error::NotFound("avatar"))?;
        let update = agent_update(channel.id())
            .remove("avatar")
            .remove("avatarUrl")
            .when(attr("avatar.version").eq(s(&avatar.version)));
        let mut item = self.replace_avatar(channel.id(), update, None).await?;
        item.avatar_url = None;
        Ok(item.into())
    }

    /// Writes which picture is the agent's, and deletes the object of the one before. Gives the item as it was
    /// before.
    async fn replace_avatar(
        self,
        agent: AgentId,
        update: Update,
        new: Option<&AvatarItem>,
    ) -> Result<AgentItem, Error> {
        let replaced = update.returning_before().send::<AgentItem>(&self.store.table).await?;
        let item = replaced.or_else(|_| Error::NotFound("avatar"))?;
        if item.avatar.as_ref() != new {
            self.delete_avatar_object(agent, item.avatar.clone());
        }
        Ok(item)
    }

    /// Deletes a picture's object in a background task. An object that remains is referenced by nothing and is
    /// deleted with the agent.
    pub(super) fn delete_avatar_object(self, agent: AgentId, avatar: Option<AvatarItem>) {
        let Some(key) = avatar.map(|avatar| avatar.storage_key(agent)) else { return };
        let blobs = self.store.blobs.clone();
        cost::spawn_background(async move {
            if let Err(err) = blobs.delete_one(&key).await {
                tracing::warn!(cause = ?err, "an old picture stays");
            }
        });
    }
}
