//! What every page shows of its reader, read in one call.

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::models::{Theme, User};
use crate::storage::inbox::Inbox;
use crate::storage::inbox::version::InboxVersionItem;
use crate::storage::keys;

/// The reader of a page.
#[derive(Clone, Debug)]
pub struct PageContext {
    pub user: User,
    pub theme: Theme,
    /// The version of the reader's inbox ([`Inbox::poll_version`]).
    pub sequence: u64,
    /// Whether lists on the page may not show the last change of that version yet.
    pub is_changing: bool,
}

impl Inbox<'_> {
    pub async fn page_context(self, human: &HumanCaller) -> Result<PageContext, Error> {
        let key = keys::changes(human.0.claimed);
        let (item, mut items) = self.store.accounts().authenticate_person(human, std::slice::from_ref(&key)).await?;
        let version: Option<InboxVersionItem> = items.take(&key)?;
        let now = self.store.clock.now();
        let is_changing = version.as_ref().is_some_and(|version| version.may_precede_lists(now));
        let sequence = InboxVersionItem::number(version);
        let user = item.user.clone();
        Ok(PageContext { user, theme: item.theme.unwrap_or_default(), sequence, is_changing })
    }
}
