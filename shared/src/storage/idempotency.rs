//! Repeatable calls that create a file or an agent: a record says what an `Idempotency-Key` created, and with
//! which body. It is written in one transaction with what the call creates, and expires after [`RETENTION`].
//! Messages have records of their own (`messages::idempotency`).

use std::time::Duration;

use dynamo::value::{s, to_item};
use dynamo::{Items, Key, Put, attr, item_absent};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::storage::Store;

/// How long a key is remembered.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// The key of a call that is safe to repeat.
pub struct IdempotentCall {
    pub client_id: String,
    pub body_hash: String,
}

/// Where a key counts: the same one at another route is another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOf {
    Store,
    StoreText,
    Upload,
    Presign,
    CreateAgent,
}

impl CallOf {
    pub fn word(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::StoreText => "store-text",
            Self::Upload => "upload",
            Self::Presign => "presign",
            Self::CreateAgent => "agents",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallItem {
    pk: String,
    sk: String,
    /// The id of what the call made.
    made: String,
    body_hash: String,
    ttl: i64,
}

/// A call that is safe to repeat.
#[derive(Clone)]
pub(super) struct Call {
    pub key: Key,
    body_hash: String,
    /// What an earlier call created that was deleted since.
    gone: Option<String>,
}

impl Call {
    pub fn new(key: Key, once: IdempotentCall) -> Self {
        Self { key, body_hash: once.body_hash, gone: None }
    }

    /// The id of what an equal call made, if there was one.
    pub fn earlier(&mut self, items: &mut Items) -> Result<Option<String>, Error> {
        let Some(record) = items.take::<CallItem>(&self.key)? else { return Ok(None) };
        if record.body_hash != self.body_hash {
            return Err(Error::IdempotencyConflict);
        }
        self.gone = Some(record.made.clone());
        Ok(Some(record.made))
    }
}

impl Store {
    /// The put that records what a call creates, refused if an equal call has recorded something. A record of
    /// something that was deleted is replaced.
    pub(super) fn call_record(&self, call: &Call, made: impl ToString) -> Result<Put, Error> {
        let Key { pk, sk } = call.key.clone();
        let ttl = self.clock.now().plus(RETENTION).epoch_seconds();
        let record = CallItem { pk, sk, made: made.to_string(), body_hash: call.body_hash.clone(), ttl };
        let put = Put::new(to_item(&record)?);
        Ok(match &call.gone {
            None => put.when(item_absent()),
            Some(gone) => put.when(item_absent().or(attr("made").eq(s(gone)))),
        })
    }

    /// What the equal call that was first has created.
    pub(super) async fn made_by_equal_call(&self, call: &Call) -> Result<String, Error> {
        let mut items = self.table.get_items(vec![call.key.clone()]).await?;
        let made = call.clone().earlier(&mut items)?;
        made.ok_or_else(|| Error::unavailable("the record of an equal call went meanwhile"))
    }
}
