//! Removes items whose `ttl` is past, as DynamoDB does by itself: the embedded engine does it when
//! it is told to.

use dynoxide::Database;

/// The table's items that are there for a time.
#[derive(Clone)]
pub struct TimeToLive(Database);

impl TimeToLive {
    pub fn of(database: &Database) -> Self {
        Self(database.clone())
    }

    /// Removes all that is past; gives how many items that were. Requests take turns with it.
    pub async fn sweep(&self) -> Result<usize, String> {
        let database = self.0.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        swept.map_err(|err| err.to_string())?.map_err(|err| err.to_string())
    }
}
