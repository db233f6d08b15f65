//! Deletes items whose `ttl` has passed. DynamoDB does this by itself; the embedded engine does it on
//! request.

use dynoxide::Database;

/// Deletes the expired items of a database.
#[derive(Clone)]
pub struct TtlSweeper(Database);

impl TtlSweeper {
    pub fn new(database: &Database) -> Self {
        Self(database.clone())
    }

    /// Deletes all expired items and returns how many. The engine serves no request meanwhile.
    pub async fn sweep(&self) -> Result<usize, String> {
        let database = self.0.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        swept.map_err(|err| err.to_string())?.map_err(|err| err.to_string())
    }
}
