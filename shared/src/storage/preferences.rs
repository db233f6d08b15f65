//! What a person prefers: kept with the person, so that a page learns it with who they are.

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::models::{PatchPreferences, Preferences};
use crate::storage::Store;
use crate::storage::accounts::UserItem;
use crate::storage::keys;
use dynamo::value::s;
use dynamo::{Update, attr, item_exists};

impl From<UserItem> for Preferences {
    fn from(item: UserItem) -> Self {
        Self { theme: item.theme.unwrap_or_default() }
    }
}

impl Store {
    pub async fn preferences(&self, human: &HumanCaller) -> Result<Preferences, Error> {
        self.admit_person(human, &[]).await.map(|(item, _)| item.into())
    }

    pub async fn change_preferences(&self, human: &HumanCaller, patch: PatchPreferences) -> Result<Preferences, Error> {
        let (item, _) = self.admit_person(human, &[]).await?;
        let Some(theme) = patch.theme else { return Ok(item.into()) };
        let update = Update::new(keys::user(item.user.id))
            .set("theme", s(theme.word()))
            .when(item_exists().and(attr("removing").absent()));
        let item = update.send::<UserItem>(&self.table).await?.or_else(|_| Error::NoSession)?;
        Ok(item.into())
    }
}
