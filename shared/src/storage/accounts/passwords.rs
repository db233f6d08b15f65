//! Passwords: judging one, changing one's own, resetting one.

use dynamo::value::{Value, s};
use dynamo::{Conditional, Transaction, Update, attr, item_exists, until_applied};
use ulid::Ulid;

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids;
use crate::models::account::Email;
use crate::models::{ChangePassword, SourceAddress, User};
use crate::secrets::Device;
use crate::secrets::Password;
use crate::secrets::password_queue;
use crate::storage::accounts::Accounts;
use crate::storage::accounts::login_attempts::{AttemptResult, LoginAttempt, Window};
use crate::storage::accounts::{EmailItem, StoredPassword, UserItem};
use crate::storage::keys;

/// Which password was presented.
pub(super) enum KnownPassword {
    Current,
    /// The new one of a change, which is the current one already.
    New,
}

/// An attempt at the password of an address.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub email: &'a Email,
    /// The devices that the browser presents.
    pub presented: &'a [Device],
    pub is_signed_in: bool,
    /// The caller's address, where it is known.
    pub source: Option<SourceAddress>,
}

impl Attempt<'_> {
    /// Where the attempt is counted.
    fn window(self, account: Option<&EmailItem>) -> Window {
        let otherwise = if self.is_signed_in { Window::Session } else { Window::Strangers };
        Window::of(self.presented, account).unwrap_or(otherwise)
    }
}

