//! Who looks at a page: what every page shows of them, in one call.

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::models::{Preferences, Theme, User};
use crate::storage::Store;
use crate::storage::changes::ChangesItem;
use crate::storage::keys;

/// A person who looks at a page.
#[derive(Clone, Debug)]
pub struct Visit {
    pub user: User,
    pub theme: Theme,
    /// The number of the last change of what they are shown ([`Store::changes`]).
    pub sequence: u64,
}

impl Store {
    pub async fn visit(&self, human: &HumanCaller) -> Result<Visit, Error> {
        let key = keys::changes(human.0.claimed);
        let (item, mut items) = self.admit_person(human, std::slice::from_ref(&key)).await?;
        let sequence = ChangesItem::number(items.take(&key)?);
        let user = item.user.clone();
        Ok(Visit { user, theme: Preferences::from(item).theme, sequence })
    }
}
