//! The version of what a user's inbox shows: a number that grows with every change. Open inboxes wait for
//! another number, and then read again.

use std::collections::HashMap;
use std::time::Duration;

use dynamo::value::{n, s};
use dynamo::{Conditional, SK, Transaction, Update, item_exists};
use serde::Deserialize;
use serde_dynamo::AttributeValue;

use crate::caller::HumanCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::storage::accounts::while_user_stays;
use crate::storage::files::StoredGrowth;
use crate::storage::inbox::Inbox;
use crate::storage::keys::{self, AGENT, CLEANUPS, FILES, MESSAGES, OWNER_INDEX};
use crate::storage::notify_mark::{NotifyMark, NotifyMarkItem};
use crate::storage::webhooks::{StreamImage, text_of};

/// A heartbeat alone is no change: an agent that reports every few seconds must not make every open inbox read
/// again.
const LAST_ACTIVE: &str = "lastActiveAt";

/// How long after a change the index `owner` may not show it yet. Shorter than the pause before a page refreshes itself for
/// what it has done (`OWN_PAUSE` in web/scripts/refresh.js), so that one refresh is enough.
const INDEX_LAG: Duration = Duration::from_millis(2_500);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InboxVersionItem {
    sequence: u64,
    /// When it was last increased. Items of earlier versions have none.
    changed_at: Option<Timestamp>,
}

impl InboxVersionItem {
    /// The version; 0 before the first change.
    pub fn number(item: Option<Self>) -> u64 {
        item.map_or(0, |item| item.sequence)
    }

    /// Whether a list may not show the last change yet.
    pub fn may_precede_lists(&self, now: Timestamp) -> bool {
        self.changed_at.is_some_and(|changed| changed.plus(INDEX_LAG) > now)
    }
}

impl Inbox<'_> {
    /// The caller's version, with the caller's user id; strongly consistent.
    pub async fn version(self, human: &HumanCaller) -> Result<(UserId, u64), Error> {
        let key = keys::changes(human.0.claimed);
        let (user, mut items) = self.store.authenticate(human, std::slice::from_ref(&key)).await?;
        Ok((user, InboxVersionItem::number(items.take(&key)?)))
    }

    /// One read of a user's version, for long polls: an eventually consistent read costs half.
    pub async fn poll_version(self, user: UserId, consistent: bool) -> Result<u64, Error> {
        let item = self.store.table.poll(&keys::changes(user), consistent).await?;
        Ok(InboxVersionItem::number(item))
    }

    /// Increases a user's version; by how much does not matter, so the call may be repeated. The first change
    /// creates the item, on the condition that the user exists: after a user's deletion none remains. Returns the mark of
    /// a user who may have to be notified, which costs no read of its own.
    pub async fn bump_version(self, user: UserId) -> Result<Option<NotifyMark>, Error> {
        self.record_change(user, StoredGrowth::default()).await
    }

    /// The same for a change by which what the user stores grows. If it is repeated, the sums are wrong until what is
    /// stored is counted again.
    pub async fn record_change(self, user: UserId, stored: StoredGrowth) -> Result<Option<NotifyMark>, Error> {
        let next = Update::new(keys::changes(user)).add("sequence", n(1)).set("changedAt", s(self.store.clock.now()));
        let next = stored.add_to(next);
        let there = next.clone().when(item_exists());
        if let Conditional::Applied(item) = there.send::<NotifyMarkItem>(&self.store.table).await? {
            return Ok(item.mark());
        }
        let mut transaction = Transaction::new();
        transaction.add(while_user_stays(user));
        transaction.add(next);
        // A refusal means that the user is deleted: no inbox asks for the version any more.
        let _ = transaction.commit(&self.store.table).await?;
        Ok(None)
    }
}

/// The user whose inbox shows the change from one image of an item to the next, or who stores more or less by it, if
/// anybody does.
pub fn affected_user(old: Option<&StreamImage>, new: Option<&StreamImage>) -> Option<UserId> {
    let image = new.or(old)?;
    let sort = text_of(image, SK)?;
    let shown = match sort {
        AGENT => old.map(without_signs_of_life) != new.map(without_signs_of_life),
        // Of cleanup records, only those of archives have an owner.
        sort => [MESSAGES, FILES, CLEANUPS].iter().any(|prefix| sort.starts_with(prefix)),
    };
    if shown { text_of(image, OWNER_INDEX.pk)?.parse().ok() } else { None }
}

fn without_signs_of_life(agent: &StreamImage) -> HashMap<&str, &AttributeValue> {
    agent.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| *name != LAST_ACTIVE).collect()
}
