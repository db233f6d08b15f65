//! Accounts as their own people use them: making one, signing in, changing the password.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Update};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::auth::{Caller, HumanCaller, OwnerCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{self, UserId};
use crate::limits::guesses;
use crate::models::account::Email;
use crate::models::{ChangePassword, Credentials, Role, Theme, User};
use crate::secrets::Password;
use crate::storage::keys::Key;
use crate::storage::sessions::NewSession;
use crate::storage::tries::Judged;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Items, Store, number, text, written};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    pub user: User,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// Since when this user is being removed: who has it is nobody any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removing: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmailItem {
    pk: String,
    sk: String,
    pub user_id: UserId,
    pub password_hash: String,
    pub password_id: String,
}

/// A stored password: its hash, and the id that tells it from any other, the same text set twice
/// included.
pub(super) struct StoredPassword {
    pub id: String,
    pub hash: String,
}

/// Which password somebody knows.
enum Known {
    Current,
    /// The one they wanted to set, which is the current one already.
    New,
}

/// A user to be made.
pub(super) struct UserToMake<'a> {
    pub email: &'a Email,
    pub password: Password,
    pub name: &'a str,
    pub role: Role,
    pub must_change_password: bool,
}

impl EmailItem {
    pub fn at(email: &Email, user_id: UserId, password: StoredPassword) -> Self {
        let Key { pk, sk } = Key::email(email);
        Self { pk, sk, user_id, password_hash: password.hash, password_id: password.id }
    }
}

impl Store {
    /// Makes a user with a password of their own; `None` when the address is taken.
    pub async fn create_user(
        &self,
        email: &Email,
        password: Password,
        name: &str,
        role: Role,
    ) -> Result<Option<User>, Error> {
        self.make_user(UserToMake { email, password, name, role, must_change_password: false }).await
    }

    pub(super) async fn make_user(&self, new: UserToMake<'_>) -> Result<Option<User>, Error> {
        let now = self.clock.now();
        let user = User {
            id: UserId::new(now),
            email: new.email.as_str().to_owned(),
            display_name: new.name.to_owned(),
            role: new.role,
            must_change_password: new.must_change_password,
            created_at: now,
        };
        let Key { pk, sk } = Key::user(user.id);
        let email = EmailItem::at(new.email, user.id, self.stored(new.password).await?);
        let item = UserItem { pk, sk, user: user.clone(), theme: None, removing: None };
        let mut transaction = Transaction::default();
        transaction.create(self, written(&email)?)?;
        transaction.create(self, written(&item)?)?;
        if user.role == Role::Owner {
            transaction.update(self.one_more_owner()?);
        }
        match self.commit(transaction).await? {
            Outcome::Done => Ok(Some(user)),
            Outcome::Refused(_) => Ok(None),
        }
    }

    /// Whether an address has an account.
    pub async fn has_user(&self, email: &Email) -> Result<bool, Error> {
        Ok(self.account_at(email).await?.is_some())
    }

    pub(super) async fn account_at(&self, email: &Email) -> Result<Option<EmailItem>, Error> {
        let key = Key::email(email);
        self.get_all(vec![key.clone()]).await?.take(&key)
    }

    pub async fn sign_in(&self, credentials: Credentials) -> Result<NewSession, Error> {
        let Credentials { email, password } = credentials;
        let (account, _) = self.account_with(&email, password, None).await?;
        let key = Key::user(account.user_id);
        let item = self.get_all(vec![key.clone()]).await?.take::<UserItem>(&key)?;
        let user = item.ok_or(Error::WrongPassword)?.user;
        self.start_session(user, &email, &account.password_id).await
    }

    /// The account of an address, for whoever knows its password, or the one they were just about
    /// to set. That is one try, which takes its place before it is judged.
    async fn account_with(
        &self,
        email: &Email,
        current: Password,
        new: Option<Password>,
    ) -> Result<(EmailItem, Known), Error> {
        let _turn = guesses::begin().await?;
        let place = self.begin_try(email).await?;
        let judged = self.judge_password(email, current, new).await;
        let noted = match &judged {
            Ok(Some(_)) => self.end_try(email, place, Judged::Right).await,
            Ok(None) => self.end_try(email, place, Judged::Wrong).await,
            Err(_) => self.end_try(email, place, Judged::Not).await,
        };
        let known = judged?.ok_or(Error::WrongPassword)?;
        noted.map(|()| known)
    }

    async fn judge_password(
        &self,
        email: &Email,
        current: Password,
        new: Option<Password>,
    ) -> Result<Option<(EmailItem, Known)>, Error> {
        let account = self.account_at(email).await?;
        let hash = account.as_ref().map(|it| it.password_hash.clone());
        if current.matches(hash.clone()).await? {
            return Ok(account.map(|it| (it, Known::Current)));
        }
        let is_set = match new {
            Some(new) => new.matches(hash).await?,
            None => false,
        };
        Ok(account.filter(|_| is_set).map(|it| (it, Known::New)))
    }

