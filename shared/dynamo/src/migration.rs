//! Migrations: changing stored items from one schema version to the next.
//!
//! A migration reads the table page by page and updates each older item under the condition that
//! its version has not changed meanwhile. It can be stopped and resumed at any page, repeated,
//! and run while the service is in use.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::condition::{attr, item_exists};
use crate::conditional::Conditional;
use crate::error::Error;
use crate::key::Key;
use crate::table::Table;
use crate::update::Update;
use crate::value::{Item, n};
use crate::version::{ATTRIBUTE, VERSION, version_of};

/// How many items one call of a scan reads.
const PAGE_SIZE: i32 = 500;
/// How many items of a page are written at once.
const MAX_CONCURRENCY: usize = 8;
/// How often one item is read again because another write came first.
const MAX_ATTEMPTS: usize = 10;

/// Changes an item of version `to - 1` into one of version `to`.
pub struct Migration {
    /// The version after it.
    pub to: u32,
    /// Adds to an update what has to change in this item. Conditions on the attributes that it
    /// reads make sure that a concurrent write is not lost: the item is read again when they fail.
    pub change: fn(&Item, Update) -> Result<Update, Error>,
}

/// What one page did.
#[derive(Debug)]
pub struct MigratedPage {
    /// How many items were changed.
    pub changed: usize,
    /// Where the next page begins; `None` at the end of the table.
    pub next: Option<Key>,
}

impl Table {
    /// Migrates one page of the table, from its beginning or from where another page ended.
    /// `migrations` are all there are, in order; an item gets those that come after its version.
    pub async fn migrate_page(&self, migrations: &[Migration], from: Option<&Key>) -> Result<MigratedPage, Error> {
        let scan = self.client().scan().table_name(self.name()).consistent_read(true).limit(PAGE_SIZE);
        let page = scan.set_exclusive_start_key(from.map(Key::attributes)).send().await.map_err(Error::sdk)?;
        let older = page.items.unwrap_or_default().into_iter().filter(|item| version_of(item) < VERSION);
        let changed = stream::iter(older)
            .map(|item| self.migrate_item(migrations, item))
            .buffer_unordered(MAX_CONCURRENCY)
            .try_fold(0, async |changed, is_changed| Ok(changed + usize::from(is_changed)))
            .await?;
        Ok(MigratedPage { changed, next: page.last_evaluated_key.as_ref().and_then(Key::of) })
    }

    /// Whether the item was changed: it may be deleted or migrated meanwhile.
    async fn migrate_item(&self, migrations: &[Migration], mut item: Item) -> Result<bool, Error> {
        let Some(key) = Key::of(&item) else { return Ok(false) };
        let mut attempts = 0;
        while version_of(&item) < VERSION {
            let version = version_of(&item);
            let Some(migration) = migrations.iter().find(|migration| migration.to == version + 1) else {
                return Err(Error::internal(format!("there is no migration from version {version}")));
            };
            let is_same = if version == 0 { attr(ATTRIBUTE).absent() } else { attr(ATTRIBUTE).eq(n(version)) };
            let update = Update::new(key.clone()).when(item_exists()).when(is_same);
            match (migration.change)(&item, update)?.set(ATTRIBUTE, n(migration.to)).send_unstamped(self).await? {
                Conditional::Applied(changed) => item = changed,
                Conditional::Refused(None) => return Ok(false),
                Conditional::Refused(Some(current)) if attempts < MAX_ATTEMPTS => {
                    attempts += 1;
                    item = current;
                }
                Conditional::Refused(_) => {
                    return Err(Error::unavailable("an item kept changing during its migration"));
                }
            }
        }
        Ok(true)
    }
}
