//! Agents.

use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::json::{Json, as_text};
use crate::models::{Agent, AgentStatus, CreateAgent, Ping};
use crate::storage::keys::{Key, owned};
use crate::storage::{Channel, Store, all_of, read, text, trouble, written};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentItem {
    pk: String,
    sk: String,
    pub owner_id: UserId,
    owner_sort: String,
    id: AgentId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    status: AgentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active_at: Option<Timestamp>,
    #[serde(default, with = "as_text", skip_serializing_if = "Option::is_none")]
    commands: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    created_at: Timestamp,
    /// Being removed: no route finds it any more, see `super::removal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl From<AgentItem> for Agent {
    fn from(item: AgentItem) -> Self {
        Self {
            id: item.id,
            name: item.name,
            description: item.description,
            avatar_url: item.avatar_url,
            webhook_url: item.webhook_url,
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

impl Store {
    pub async fn create_agent(&self, owner: UserId, new: CreateAgent) -> Result<Agent, Error> {
        let now = self.clock.now();
        let id = AgentId::new(now);
        let Key { pk, sk } = Key::agent(id);
        let item = AgentItem {
            pk,
            sk,
            owner_id: owner,
            owner_sort: owned::agent(id),
            id,
            name: new.name,
            description: new.description,
            avatar_url: new.avatar_url,
            webhook_url: new.webhook_url.map(|url| url.as_str().to_owned()),
            status: AgentStatus::Offline,
            status_message: None,
            status_since: None,
            last_active_at: None,
            commands: None,
            tag: new.tag,
            created_at: now,
            deleted_at: None,
        };
        self.put_new(written(&item)?).await?;
        Ok(item.into())
    }

    /// All of the caller's agents, oldest first: the list is read beside the check of the caller.
    pub async fn agents_of(&self, caller: impl Into<Caller>) -> Result<Vec<Agent>, Error> {
        let caller = caller.into();
        let query = self.query_owned(caller.claimed(), owned::AGENTS).scan_index_forward(true);
        let (known, agents) = tokio::join!(self.admit(caller, &[]), all_of::<AgentItem>(query));
        known?;
        Ok(agents?.into_iter().filter(|agent| agent.deleted_at.is_none()).map(Agent::from).collect())
    }

    /// Books a sign of life. `statusSince` moves only when the status does, also when two pings
    /// meet: "the same as before" is a condition of the write.
    pub async fn ping(&self, channel: &Channel, ping: &Ping) -> Result<Agent, Error> {
        if channel.agent.status == ping.status
            && let Some(agent) = self.write_ping(channel, ping, true).await?
        {
            return Ok(agent);
        }
        self.write_ping(channel, ping, false).await?.ok_or(Error::NotFound("agent"))
    }

    async fn write_ping(&self, channel: &Channel, ping: &Ping, same: bool) -> Result<Option<Agent>, Error> {
        let now = text(self.clock.now());
        let word = AgentStatus::WORDS.iter().find(|(_, status)| *status == ping.status).map_or("", |(word, _)| word);
        let since = if same { "" } else { ", statusSince = :now" };
        let (set_message, remove_message) = match &ping.message {
            Some(_) => (", statusMessage = :message", ""),
            None => ("", " REMOVE statusMessage"),
        };
        let condition = if same { "attribute_exists(pk) AND #status = :status" } else { "attribute_exists(pk)" };
        let updated = self
            .db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(Key::agent(channel.id()).attributes()))
            .update_expression(format!(
                "SET #status = :status, lastActiveAt = :now{since}{set_message}{remove_message}"
            ))
            .condition_expression(condition)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(word))
            .expression_attribute_values(":now", now)
            .set_expression_attribute_values_if(":message", ping.message.as_ref().map(text))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
            .send()
            .await;
        match updated {
            Ok(output) => output.attributes.map(read::<AgentItem>).transpose().map(|agent| agent.map(Agent::from)),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) => Ok(None),
            Err(err) => Err(trouble(err)),
        }
    }
}

/// Values of an expression that are there only sometimes.
trait OptionalValue {
    fn set_expression_attribute_values_if(
        self,
        name: &str,
        value: Option<aws_sdk_dynamodb::types::AttributeValue>,
    ) -> Self;
}

impl OptionalValue for aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
    fn set_expression_attribute_values_if(
        self,
        name: &str,
        value: Option<aws_sdk_dynamodb::types::AttributeValue>,
    ) -> Self {
        match value {
            Some(value) => self.expression_attribute_values(name, value),
            None => self,
        }
    }
}
