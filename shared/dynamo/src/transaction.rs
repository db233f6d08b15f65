//! Transactions: writes of several items that happen together or not at all.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use aws_smithy_types::error::display::DisplayErrorContext;

use crate::conditional::Conditional;
use crate::error::Error;
use crate::retry::{MAX_ATTEMPTS, pause};
use crate::table::Table;
use crate::write::Write;

/// Writes that happen together or not at all. Each has a label that says what its refusal means;
/// where several are refused, the first one's label counts.
/// DynamoDB takes at most 100 writes.
#[derive(Clone, Debug)]
pub struct Transaction<L = ()> {
    writes: Vec<(L, Write)>,
}

impl<L> Default for Transaction<L> {
    fn default() -> Self {
        Self { writes: vec![] }
    }
}

impl<L> Transaction<L> {
    /// A transaction without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write under a label.
    pub fn push(&mut self, label: L, write: impl Into<Write>) {
        self.writes.push((label, write.into()));
    }

    /// Commits, again while other transactions hold the same items. The SDK sends a token with each
    /// call, so that its own retries never write twice.
    pub async fn commit(self, table: &Table) -> Result<Conditional<(), L>, Error> {
        let (mut labels, writes): (Vec<L>, Vec<Write>) = self.writes.into_iter().unzip();
        let writes = writes.into_iter().map(|write| write.into_sdk(table.name()));
        let writes = writes.collect::<Result<Vec<TransactWriteItem>, _>>()?;
        for attempt in 0..MAX_ATTEMPTS {
            let request = table.client().transact_write_items().set_transact_items(Some(writes.clone()));
            let Err(err) = request.send().await else { return Ok(Conditional::Applied(())) };
            match Cancellation::of(&err) {
                Some(Cancellation::Condition(position)) if position < labels.len() => {
                    return Ok(Conditional::Refused(labels.swap_remove(position)));
                }
                Some(Cancellation::Contention) => pause(attempt).await,
                Some(Cancellation::Condition(_) | Cancellation::Invalid) => {
                    return Err(Error::internal(DisplayErrorContext(&err)));
                }
                None => return Err(Error::sdk(err)),
            }
        }
        Err(Error::unavailable("a transaction kept meeting others on its items"))
    }
}

impl Transaction<()> {
    /// Adds a write whose refusal means the same as that of every other.
    pub fn add(&mut self, write: impl Into<Write>) {
        self.push((), write);
    }
}

/// Why DynamoDB cancelled a transaction.
enum Cancellation {
    /// The condition of the write at this position did not hold.
    Condition(usize),
    /// Other writes held the same items, or the table was throttled.
    Contention,
    /// A write is invalid: no repeat can make it.
    Invalid,
}

impl Cancellation {
    fn of(err: &SdkError<TransactWriteItemsError>) -> Option<Self> {
        const INVALID: [&str; 2] = ["ValidationError", "ItemCollectionSizeLimitExceeded"];
        const CONTENTION: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = err.as_service_error() else {
            return None;
        };
        let codes: Vec<&str> =
            cancelled.cancellation_reasons().iter().map(|it| CancellationReason::code(it).unwrap_or("None")).collect();
        if let Some(position) = codes.iter().position(|code| *code == "ConditionalCheckFailed") {
            return Some(Self::Condition(position));
        }
        if codes.iter().any(|code| INVALID.contains(code)) {
            return Some(Self::Invalid);
        }
        codes.iter().any(|code| CONTENTION.contains(code)).then_some(Self::Contention)
    }
}
