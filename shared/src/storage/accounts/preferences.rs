//! Preferences of a person: part of the person's item, so that a page reads both in one call.

use dynamo::value::s;
use dynamo::{Update, attr, item_exists};

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::models::{PatchPreferences, Preferences};
use crate::storage::accounts::Accounts;
use crate::storage::accounts::UserItem;
use crate::storage::keys;

impl From<UserItem> for Preferences {
    fn from(item: UserItem) -> Self {
        Self { theme: item.theme.unwrap_or_default() }
    }
}

impl Accounts<'_> {
    pub async fn preferences(self, human: &HumanCaller) -> Result<Preferences, Error> {
        self.authenticate_person(human, &[]).await.map(|(item, _)| item.into())
    }

    pub async fn update_preferences(self, human: &HumanCaller, patch: PatchPreferences) -> Result<Preferences, Error> {
        let (item, _) = self.authenticate_person(human, &[]).await?;
        let Some(theme) = patch.theme else { return Ok(item.into()) };
        let update = Update::new(keys::user(item.user.id))
            .set("theme", s(theme.word()))
            .when(item_exists().and(attr("removing").absent()));
        let item = update.send::<UserItem>(&self.store.table).await?.or_else(|_| Error::NoSession)?;
        Ok(item.into())
    }
}
