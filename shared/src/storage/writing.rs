//! Transactions: built piece by piece, and told apart when they are refused.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{ConditionCheckBuilder, DeleteBuilder, PutBuilder};
use aws_sdk_dynamodb::types::{CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem, Update};

use aws_smithy_types::error::display::DisplayErrorContext;

use crate::error::Error;
use crate::storage::keys::Key;
use crate::storage::{Item, Store, backoff, text, trouble};

/// Writes that happen together or not at all.
#[derive(Clone, Default)]
pub struct Transaction(Vec<TransactWriteItem>);

/// How a transaction ended.
pub enum Outcome {
    Done,
    /// The condition of the write at this position did not hold.
    Refused(usize),
}

impl Transaction {
    /// A put whose condition the caller wrote.
    pub fn put_if(&mut self, put: PutBuilder) -> Result<(), Error> {
        let put = put.build().map_err(Error::internal)?;
        self.0.push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// A put of an item that must not exist yet.
    pub fn create(&mut self, store: &Store, item: Item) -> Result<(), Error> {
        let put = Put::builder().table_name(&*store.table).set_item(Some(item));
        self.put_if(put.condition_expression("attribute_not_exists(pk)"))
    }

    /// A delete, whether or not there is anything.
    pub fn delete(&mut self, store: &Store, key: &Key) -> Result<(), Error> {
        self.push_delete(Delete::builder().table_name(&*store.table).set_key(Some(key.attributes())))
    }

    /// A delete of an item that must be there.
    pub fn delete_existing(&mut self, store: &Store, key: &Key) -> Result<(), Error> {
        let delete = Delete::builder().table_name(&*store.table).set_key(Some(key.attributes()));
        self.push_delete(delete.condition_expression("attribute_exists(pk)"))
    }

    /// A delete of an item that must be there and not have `attribute`.
    pub fn delete_without(&mut self, store: &Store, key: &Key, attribute: &str) -> Result<(), Error> {
        let delete = Delete::builder().table_name(&*store.table).set_key(Some(key.attributes()));
        let condition = "attribute_exists(pk) AND attribute_not_exists(#attribute)";
        self.push_delete(delete.condition_expression(condition).expression_attribute_names("#attribute", attribute))
    }

    /// A delete only while `attribute` is `value`.
    pub fn delete_if(&mut self, store: &Store, key: &Key, attribute: &str, value: &str) -> Result<(), Error> {
        let delete = Delete::builder().table_name(&*store.table).set_key(Some(key.attributes()));
        self.push_delete(
            delete
                .condition_expression("#attribute = :value")
                .expression_attribute_names("#attribute", attribute)
                .expression_attribute_values(":value", text(value)),
        )
    }

    /// Writes the rest only while `attribute` of another item is `value`.
    pub fn check_if(&mut self, store: &Store, key: &Key, attribute: &str, value: &str) -> Result<(), Error> {
        self.check(
            ConditionCheck::builder()
                .table_name(&*store.table)
                .set_key(Some(key.attributes()))
                .condition_expression("#attribute = :value")
                .expression_attribute_names("#attribute", attribute)
                .expression_attribute_values(":value", text(value)),
        )
    }

    /// Writes the rest only while another item is as the caller's condition says.
    pub fn check(&mut self, check: ConditionCheckBuilder) -> Result<(), Error> {
        let check = check.build().map_err(Error::internal)?;
        self.0.push(TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }

    /// A delete whose condition the caller wrote.
    pub fn delete_when(&mut self, delete: DeleteBuilder) -> Result<(), Error> {
        self.push_delete(delete)
    }

    fn push_delete(&mut self, delete: DeleteBuilder) -> Result<(), Error> {
        let delete = delete.build().map_err(Error::internal)?;
        self.0.push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    pub fn update(&mut self, update: Update) {
        self.0.push(TransactWriteItem::builder().update(update).build());
    }
}

impl Store {
    /// Commits, and tries again while other transactions hold the same items. The SDK gives each
    /// call a token, so its own retries never write twice.
    pub(super) async fn commit(&self, transaction: Transaction) -> Result<Outcome, Error> {
        const TRIES: u32 = 6;
        for again in 0..TRIES {
            let writes = transaction.0.clone();
            match self.db.transact_write_items().set_transact_items(Some(writes)).send().await {
                Ok(_) => return Ok(Outcome::Done),
                Err(err) => match refusal(&err) {
                    Some(Refusal::Condition(position)) => return Ok(Outcome::Refused(position)),
                    Some(Refusal::Contention) => tokio::time::sleep(backoff(again)).await,
                    Some(Refusal::Invalid) => return Err(Error::internal(DisplayErrorContext(&err))),
                    None => return Err(trouble(err)),
                },
            }
        }
        Err(Error::unavailable("a transaction kept meeting others on its items"))
    }
}

enum Refusal {
    Condition(usize),
    Contention,
    /// A write that no repeat can make.
    Invalid,
}

fn refusal(err: &SdkError<TransactWriteItemsError>) -> Option<Refusal> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = err.as_service_error() else {
        return None;
    };
    let is = |code: &'static str| move |reason: &CancellationReason| reason.code() == Some(code);
    let reasons = cancelled.cancellation_reasons();
    if let Some(position) = reasons.iter().position(is("ConditionalCheckFailed")) {
        return Some(Refusal::Condition(position));
    }
    if ["ValidationError", "ItemCollectionSizeLimitExceeded"].iter().any(|code| reasons.iter().any(is(code))) {
        return Some(Refusal::Invalid);
    }
    let contention = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    reasons.iter().any(|it| contention.iter().any(|code| is(code)(it))).then_some(Refusal::Contention)
}
