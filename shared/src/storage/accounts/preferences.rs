//! Preferences of a person: part of the person's item, so that a page reads both in one call.

use dynamo::value::s;
use dynamo::{Condition, Transaction, Update, attr, item_exists, until_applied};

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::notifications::{EmailEnd, EmailEndReason};
use crate::models::{NotificationPreferences, PatchNotifications, PatchPreferences, Preferences, Theme};
use crate::storage::accounts::Accounts;
use crate::storage::accounts::UserItem;
use crate::storage::{keys, notify_mark};

impl UserItem {
    /// The person's preferences.
    pub(in crate::storage) fn preferences(&self) -> Result<Preferences, Error> {
        Ok(Preferences { theme: self.theme.unwrap_or_default(), notifications: self.notification_preferences()? })
    }
}

impl Accounts<'_> {
    pub async fn preferences(self, human: &HumanCaller) -> Result<Preferences, Error> {
        self.authenticate_person(human, &[]).await?.0.preferences()
    }

    pub async fn update_preferences(self, human: &HumanCaller, patch: PatchPreferences) -> Result<Preferences, Error> {
        match &patch.notifications {
            Some(changes) => self.update_with_notifications(human, patch.theme, changes).await,
            None => self.update_theme(human, patch.theme).await,
        }
    }

    async fn update_theme(self, human: &HumanCaller, theme: Option<Theme>) -> Result<Preferences, Error> {
        let (item, _) = self.authenticate_person(human, &[]).await?;
        let Some(theme) = theme else { return item.preferences() };
        let update = Update::new(keys::user(item.user.id)).set("theme", s(theme.word())).when(is_there());
        let item = update.send::<UserItem>(&self.store.table).await?.or_else(|_| Error::NoSession)?;
        item.preferences()
    }

    async fn update_with_notifications(
        self,
        human: &HumanCaller,
        theme: Option<Theme>,
        changes: &PatchNotifications,
    ) -> Result<Preferences, Error> {
        until_applied("preferences", || async {
            let (item, _) = self.authenticate_person(human, &[]).await?;
            let (user, before) = (item.user.id, item.preferences()?);
            let notifications = changes.applied_to(&before.notifications);
            let update = update_notifications(&item, &notifications)?;
            let mut transaction = Transaction::new();
            transaction.add(update.set_some("theme", theme.map(|theme| s(theme.word()))));
            if notifications.is_any_enabled() {
                transaction.add(notify_mark::set(user, self.store.clock.now()));
            }
            let after = Preferences { theme: theme.unwrap_or(before.theme), notifications };
            Ok(transaction.commit(&self.store.table).await?.is_applied().then_some(after))
        })
        .await
    }

    /// Ends the e-mails to a person, if their address is still this one; any address without one. Gives whether the person
    /// is there.
    pub async fn end_email(self, user: UserId, address: Option<&str>, reason: EmailEndReason) -> Result<bool, Error> {
        until_applied("preferences", || async {
            let key = keys::user(user);
            let person = self.store.table.get::<UserItem>(&key).await?.filter(|person| person.removing.is_none());
            let Some(item) = person else { return Ok(Some(false)) };
            if address.is_some_and(|address| !address.eq_ignore_ascii_case(&item.user.email)) {
                return Ok(Some(true));
            }
            let mut preferences = item.notification_preferences()?;
            if preferences.email_ended.is_some() {
                return Ok(Some(true));
            }
            preferences.email.enabled = false;
            preferences.email_ended = Some(EmailEnd { reason, at: self.store.clock.now() });
            let update = update_notifications(&item, &preferences)?;
            Ok(update.send_item(&self.store.table).await?.is_applied().then_some(true))
        })
        .await
    }
}

/// The write that changes a person's preferences of notifications, while they are what was read.
pub(in crate::storage) fn update_notifications(
    read: &UserItem,
    after: &NotificationPreferences,
) -> Result<Update, Error> {
    let is_unchanged = attr("notifications").is_still(read.notifications.as_ref().map(s));
    let after = serde_json::to_string(after).map_err(Error::internal)?;
    let update = Update::new(keys::user(read.user.id)).set("notifications", s(after));
    Ok(update.when(is_there()).when(is_unchanged))
}

fn is_there() -> Condition {
    item_exists().and(attr("removing").absent())
}
