//! Updates of one item.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{self, ReturnValue, ReturnValuesOnConditionCheckFailure};
use serde::de::DeserializeOwned;

use crate::condition::{Condition, Placeholders};
use crate::conditional::{self, Conditional, RefusedBy};
use crate::error::Error;
use crate::key::Key;
use crate::table::Table;
use crate::value::{Item, Value, n};
use crate::version::{ATTRIBUTE, VERSION};

/// An update of one item. Without a condition it creates the item where there is none.
///
/// Attributes are named by their paths, see [`attr`](crate::attr). Every right-hand side is
/// evaluated on the item before the update.
#[derive(Clone, Debug)]
pub struct Update {
    pub(crate) key: Key,
    pub(crate) placeholders: Placeholders,
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    conditions: Vec<String>,
    returned: ReturnValue,
}

impl Update {
    /// An update of the item at this key that changes nothing yet.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            placeholders: Placeholders::default(),
            set: vec![],
            remove: vec![],
            add: vec![],
            conditions: vec![],
            returned: ReturnValue::AllNew,
        }
    }

    /// Sets an attribute to a value.
    pub fn set(mut self, path: &str, value: Value) -> Self {
        let value = self.placeholders.value(value);
        self.assign(path, value)
    }

    /// Sets an attribute if there is a value for it; leaves it as it is otherwise.
    pub fn set_some(self, path: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.set(path, value),
            None => self,
        }
    }

    /// Sets an attribute to a value, or removes it where there is none.
    pub fn set_or_remove(self, path: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.set(path, value),
            None => self.remove(path),
        }
    }

    /// Sets an attribute unless the item has it.
    pub fn set_if_absent(self, path: &str, value: Value) -> Self {
        self.copy_or(path, path, value)
    }

    /// Sets an attribute to what another one is, or to `default` where the other one is absent.
    pub fn copy_or(mut self, path: &str, from: &str, default: Value) -> Self {
        let (from, default) = (self.placeholders.path(from), self.placeholders.value(default));
        self.assign(path, format!("if_not_exists({from}, {default})"))
    }

    /// Adds to a number that the item has.
    pub fn increase(self, path: &str, by: Value) -> Self {
        self.calculate(path, '+', by)
    }

    /// Subtracts from a number that the item has.
    pub fn decrease(self, path: &str, by: Value) -> Self {
        self.calculate(path, '-', by)
    }

    /// Appends to a list that the item has.
    pub fn append(mut self, path: &str, elements: Vec<Value>) -> Self {
        let (list, elements) = (self.placeholders.path(path), self.placeholders.value(Value::L(elements)));
        self.assign(path, format!("list_append({list}, {elements})"))
    }

    /// Appends to a list, which begins empty where the item has none.
    pub fn append_or_create(mut self, path: &str, elements: Vec<Value>) -> Self {
        let (list, empty) = (self.placeholders.path(path), self.placeholders.value(Value::L(vec![])));
        let elements = self.placeholders.value(Value::L(elements));
        self.assign(path, format!("list_append(if_not_exists({list}, {empty}), {elements})"))
    }

    /// Adds to a number, which begins at 0 where the item has none.
    pub fn add(mut self, path: &str, by: Value) -> Self {
        let (path, by) = (self.placeholders.path(path), self.placeholders.value(by));
        self.add.push(format!("{path} {by}"));
        self
    }

    /// Removes an attribute, if it is there.
    pub fn remove(mut self, path: &str) -> Self {
        let path = self.placeholders.path(path);
        self.remove.push(path);
        self
    }

    /// Updates only while a condition holds, besides the conditions given before.
    pub fn when(mut self, condition: Condition) -> Self {
        let condition = condition.render(&mut self.placeholders);
        self.conditions.push(condition);
        self
    }

    /// Gives the item as it was before the update, instead of after it.
    pub fn returning_before(self) -> Self {
        Self { returned: ReturnValue::AllOld, ..self }
    }

    /// Sends the update, again while a transaction holds the item.
    pub async fn send<T: DeserializeOwned>(self, table: &Table) -> Result<Conditional<T>, Error> {
        self.send_item(table).await?.read()
    }

    /// Like [`Update::send`], with the item as attributes.
    pub async fn send_item(self, table: &Table) -> Result<Conditional<Item>, Error> {
        self.stamped().send_unstamped(table).await
    }

    /// Sends the update as it is: what a migration writes has the version that it says.
    pub(crate) async fn send_unstamped(self, table: &Table) -> Result<Conditional<Item>, Error> {
        let request = table
            .client()
            .update_item()
            .table_name(table.name())
            .set_key(Some(self.key.attributes()))
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.placeholders.names())
            .set_expression_attribute_values(self.placeholders.values())
            .return_values(self.returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let refused = |err: &UpdateItemError| match err {
            UpdateItemError::ConditionalCheckFailedException(refused) => Some(RefusedBy(refused.item.clone())),
            _ => None,
        };
        Ok(match conditional::send(|| request.clone().send(), refused).await? {
            Conditional::Applied(output) => Conditional::Applied(output.attributes.unwrap_or_default()),
            Conditional::Refused(item) => Conditional::Refused(item),
        })
    }

    /// As a write of a transaction.
    pub(crate) fn into_sdk(self, table: &str) -> Result<types::Update, Error> {
        let update = self.stamped();
        types::Update::builder()
            .table_name(table)
            .set_key(Some(update.key.attributes()))
            .update_expression(update.expression())
            .set_condition_expression(update.condition())
            .set_expression_attribute_names(update.placeholders.names())
            .set_expression_attribute_values(update.placeholders.values())
            .build()
            .map_err(Error::internal)
    }

    /// With the stamp of the schema version, unless the item has one.
    fn stamped(self) -> Self {
        self.set_if_absent(ATTRIBUTE, n(VERSION))
    }

    fn expression(&self) -> String {
        let clause = |word: &str, list: &[String]| match list {
            [] => String::new(),
            list => format!("{word} {} ", list.join(", ")),
        };
        clause("SET", &self.set) + &clause("REMOVE", &self.remove) + &clause("ADD", &self.add)
    }

    fn condition(&self) -> Option<String> {
        Some(self.conditions.join(" AND ")).filter(|condition| !condition.is_empty())
    }

    fn assign(mut self, path: &str, value: String) -> Self {
        let path = self.placeholders.path(path);
        self.set.push(format!("{path} = {value}"));
        self
    }

    fn calculate(mut self, path: &str, operator: char, by: Value) -> Self {
        let (number, by) = (self.placeholders.path(path), self.placeholders.value(by));
        self.assign(path, format!("{number} {operator} {by}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{attr, item_exists};
    use crate::value::{n, s};

    #[test]
    fn an_update_has_one_clause_of_each_kind_and_all_its_conditions() {
        let update = Update::new(Key::new("a", "b"))
            .set("status", s("new"))
            .set_some("text", None)
            .copy_or("previous", "secret", Value::Null(true))
            .decrease("tries", n(1))
            .append_or_create("events", vec![s("e")])
            .remove("review.dueSort")
            .add("bytes", n(9))
            .when(item_exists())
            .when(attr("status").eq(s("old")).or(attr("status").absent()));
        assert_eq!(
            update.expression(),
            "SET #n0 = :v0, #n2 = if_not_exists(#n1, :v1), #n3 = #n3 - :v2, \
             #n4 = list_append(if_not_exists(#n4, :v3), :v4) REMOVE #n5.#n6 ADD #n7 :v5 "
        );
        assert_eq!(
            update.condition().as_deref(),
            Some("attribute_exists(#n8) AND (#n0 = :v6 OR attribute_not_exists(#n0))")
        );
    }
}
