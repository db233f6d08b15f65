//! The mark of users who may have to be notified of requests. It is an attribute of the item that every change of a
//! user's inbox updates anyway, so that nothing is read for all others.

use dynamo::value::{n, s};
use dynamo::{Table, Update, attr};
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::storage::keys;

/// When something to be notified on was last added.
#[derive(Clone, Copy, Debug)]
pub struct NotifyMark(Timestamp);

/// The attributes of the item that has the mark.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::storage) struct NotifyMarkItem {
    notify_since: Option<Timestamp>,
}

impl NotifyMarkItem {
    pub fn mark(self) -> Option<NotifyMark> {
        self.notify_since.map(NotifyMark)
    }
}

/// The write that sets a user's mark. It also counts as a change of the inbox, since it may create the item.
pub(in crate::storage) fn set(user: UserId, now: Timestamp) -> Update {
    Update::new(keys::changes(user)).add("sequence", n(1)).set("changedAt", s(now)).set("notifySince", s(now))
}

/// Removes the mark of a user who has nothing to be notified on, unless it was set again since it was read.
pub(in crate::storage) async fn clear(table: &Table, user: UserId, mark: NotifyMark) -> Result<(), Error> {
    let clear = Update::new(keys::changes(user)).remove("notifySince").when(attr("notifySince").eq(s(mark.0)));
    let _ = clear.send_item(table).await?;
    Ok(())
}
