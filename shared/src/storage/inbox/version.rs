//! That somebody's inbox shows something else than before: one number per user, which grows. Who
//! shows an inbox waits for it to be another, and reads anew.

use std::collections::HashMap;

use dynamo::value::n;
use dynamo::{SK, Transaction, Update, item_exists};
use serde::Deserialize;
use serde_dynamo::AttributeValue;

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::storage::accounts::while_user_stays;
use crate::storage::inbox::Inbox;
use crate::storage::keys::{self, AGENT, FILES, MESSAGES, OWNER_INDEX};
use crate::storage::webhooks::StreamImage;

/// An agent's signs of life alone are no change: one that says every few seconds that it is still
/// there must not have every open inbox read anew.
const SIGN_OF_LIFE: &str = "lastActiveAt";

#[derive(Deserialize)]
pub(super) struct InboxVersionItem {
    sequence: u64,
}

impl InboxVersionItem {
    /// What is shown of it; nobody has one before their first change.
    pub fn number(item: Option<Self>) -> u64 {
        item.map_or(0, |item| item.sequence)
    }
}

impl Inbox<'_> {
    /// The number of whoever asks, and who they are; strongly consistent.
    pub async fn version(self, human: &HumanCaller) -> Result<(UserId, u64), Error> {
        let key = keys::changes(human.0.claimed);
        let (user, mut items) = self.store.authenticate(human, std::slice::from_ref(&key)).await?;
        Ok((user, InboxVersionItem::number(items.take(&key)?)))
    }

    /// One read of a user's number, for waits: eventually consistent costs half.
    pub async fn poll_version(self, user: UserId, consistent: bool) -> Result<u64, Error> {
        let item = self.store.table.poll(&keys::changes(user), consistent).await?;
        Ok(InboxVersionItem::number(item))
    }

    /// Makes a user's number greater; by how much does not matter, so it may be repeated. The first
    /// change makes it, only while the user stays: after a user's removal none is left.
    pub async fn bump_version(self, user: UserId) -> Result<(), Error> {
        let next = Update::new(keys::changes(user)).add("sequence", n(1));
        let there = next.clone().when(item_exists());
        if there.send_item(&self.store.table).await?.is_applied() {
            return Ok(());
        }
        let mut transaction = Transaction::new();
        transaction.add(while_user_stays(user));
        transaction.add(next);
        // A refusal means that the user is gone, and with the user everybody who would ask.
        let _ = transaction.commit(&self.store.table).await?;
        Ok(())
    }
}

/// Whose inbox shows the change from one image of an item to the next, if any does.
pub fn affected_user(old: Option<&StreamImage>, new: Option<&StreamImage>) -> Option<UserId> {
    let image = new.or(old)?;
    let sort = text(image, SK)?;
    let shown = match sort {
        AGENT => old.map(without_signs_of_life) != new.map(without_signs_of_life),
        sort => sort.starts_with(MESSAGES) || sort.starts_with(FILES),
    };
    if shown { text(image, OWNER_INDEX.pk)?.parse().ok() } else { None }
}

fn text<'a>(image: &'a StreamImage, name: &str) -> Option<&'a str> {
    match image.get(name)? {
        AttributeValue::S(text) => Some(text),
        _ => None,
    }
}

fn without_signs_of_life(agent: &StreamImage) -> HashMap<&str, &AttributeValue> {
    agent.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| *name != SIGN_OF_LIFE).collect()
}
