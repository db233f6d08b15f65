//! Changes of an agent's item: only the attributes that change are written, and only while the
//! agent is there and not being removed.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, Update};

use crate::error::Error;
use crate::ids::AgentId;
use crate::models::Change;
use crate::storage::agents::AgentItem;
use crate::storage::keys::Key;
use crate::storage::{Store, backoff, read, trouble};

/// An update, piece by piece.
pub(super) struct AgentUpdate {
    set: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

/// How an update ended.
pub(super) enum Changed {
    /// With the item before or after, as was asked for.
    Done(AgentItem),
    /// With the item that its condition did not hold for, if there is one.
    Refused(Option<AgentItem>),
}

impl AgentUpdate {
    pub fn new() -> Self {
        Self {
            set: vec![],
            remove: vec![],
            conditions: vec!["attribute_exists(pk) AND attribute_not_exists(deletedAt)".to_owned()],
            names: HashMap::new(),
            values: HashMap::new(),
        }
    }

    pub fn set(self, attribute: &str, value: AttributeValue) -> Self {
        let mut update = self.named(attribute).value(&format!(":{attribute}"), value);
        update.set.push(format!("#{attribute} = :{attribute}"));
        update
    }

    /// Sets an attribute to an expression over `#` names and `:` values.
    pub fn set_to(self, attribute: &str, expression: &str) -> Self {
        let mut update = self.named(attribute);
        update.set.push(format!("#{attribute} = {expression}"));
        update
    }

    pub fn remove(self, attribute: &str) -> Self {
        let mut update = self.named(attribute);
        update.remove.push(format!("#{attribute}"));
        update
    }

    /// Sets the value, or removes what has none.
    pub fn set_or_remove(self, attribute: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(attribute, value),
            None => self.remove(attribute),
        }
    }

    pub fn change<T>(self, attribute: &str, change: Change<T>, written: impl FnOnce(T) -> AttributeValue) -> Self {
        match change {
            Change::Keep => self,
            Change::Clear => self.remove(attribute),
            Change::Set(value) => self.set(attribute, written(value)),
        }
    }

    /// Only while an attribute is `value`, or is absent.
    pub fn while_is(self, attribute: &str, value: Option<AttributeValue>) -> Self {
        let update = self.named(attribute);
        match value {
            Some(value) => {
                let was = format!(":was_{attribute}");
                update.value(&was, value).when(&format!("#{attribute} = {was}"))
            }
            None => update.when(&format!("attribute_not_exists(#{attribute})")),
        }
    }

    pub fn when(mut self, condition: &str) -> Self {
        self.conditions.push(format!("({condition})"));
        self
    }

    pub fn named(mut self, attribute: &str) -> Self {
        self.names.insert(format!("#{attribute}"), attribute.to_owned());
        self
    }

    pub fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    fn expression(&self) -> String {
        let part = |word: &str, list: &[String]| match list {
            [] => String::new(),
            list => format!("{word} {} ", list.join(", ")),
        };
        part("SET", &self.set) + &part("REMOVE", &self.remove)
    }

    /// As one write of a transaction.
    pub fn in_transaction(self, store: &Store, agent: AgentId) -> Result<Update, Error> {
        Update::builder()
            .table_name(&*store.table)
            .set_key(Some(Key::agent(agent).attributes()))
            .update_expression(self.expression())
            .condition_expression(self.conditions.join(" AND "))
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values).filter(|values| !values.is_empty()))
            .build()
            .map_err(Error::internal)
    }
}

impl Store {
    /// Sends an update, again while a transaction holds the item.
    pub(super) async fn write_agent(
        &self,
        agent: AgentId,
        update: AgentUpdate,
        returned: ReturnValue,
    ) -> Result<Changed, Error> {
        const TRIES: u32 = 6;
        let request = self
            .db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(Key::agent(agent).attributes()))
            .update_expression(update.expression())
            .condition_expression(update.conditions.join(" AND "))
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values).filter(|values| !values.is_empty()))
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for again in 0..TRIES {
            match request.clone().send().await {
                Ok(output) => return read(output.attributes.unwrap_or_default()).map(Changed::Done),
                Err(err) if err.code() == Some("TransactionConflictException") => {
                    tokio::time::sleep(backoff(again)).await;
                }
                Err(err) => match err.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                        return refused.item.clone().map(read).transpose().map(Changed::Refused);
                    }
                    _ => return Err(trouble(err)),
                },
            }
        }
        Err(Error::unavailable("an agent's item was held by transactions"))
    }

    /// An update without a condition of its own: it fails only for an agent that is gone. Gives
    /// the item after it.
    pub(super) async fn change_agent(&self, agent: AgentId, update: AgentUpdate) -> Result<AgentItem, Error> {
        match self.write_agent(agent, update, ReturnValue::AllNew).await? {
            Changed::Done(item) => Ok(item),
            Changed::Refused(_) => Err(Error::NotYourAgent),
        }
    }
}