    /// The caller themselves.
    pub async fn me(&self, human: &HumanCaller) -> Result<User, Error> {
        self.admit_person(human, &[]).await.map(|(item, _)| item.user)
    }

    /// Verifies a person, and fetches their own item and `also` in the same call.
    pub(super) async fn admit_person(
        &self,
        human: impl Into<Caller>,
        also: &[Key],
    ) -> Result<(UserItem, Items), Error> {
        let caller = human.into();
        let mut wanted = vec![Key::user(caller.claimed())];
        wanted.extend_from_slice(also);
        let (_, items) = self.admit(caller, &wanted).await?;
        // Read, not taken: an owner may ask for themselves once more.
        let item = items.look::<UserItem>(&wanted[0])?.filter(|it| it.removing.is_none());
        Ok((item.ok_or(Error::NoSession)?, items))
    }

    /// Verifies an owner, and fetches `also` in the same call; a member is refused.
    pub async fn admit_owner(&self, owner: &OwnerCaller, also: &[Key]) -> Result<(UserId, Items), Error> {
        let (item, items) = self.admit_person(owner, also).await?;
        if item.user.role != Role::Owner {
            return Err(Error::OwnerOnly);
        }
        Ok((item.user.id, items))
    }

    /// Changes the caller's password and ends all their other sessions: those there are before, so
    /// that a process which dies on the way leaves none of them behind, and afterwards those that
    /// were begun or refreshed meanwhile with the old password. Safe to repeat: where the new one
    /// is the password already, what is left to do is to end sessions.
    pub async fn change_password(&self, human: &HumanCaller, change: ChangePassword) -> Result<(), Error> {
        const TRIES: u32 = 2;
        let (user, mine) = (self.me(human).await?, human.0.hashed.as_str());
        let email = Email::typed(&user.email);
        for _ in 0..TRIES {
            let known = self.account_with(&email, change.current.clone(), Some(change.new.clone())).await?;
            let now = match known {
                (account, Known::New) => Some(account.password_id),
                (account, Known::Current) => {
                    let new = self.stored(change.new.clone()).await?;
                    self.end_those_seen(user.id, |session| session.hash == mine).await?;
                    self.replace_password(human, &user, account, &new).await?.then_some(new.id)
                }
            };
            if let Some(id) = now {
                return self.end_sessions(user.id, |it| it.password_id == id || it.hash == mine).await;
            }
        }
        Err(Error::WrongPassword)
    }

    /// Whether it was done: not when another change was first, so that `old` is no longer the one.
    async fn replace_password(
        &self,
        human: &HumanCaller,
        user: &User,
        old: EmailItem,
        new: &StoredPassword,
    ) -> Result<bool, Error> {
        let email = Email::typed(&user.email);
        let mut transaction = Transaction::default();
        transaction.update(self.set_password(&email, &old.password_id, new)?);
        let session = Key::user_session(user.id, &human.0.hashed);
        let keep = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(session.attributes()))
            .update_expression("SET passwordId = :new")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":new", text(&new.id));
        transaction.update(keep.build().map_err(Error::internal)?);
        let settled = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::user(user.id).attributes()))
            .update_expression("SET mustChangePassword = :no")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        transaction.update(settled.build().map_err(Error::internal)?);
        match self.commit(transaction).await? {
            Outcome::Done => Ok(true),
            Outcome::Refused(0) => Ok(false),
            Outcome::Refused(_) => Err(Error::NoSession),
        }
    }

    /// Replaces the password that has the id `old`.
    pub(super) fn set_password(&self, email: &Email, old: &str, new: &StoredPassword) -> Result<Update, Error> {
        Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::email(email).attributes()))
            .update_expression("SET passwordHash = :hash, passwordId = :new")
            .condition_expression("passwordId = :old")
            .expression_attribute_values(":hash", text(&new.hash))
            .expression_attribute_values(":new", text(&new.id))
            .expression_attribute_values(":old", text(old))
            .build()
            .map_err(Error::internal)
    }

    pub(super) async fn stored(&self, password: Password) -> Result<StoredPassword, Error> {
        let id: Ulid = ids::new_ulid(self.clock.now());
        Ok(StoredPassword { id: id.to_string(), hash: password.hash().await? })
    }

    /// Writes the rest only while the user is not being removed: nothing new may come to be under
    /// somebody whose things have been looked for.
    pub(super) fn while_user_stays(&self, transaction: &mut Transaction, user: UserId) -> Result<(), Error> {
        transaction.check(
            ConditionCheck::builder()
                .table_name(&*self.table)
                .set_key(Some(Key::user(user).attributes()))
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(removing)"),
        )
    }

    pub(super) fn one_more_owner(&self) -> Result<Update, Error> {
        Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::owners().attributes()))
            .update_expression("ADD owners :one")
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(Error::internal)
    }

    /// One owner fewer, unless there would be none.
    pub(super) fn one_owner_less(&self) -> Result<Update, Error> {
        Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::owners().attributes()))
            .update_expression("SET owners = owners - :one")
            .condition_expression("owners > :one")
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(Error::internal)
    }
}