impl Accounts<'_> {
    /// Checks the password of an address, or the new password of a change. This is one login attempt, which
    /// takes its slot before the password is checked.
    pub(super) async fn check_password(
        self,
        attempt: Attempt<'_>,
        current: Password,
        new: Option<Password>,
    ) -> Result<(EmailItem, KnownPassword), Error> {
        let is_known = attempt.is_signed_in || !attempt.presented.is_empty();
        let network = attempt.source.map(SourceAddress::network);
        let _turn = password_queue::begin(is_known, network).await?;
        let email = attempt.email;
        // Whether a device is of this account shows in the account, which is read once either way.
        let seen = if attempt.presented.is_empty() { None } else { Some(self.account_at(email).await?) };
        let window = attempt.window(seen.as_ref().and_then(Option::as_ref));
        let place = self.begin_attempt(email, &window, attempt.is_signed_in).await?;
        // The attempts of a known browser have their own limit, and others of its network must not lock it out.
        let source = attempt.source.filter(|_| !matches!(window, Window::Device(_)));
        let from = match self.begin_source_attempt(email, source).await {
            Ok(from) => from,
            Err(err) => {
                self.finish_attempt(place, AttemptResult::Not).await?;
                return Err(err);
            }
        };
        let checked = match seen {
            Some(account) => judge_password(account, current, new).await,
            None => match self.account_at(email).await {
                Ok(account) => judge_password(account, current, new).await,
                Err(err) => Err(err),
            },
        };
        let recorded = match &checked {
            Ok(Some(_)) => self.finish_attempt(place, AttemptResult::Right).await,
            Ok(None) => self.finish_attempt(place, AttemptResult::Wrong).await,
            Err(_) => self.finish_attempt(place, AttemptResult::Not).await,
        };
        if let Some(from) = from {
            let result = if matches!(checked, Ok(None)) { AttemptResult::Wrong } else { AttemptResult::Not };
            self.finish_attempt(from, result).await?;
        }
        let known = checked?.ok_or(Error::WrongPassword)?;
        recorded.map(|()| known)
    }

    async fn begin_source_attempt(
        self,
        email: &Email,
        source: Option<SourceAddress>,
    ) -> Result<Option<LoginAttempt>, Error> {
        match source {
            Some(source) => self.begin_attempt(email, &Window::Source(source), false).await.map(Some),
            None => Ok(None),
        }
    }

    /// Changes the caller's password and ends all other sessions of the caller: the existing ones first, so
    /// that none survives a process that dies on the way, and afterwards those that were created or refreshed
    /// in between with the old password. Safe to repeat: if the new password is set already, only the sessions
    /// are ended.
    ///
    /// Gives the device that the caller's browser presents from now on.
    pub async fn change_password(
        self,
        human: &HumanCaller,
        change: ChangePassword,
        presented: &[Device],
    ) -> Result<Device, Error> {
        const MAX_ATTEMPTS: u32 = 2;
        let (user, mine) = (self.me(human).await?, human.0.hashed.as_str());
        let email = Email::typed(&user.email);
        let attempt = Attempt { email: &email, presented, is_signed_in: true, source: None };
        for _ in 0..MAX_ATTEMPTS {
            let known = self.check_password(attempt, change.current.clone(), Some(change.new.clone())).await?;
            let now = match known {
                (account, KnownPassword::New) => Some(account.password_id),
                (account, KnownPassword::Current) => {
                    let new = self.hash_password(change.new.clone()).await?;
                    self.delete_listed_sessions(user.id, |session| session.hash == mine).await?;
                    self.replace_password(human, &user, account, &new).await?.then_some(new.id)
                }
            };
            if let Some(id) = now {
                self.delete_all_sessions(user.id, |it| it.password_id == id || it.hash == mine).await?;
                return Ok(Device::signed_in(presented, user.id, &id, self.store.clock.now()));
            }
        }
        Err(Error::WrongPassword)
    }

    /// Gives whether the password was replaced: not if another change was first.
    async fn replace_password(
        self,
        human: &HumanCaller,
        user: &User,
        old: EmailItem,
        new: &StoredPassword,
    ) -> Result<bool, Error> {
        let email = Email::typed(&user.email);
        let mut transaction = Transaction::new();
        transaction.push(Write::Password, set_password(&email, &old.password_id, new));
        let session = keys::user_session(user.id, &human.0.hashed);
        let keep = Update::new(session).set("passwordId", s(&new.id)).when(item_exists());
        transaction.push(Write::Session, keep);
        let changed = Update::new(keys::user(user.id)).set("mustChangePassword", Value::Bool(false));
        transaction.push(Write::User, changed.when(item_exists()));
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => Ok(true),
            Conditional::Refused(Write::Password) => Ok(false),
            Conditional::Refused(Write::Session | Write::User) => Err(Error::NoSession),
        }
    }

    /// Whether an address's account has this password. This is no login attempt and is not counted: it is for
    /// programs that can read the table itself.
    pub async fn is_password(self, email: &Email, password: Password) -> Result<bool, Error> {
        let account = self.account_at(email).await?;
        password.matches(account.map(|it| it.password_hash)).await
    }

    /// Sets the password of an address's account, for programs that can write to the table itself. The user's
    /// sessions end, and failed login attempts before it are forgotten. `None` if no account has the address.
    /// Safe to repeat.
    pub async fn reset_password(self, email: &Email, password: Password) -> Result<Option<User>, Error> {
        let new = self.hash_password(password).await?;
        until_applied("a password", || async {
            let Some(account) = self.account_at(email).await? else { return Ok(Some(None)) };
            let key = keys::user(account.user_id);
            let item = self.store.table.get::<UserItem>(&key).await?;
            let Some(item) = item.filter(|it| it.removing.is_none()) else { return Ok(Some(None)) };
            // None survives a process that dies after the password is set.
            self.delete_listed_sessions(item.user.id, |_| false).await?;
            let mut transaction = Transaction::new();
            transaction.add(set_password(email, &account.password_id, &new));
            if !transaction.commit(&self.store.table).await?.is_applied() {
                return Ok(None);
            }
            self.delete_all_sessions(item.user.id, |session| session.password_id == new.id).await?;
            self.clear_attempts(email).await?;
            Ok(Some(Some(item.user)))
        })
        .await
    }

    pub(super) async fn hash_password(self, password: Password) -> Result<StoredPassword, Error> {
        let id: Ulid = ids::new_ulid(self.store.clock.now());
        Ok(StoredPassword { id: id.to_string(), hash: password.hash().await? })
    }
}

/// The writes that replace a person's own password.
enum Write {
    Password,
    Session,
    User,
}

/// Replaces the password that has the id `old`.
pub(super) fn set_password(email: &Email, old: &str, new: &StoredPassword) -> Update {
    Update::new(keys::email(email))
        .set("passwordHash", s(&new.hash))
        .set("passwordId", s(&new.id))
        .when(attr("passwordId").eq(s(old)))
}

/// Whether a password is an account's; `None` when it is not, or when there is no account.
async fn judge_password(
    account: Option<EmailItem>,
    current: Password,
    new: Option<Password>,
) -> Result<Option<(EmailItem, KnownPassword)>, Error> {
    let hash = account.as_ref().map(|it| it.password_hash.clone());
    if current.matches(hash.clone()).await? {
        return Ok(account.map(|it| (it, KnownPassword::Current)));
    }
    let is_set = match new {
        Some(new) => new.matches(hash).await?,
        None => false,
    };
    Ok(account.filter(|_| is_set).map(|it| (it, KnownPassword::New)))
}
