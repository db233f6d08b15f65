//! Writes of one item: puts, deletes and checks, alone or in a transaction.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{self, TransactWriteItem};

use crate::condition::{Condition, Placeholders, item_absent};
use crate::conditional::{self, RefusedBy};
use crate::error::Error;
use crate::key::Key;
use crate::table::Table;
use crate::update::Update;
use crate::value::{Item, n};
use crate::version::{ATTRIBUTE, VERSION};

/// A put: the item replaces whatever is at its key.
#[derive(Clone, Debug)]
pub struct Put {
    item: Item,
    guard: Guard,
}

/// A delete: nothing is at the key afterwards.
#[derive(Clone, Debug)]
pub struct Delete {
    key: Key,
    guard: Guard,
}

/// A condition on an item that the transaction does not write.
#[derive(Clone, Debug)]
pub struct Check {
    key: Key,
    guard: Guard,
}

/// Any write of a transaction.
#[derive(Clone, Debug)]
pub enum Write {
    Put(Put),
    Update(Update),
    Delete(Delete),
    Check(Check),
}

/// A condition, if there is one, and its placeholders.
#[derive(Clone, Debug, Default)]
struct Guard {
    condition: Option<String>,
    placeholders: Placeholders,
}

impl Guard {
    fn of(condition: Condition) -> Self {
        let mut placeholders = Placeholders::default();
        Self { condition: Some(condition.render(&mut placeholders)), placeholders }
    }
}

/// A request of the SDK, or a builder of one, with a guard's condition and placeholders.
macro_rules! guarded {
    ($request:expr, $guard:expr) => {
        $request
            .set_condition_expression($guard.condition)
            .set_expression_attribute_names($guard.placeholders.names())
            .set_expression_attribute_values($guard.placeholders.values())
    };
}

impl Put {
    /// A put of this item, whose key is among its attributes.
    pub fn new(item: Item) -> Self {
        Self { item, guard: Guard::default() }
    }

    /// A put of an item that must not exist yet.
    pub fn create(item: Item) -> Self {
        Self::new(item).when(item_absent())
    }

    /// Puts only while a condition holds, in place of one given before.
    pub fn when(self, condition: Condition) -> Self {
        Self { guard: Guard::of(condition), ..self }
    }

    /// Sends the put, again while a transaction holds the item. Gives whether the condition held.
    pub async fn send(mut self, table: &Table) -> Result<bool, Error> {
        stamp(&mut self.item);
        let request = table.client().put_item().table_name(table.name()).set_item(Some(self.item));
        let request = guarded!(request, self.guard);
        let refused = |err: &PutItemError| err.is_conditional_check_failed_exception().then_some(RefusedBy(None));
        conditional::send(|| request.clone().send(), refused).await.map(|sent| sent.is_applied())
    }

    fn into_sdk(self, table: &str) -> Result<types::Put, Error> {
        let Self { mut item, guard } = self;
        stamp(&mut item);
        let put = types::Put::builder().table_name(table).set_item(Some(item));
        guarded!(put, guard).build().map_err(Error::internal)
    }
}

impl Delete {
    /// A delete of the item at this key, whether or not there is one.
    pub fn new(key: Key) -> Self {
        Self { key, guard: Guard::default() }
    }

    /// Deletes only while a condition holds, in place of one given before.
    pub fn when(self, condition: Condition) -> Self {
        Self { guard: Guard::of(condition), ..self }
    }

    /// Sends the delete, again while a transaction holds the item. Gives whether the condition held.
    pub async fn send(self, table: &Table) -> Result<bool, Error> {
        let request = table.client().delete_item().table_name(table.name()).set_key(Some(self.key.attributes()));
        let request = guarded!(request, self.guard);
        let refused = |err: &DeleteItemError| err.is_conditional_check_failed_exception().then_some(RefusedBy(None));
        conditional::send(|| request.clone().send(), refused).await.map(|sent| sent.is_applied())
    }

    fn into_sdk(self, table: &str) -> Result<types::Delete, Error> {
        let Self { key, guard } = self;
        let delete = types::Delete::builder().table_name(table).set_key(Some(key.attributes()));
        guarded!(delete, guard).build().map_err(Error::internal)
    }
}

impl Check {
    /// Lets the transaction pass only while this holds for the item at this key.
    pub fn new(key: Key, condition: Condition) -> Self {
        Self { key, guard: Guard::of(condition) }
    }

    fn into_sdk(self, table: &str) -> Result<types::ConditionCheck, Error> {
        let Self { key, guard } = self;
        let check = types::ConditionCheck::builder().table_name(table).set_key(Some(key.attributes()));
        guarded!(check, guard).build().map_err(Error::internal)
    }
}

/// Stamps an item that is about to be put.
fn stamp(item: &mut Item) {
    item.insert(ATTRIBUTE.to_owned(), n(VERSION));
}

impl Table {
    /// Puts an item in place of whatever is at its key.
    pub async fn put(&self, item: Item) -> Result<(), Error> {
        Put::new(item).send(self).await.map(drop)
    }

    /// Puts an item whose id was just made. When the SDK sends it twice, with the first reply
    /// lost, the second must not overwrite what has become of the item meanwhile: that it is
    /// there already means that it was written.
    pub async fn put_new(&self, item: Item) -> Result<(), Error> {
        Put::create(item).send(self).await.map(drop)
    }

    /// Deletes an item, whether or not it is there.
    pub async fn delete(&self, key: &Key) -> Result<(), Error> {
        Delete::new(key.clone()).send(self).await.map(drop)
    }
}

impl From<Put> for Write {
    fn from(put: Put) -> Self {
        Self::Put(put)
    }
}

impl From<Update> for Write {
    fn from(update: Update) -> Self {
        Self::Update(update)
    }
}

impl From<Delete> for Write {
    fn from(delete: Delete) -> Self {
        Self::Delete(delete)
    }
}

impl From<Check> for Write {
    fn from(check: Check) -> Self {
        Self::Check(check)
    }
}

impl Write {
    pub(crate) fn into_sdk(self, table: &str) -> Result<TransactWriteItem, Error> {
        let item = TransactWriteItem::builder();
        let item = match self {
            Self::Put(put) => item.put(put.into_sdk(table)?),
            Self::Update(update) => item.update(update.into_sdk(table)?),
            Self::Delete(delete) => item.delete(delete.into_sdk(table)?),
            Self::Check(check) => item.condition_check(check.into_sdk(table)?),
        };
        Ok(item.build())
    }
}
