//! The schema version of the table, and the migrations to it.
//!
//! Each item has the version of the code that made it (`dynamo::version`). The table has the newest
//! of them: code that does not know it refuses to start on the table or to be deployed to it.
//! Items of earlier versions are read as they are, so a deployment needs no migration at once; a
//! migration makes them the current ones, so that what reads them can be removed later.
//!
//! To change what is stored: raise `infra/schema-version`, read both shapes, and add a
//! [`Migration`] here.

use dynamo::check_version;
use dynamo::migration::Migration;
use dynamo::value::{n, s};
use dynamo::version::VERSION;
use dynamo::{Key, Update, attr};
use serde::Deserialize;

use crate::error::Error;
use crate::storage::{Store, keys, reviews};

/// All migrations, each from the version before it.
const MIGRATIONS: &[Migration] = &[
    // Items get a version; nothing else of them changes.
    Migration { to: 1, change: |_, update| Ok(update) },
    // Reviews may be cancelled and may be about an act, which code of version 1 does not know. Existing items stay.
    Migration { to: 2, change: |_, update| Ok(update) },
    // Decided reviews sort by the time of their decision, also among those of their agent.
    Migration { to: 3, change: reviews::place_decided },
];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchemaItem {
    version: u32,
    migrated_to: u32,
    migrating_to: Option<u32>,
    cursor_pk: Option<String>,
    cursor_sk: Option<String>,
}

impl SchemaItem {
    /// Where an interrupted migration to the current version goes on.
    fn cursor(self) -> Option<Key> {
        self.migrating_to.filter(|version| *version == VERSION)?;
        Some(Key::new(self.cursor_pk?, self.cursor_sk?))
    }
}

impl Store {
    /// [`Error::NewerData`] when newer code has written to the table.
    pub async fn check_schema(&self) -> Result<(), Error> {
        Ok(check_version(self.schema().await?.version)?)
    }

    /// Records that this code writes to the table. [`Error::NewerData`] when newer code has written
    /// to it.
    pub async fn claim_schema(&self) -> Result<(), Error> {
        self.claim().await.map(drop)
    }

    /// Migrates the table page by page, from where an interrupted migration ended, and calls
    /// `report` with the number of items changed so far. Gives that number at the end. It may run
    /// while the service is in use, several times at once, and again after it was killed.
    pub async fn migrate(&self, mut report: impl FnMut(usize)) -> Result<usize, Error> {
        let schema = self.claim().await?;
        if schema.migrated_to >= VERSION {
            return Ok(0);
        }
        let (mut from, mut changed) = (schema.cursor(), 0);
        loop {
            let page = self.table.migrate_page(MIGRATIONS, from.as_ref()).await?;
            changed += page.changed;
            report(changed);
            let Some(next) = page.next else { break };
            let update = Update::new(keys::schema()).set("migratingTo", n(VERSION));
            let _ = update.set("cursorPk", s(&next.pk)).set("cursorSk", s(&next.sk)).send_item(&self.table).await?;
            from = Some(next);
        }
        let _ = migrated_to(VERSION).send_item(&self.table).await?;
        Ok(changed)
    }

    /// Migrates all items, also of a table that was migrated before: older ones were copied into it.
    pub async fn migrate_again(&self) -> Result<usize, Error> {
        self.claim().await?;
        // From the beginning, also if the migration before this was interrupted.
        let _ = migrated_to(0).send_item(&self.table).await?;
        self.migrate(|_| ()).await
    }

    /// Claims the schema; one read where nothing is to be recorded. Gives the table's item after it.
    async fn claim(&self) -> Result<SchemaItem, Error> {
        let found = self.schema().await?;
        check_version(found.version)?;
        if found.version == VERSION {
            return Ok(found);
        }
        let older = attr("version").absent().or(attr("version").lt(n(VERSION)));
        let claim = Update::new(keys::schema()).set("version", n(VERSION)).set_if_absent("migratedTo", n(0));
        // A refusal means that another start recorded it, or that newer code did.
        let claimed = claim.when(older).send::<SchemaItem>(&self.table).await?.into_item().unwrap_or_default();
        check_version(claimed.version)?;
        Ok(claimed)
    }

    async fn schema(&self) -> Result<SchemaItem, Error> {
        Ok(self.table.get(&keys::schema()).await?.unwrap_or_default())
    }
}

/// The update that records up to which version everything is migrated, with no migration under way.
fn migrated_to(version: u32) -> Update {
    let update = Update::new(keys::schema()).set("migratedTo", n(version));
    update.remove("migratingTo").remove("cursorPk").remove("cursorSk")
}
