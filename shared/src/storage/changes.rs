//! That somebody's inbox shows something else than before: one number per user, which grows. Who
//! shows an inbox waits for it to be another, and reads anew.

use std::collections::HashMap;

use serde::Deserialize;
use serde_dynamo::AttributeValue;

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::storage::keys::{AGENT, FILES, Key, MESSAGES, OWNER_ID, SK};
use crate::storage::outbox::Image;
use crate::storage::updating::{self, Updated, in_transaction};
use crate::storage::writing::Transaction;
use crate::storage::{Store, number, read, trouble};

/// An agent's signs of life alone are no change: one that says every few seconds that it is still
/// there must not have every open inbox read anew.
const SIGN_OF_LIFE: &str = "lastActiveAt";

#[derive(Deserialize)]
pub(super) struct ChangesItem {
    sequence: u64,
}

impl ChangesItem {
    /// What is shown of it; nobody has one before their first change.
    pub fn number(item: Option<Self>) -> u64 {
        item.map_or(0, |item| item.sequence)
    }
}

impl Store {
    /// The number of whoever asks, and who they are; strongly consistent.
    pub async fn changes_for(&self, human: &HumanCaller) -> Result<(UserId, u64), Error> {
        let key = Key::changes(human.0.claimed);
        let (user, mut items) = self.admit(human, std::slice::from_ref(&key)).await?;
        Ok((user, ChangesItem::number(items.take(&key)?)))
    }

    /// One read of a user's number, for waits: eventually consistent costs half.
    pub async fn changes(&self, user: UserId, consistent: bool) -> Result<u64, Error> {
        let get = self.db.get_item().table_name(&*self.table).set_key(Some(Key::changes(user).attributes()));
        let item = get.consistent_read(consistent).send().await.map_err(trouble)?.item;
        Ok(ChangesItem::number(item.map(read).transpose()?))
    }

    /// Makes a user's number greater; by how much does not matter, so it may be repeated. The first
    /// change makes it, only while the user stays: after a user's removal none is left.
    pub async fn note_change(&self, user: UserId) -> Result<(), Error> {
        let next = self
            .updating(&Key::changes(user))
            .update_expression("ADD #sequence :one")
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_values(":one", number(1));
        let there = next.clone().condition_expression("attribute_exists(pk)");
        if let Updated::Made(_) = updating::sent(there).await? {
            return Ok(());
        }
        let mut transaction = Transaction::default();
        self.while_user_stays(&mut transaction, user)?;
        transaction.update(in_transaction(&next)?);
        // Refused: the user is gone, and nobody will ask.
        self.commit(transaction).await.map(drop)
    }
}

/// Whose inbox shows the change from one image of an item to the next, if any does.
pub fn shown_to(old: Option<&Image>, new: Option<&Image>) -> Option<UserId> {
    let image = new.or(old)?;
    let sort = text(image, SK)?;
    let shown = match sort {
        AGENT => old.map(without_signs_of_life) != new.map(without_signs_of_life),
        sort => sort.starts_with(MESSAGES) || sort.starts_with(FILES),
    };
    if shown { text(image, OWNER_ID)?.parse().ok() } else { None }
}

fn text<'a>(image: &'a Image, name: &str) -> Option<&'a str> {
    match image.get(name)? {
        AttributeValue::S(text) => Some(text),
        _ => None,
    }
}

fn without_signs_of_life(agent: &Image) -> HashMap<&str, &AttributeValue> {
    agent.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| *name != SIGN_OF_LIFE).collect()
}
