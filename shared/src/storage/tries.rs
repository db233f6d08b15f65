//! Tries of a password, counted per address: in the table, so that all instances count together.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::models::account::Email;
use crate::storage::keys::Key;
use crate::storage::{Store, number, read, text, trouble, written};

/// Failed sign-ins are counted per address over this window.
const LOGIN_WINDOW: Duration = Duration::from_secs(15 * 60);
const MAX_FAILURES: u64 = 10;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginItem {
    failures: u64,
    window_ends: Timestamp,
}

impl Store {
    /// Counts one more try in the address's window, or opens a new window.
    pub(super) async fn count_try(&self, email: &Email) -> Result<(), Error> {
        let now = self.clock.now();
        if self.count_in_window(email, now).await? {
            return Ok(());
        }
        // Lost when another try opened the window meanwhile; then that one counts this try.
        if self.open_window(email, now).await? || self.count_in_window(email, now).await? {
            return Ok(());
        }
        Err(Error::unavailable("the count of failed sign-ins kept changing"))
    }

    /// Whether the try was counted in a window that is open; an error when that is full.
    async fn count_in_window(&self, email: &Email, now: Timestamp) -> Result<bool, Error> {
        let counted = self
            .db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(Key::login(email).attributes()))
            .update_expression("ADD failures :one")
            .condition_expression("windowEnds > :now AND failures < :max")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(MAX_FAILURES))
            .expression_attribute_values(":now", text(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(err) = counted else { return Ok(true) };
        let refused = err.as_service_error().and_then(|it| match it {
            UpdateItemError::ConditionalCheckFailedException(refused) => Some(refused.item.clone()),
            _ => None,
        });
        let Some(item) = refused else { return Err(trouble(err)) };
        let full = item.map(read::<LoginItem>).transpose()?.filter(|it| it.window_ends > now);
        match full {
            Some(login) => {
                // A clock that is behind the one that opened the window would say a little more.
                let wait = now.until(login.window_ends).min(LOGIN_WINDOW);
                Err(Error::TooManyTries { retry_after_seconds: wait.as_millis().div_ceil(1000) as u64 })
            }
            None => Ok(false),
        }
    }

    async fn open_window(&self, email: &Email, now: Timestamp) -> Result<bool, Error> {
        let ends = now.plus(LOGIN_WINDOW);
        let mut item = Key::login(email).attributes();
        item.extend(written(&LoginItem { failures: 1, window_ends: ends })?);
        item.insert("ttl".to_owned(), number(ends.epoch_seconds().unsigned_abs()));
        let put = self
            .db
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR windowEnds <= :now")
            .expression_attribute_values(":now", text(now));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(err) => Err(trouble(err)),
        }
    }

    pub(super) async fn clear_tries(&self, email: &Email) -> Result<(), Error> {
        let key = Key::login(email).attributes();
        self.db.delete_item().table_name(&*self.table).set_key(Some(key)).send().await.map_err(trouble)?;
        Ok(())
    }
}
