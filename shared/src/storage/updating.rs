//! Conditional updates of one item, and how they end.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure, Update};

use crate::error::Error;
use crate::storage::keys::Key;
use crate::storage::{Item, Store, backoff, trouble};

/// How a conditional update ended: with the item as it is now, either way.
pub enum Updated {
    Made(Item),
    Missed(Option<Item>),
}

impl Store {
    /// An update that tells the whole item, whether its condition holds or not.
    pub(super) fn updating(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// The update as a part of a transaction.
pub fn in_transaction(update: &UpdateItemFluentBuilder) -> Result<Update, Error> {
    let update = update.as_input();
    Update::builder()
        .set_table_name(update.get_table_name().clone())
        .set_key(update.get_key().clone())
        .set_update_expression(update.get_update_expression().clone())
        .set_condition_expression(update.get_condition_expression().clone())
        .set_expression_attribute_names(update.get_expression_attribute_names().clone())
        .set_expression_attribute_values(update.get_expression_attribute_values().clone())
        .build()
        .map_err(Error::internal)
}

/// Sends an update, again while a transaction holds the item.
pub async fn sent(update: UpdateItemFluentBuilder) -> Result<Updated, Error> {
    const TRIES: u32 = 6;
    for again in 0..TRIES {
        match update.clone().send().await {
            Ok(output) => return Ok(Updated::Made(output.attributes.unwrap_or_default())),
            Err(err) => match err.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(missed)) => {
                    return Ok(Updated::Missed(missed.item.clone()));
                }
                Some(UpdateItemError::TransactionConflictException(_)) => tokio::time::sleep(backoff(again)).await,
                _ => return Err(trouble(err)),
            },
        }
    }
    Err(Error::unavailable("an update kept meeting transactions on its item"))
}
