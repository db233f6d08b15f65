//! Users, their e-mail addresses, sessions, and failed sign-ins.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use serde::{Deserialize, Serialize};

use crate::auth::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{Credentials, Role, User};
use crate::secrets::{Password, Plain, Presented};
use crate::storage::keys::Key;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Store, read, text, trouble, written};

/// A session ends this long after it was made.
pub const SESSION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Failed sign-ins are counted per address over this window.
const LOGIN_WINDOW: Duration = Duration::from_secs(15 * 60);
const MAX_FAILURES: u64 = 10;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    user: User,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailItem {
    pk: String,
    sk: String,
    user_id: UserId,
    password_hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginItem {
    failures: u64,
    window_ends: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionItem {
    pk: String,
    sk: String,
    user_id: UserId,
    created_at: Timestamp,
    expires_at: Timestamp,
    ttl: i64,
}

/// A session that was just made, with its token.
pub struct NewSession {
    pub user: User,
    pub token: Plain,
    pub life: Duration,
}

impl Store {
    /// Makes a user; `None` when the address is taken.
    pub async fn create_user(
        &self,
        email: &Email,
        password: Password,
        name: &str,
        role: Role,
    ) -> Result<Option<User>, Error> {
        let now = self.clock.now();
        let user = User {
            id: UserId::new(now),
            email: email.as_str().to_owned(),
            display_name: name.to_owned(),
            role,
            must_change_password: false,
            created_at: now,
        };
        let password_hash = password.hash().await?;
        let (at_email, at_user) = (Key::email(email), Key::user(user.id));
        let email = EmailItem { pk: at_email.pk, sk: at_email.sk, user_id: user.id, password_hash };
        let item = UserItem { pk: at_user.pk, sk: at_user.sk, user: user.clone() };
        let mut transaction = Transaction::default();
        transaction.create(self, written(&email)?)?;
        transaction.create(self, written(&item)?)?;
        match self.commit(transaction).await? {
            Outcome::Done => Ok(Some(user)),
            Outcome::Refused(_) => Ok(None),
        }
    }

    /// Whether an address has an account.
    pub async fn has_user(&self, email: &Email) -> Result<bool, Error> {
        let key = Key::email(email);
        Ok(self.get_all(vec![key.clone()]).await?.take::<EmailItem>(&key)?.is_some())
    }

    /// Signs in. The try is counted as failed before it is judged, so that a burst of guesses
    /// cannot outrun the count; a success clears it.
    pub async fn sign_in(&self, credentials: Credentials) -> Result<NewSession, Error> {
        let Credentials { email, password } = credentials;
        self.count_try(&email).await?;
        let key = Key::email(&email);
        let known = self.get_all(vec![key.clone()]).await?.take::<EmailItem>(&key)?;
        let (user_id, hash) = known.map(|item| (item.user_id, item.password_hash)).unzip();
        let right = password.matches(hash).await?;
        let user_id = user_id.filter(|_| right).ok_or(Error::WrongPassword)?;
        self.clear_tries(&email).await?;
        let key = Key::user(user_id);
        let user = self.get_all(vec![key.clone()]).await?.take::<UserItem>(&key)?.ok_or(Error::WrongPassword)?.user;
        self.start_session(user).await
    }

    async fn start_session(&self, user: User) -> Result<NewSession, Error> {
        let (now, token) = (self.clock.now(), Plain::session(user.id));
        let Key { pk, sk } = Key::session(&token.hashed());
        let expires_at = now.plus(SESSION_LIFE);
        let ttl = expires_at.epoch_seconds();
        let item = SessionItem { pk, sk, user_id: user.id, created_at: now, expires_at, ttl };
        self.put_new(written(&item)?).await?;
        Ok(NewSession { user, token, life: SESSION_LIFE })
    }

    /// The user of a presented session, if it is stored, in time, and theirs.
    pub(super) fn verify_session(&self, session: &Presented, item: Option<SessionItem>) -> Result<UserId, Error> {
        let now = self.clock.now();
        item.filter(|item| item.user_id == session.claimed && item.expires_at > now)
            .map(|item| item.user_id)
            .ok_or(Error::NoSession)
    }

    /// The caller themselves.
    pub async fn me(&self, human: &HumanCaller) -> Result<User, Error> {
        let caller = Caller::from(human);
        let key = Key::user(caller.claimed());
        let (_, mut items) = self.admit(caller, std::slice::from_ref(&key)).await?;
        items.take::<UserItem>(&key)?.map(|item| item.user).ok_or(Error::NoSession)
    }

    /// Verifies a caller who must be an owner.
    pub async fn admit_owner(&self, human: &HumanCaller) -> Result<UserId, Error> {
        let user = self.me(human).await?;
        if user.role == Role::Owner { Ok(user.id) } else { Err(Error::OwnerOnly) }
    }

    /// Ends a session; one that does not exist has ended.
    pub async fn end_session(&self, human: &HumanCaller) -> Result<(), Error> {
        let key = Key::session(&human.0.hashed).attributes();
        self.db.delete_item().table_name(&*self.table).set_key(Some(key)).send().await.map_err(trouble)?;
        Ok(())
    }

    /// Counts one more try in the address's window, or opens a new window.
    async fn count_try(&self, email: &Email) -> Result<(), Error> {
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

    async fn clear_tries(&self, email: &Email) -> Result<(), Error> {
        let key = Key::login(email).attributes();
        self.db.delete_item().table_name(&*self.table).set_key(Some(key)).send().await.map_err(trouble)?;
        Ok(())
    }
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
