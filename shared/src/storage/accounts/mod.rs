//! Accounts: creating users, signing in, and authenticating persons and owners.

mod api_keys;
mod deletion;
mod login_attempts;
mod passwords;
mod preferences;
mod sessions;
mod tickets;
mod users;

use serde::{Deserialize, Serialize};

pub(in crate::storage) use preferences::update_notifications;
pub use sessions::NewSession;

use dynamo::value::{n, to_item};
use dynamo::{Check, Conditional, Items, Key, Put, Transaction, Update, attr, item_exists};

use crate::caller::{Caller, HumanCaller, OwnerCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{Client, Credentials, NotificationPreferences, Role, SourceAddress, Theme, User};
use crate::secrets::Device;
use crate::secrets::Password;
use crate::storage::Store;
use crate::storage::accounts::passwords::Attempt;
use crate::storage::keys;
use crate::telemetry::cost;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    pub user: User,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// As JSON, by whose text a change is conditional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<String>,
    /// Whether some surface may be on for one agent in particular.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notifies_by_agent: bool,
    /// Set while the user is being deleted: the user is not found any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removing: Option<Timestamp>,
}

impl UserItem {
    /// How the person wants to be notified.
    pub fn notification_preferences(&self) -> Result<NotificationPreferences, Error> {
        let stored = self.notifications.as_deref().map(serde_json::from_str).transpose();
        Ok(stored.map_err(|err| Error::internal(format!("preferences cannot be read: {err}")))?.unwrap_or_default())
    }
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

/// A stored password: its hash, and an id that is new with every change, even to the same text.
pub(super) struct StoredPassword {
    pub id: String,
    pub hash: String,
}

/// A user to create.
pub(super) struct UserToMake<'a> {
    pub email: &'a Email,
    pub password: Password,
    pub name: &'a str,
    pub role: Role,
    pub must_change_password: bool,
}

impl EmailItem {
    pub fn at(email: &Email, user_id: UserId, password: StoredPassword) -> Self {
        let Key { pk, sk } = keys::email(email);
        Self { pk, sk, user_id, password_hash: password.hash, password_id: password.id }
    }
}

/// Users and everything by which they are let in.
#[derive(Clone, Copy)]
pub struct Accounts<'a> {
    pub(super) store: &'a Store,
}

impl Accounts<'_> {
    /// Creates a user with a password of their own; `None` when the address is taken.
    pub async fn create_user(
        self,
        email: &Email,
        password: Password,
        name: &str,
        role: Role,
    ) -> Result<Option<User>, Error> {
        self.insert_user(UserToMake { email, password, name, role, must_change_password: false }).await
    }

    pub(super) async fn insert_user(self, new: UserToMake<'_>) -> Result<Option<User>, Error> {
        let now = self.store.clock.now();
        let user = User {
            id: UserId::new(now),
            email: new.email.as_str().to_owned(),
            display_name: new.name.to_owned(),
            role: new.role,
            must_change_password: new.must_change_password,
            created_at: now,
        };
        let Key { pk, sk } = keys::user(user.id);
        let email = EmailItem::at(new.email, user.id, self.hash_password(new.password).await?);
        let item = UserItem {
            pk,
            sk,
            user: user.clone(),
            theme: None,
            notifications: None,
            notifies_by_agent: false,
            removing: None,
        };
        let mut transaction = Transaction::new();
        transaction.add(Put::create(to_item(&email)?));
        transaction.add(Put::create(to_item(&item)?));
        if user.role == Role::Owner {
            transaction.add(one_more_owner());
        }
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => Ok(Some(user)),
            Conditional::Refused(()) => Ok(None),
        }
    }

    /// Whether an address has an account.
    pub async fn has_user(self, email: &Email) -> Result<bool, Error> {
        Ok(self.account_at(email).await?.is_some())
    }

    pub(super) async fn account_at(self, email: &Email) -> Result<Option<EmailItem>, Error> {
        let key = keys::email(email);
        Ok(self.store.table.get(&key).await?)
    }

    /// Creates a session for the right password of an address. The browser presents the device from now on.
    pub async fn sign_in(
        self,
        credentials: Credentials,
        presented: &[Device],
        source: Option<SourceAddress>,
        client: Client,
    ) -> Result<(NewSession, Device), Error> {
        let Credentials { email, password } = credentials;
        let attempt = Attempt { email: &email, presented, is_signed_in: false, source };
        let (account, _) = self.check_password(attempt, password, None).await?;
        let key = keys::user(account.user_id);
        let item = self.store.table.get::<UserItem>(&key).await?;
        let user = item.ok_or(Error::WrongPassword)?.user;
        let device = Device::signed_in(presented, user.id, &account.password_id, self.store.clock.now());
        let session = self.create_session(user, &email, &account.password_id, client).await?;
        Ok((session, device))
    }

    /// The caller's user.
    pub async fn me(self, human: &HumanCaller) -> Result<User, Error> {
        self.authenticate_person(human, &[]).await.map(|(item, _)| item.user)
    }

    /// Authenticates a person, and reads their own item and `also` in the same call.
    pub(in crate::storage) async fn authenticate_person(
        self,
        human: impl Into<Caller>,
        also: &[Key],
    ) -> Result<(UserItem, Items), Error> {
        let caller = human.into();
        let mut wanted = vec![keys::user(caller.claimed())];
        wanted.extend_from_slice(also);
        let (_, items) = self.store.authenticate(caller, &wanted).await?;
        // Peeked at, not taken: an owner may ask for their own user again.
        let item = items.peek::<UserItem>(&wanted[0])?.filter(|it| it.removing.is_none());
        let item = item.ok_or(Error::NoSession)?;
        cost::record_user_name(&item.user.display_name);
        Ok((item, items))
    }

    /// Authenticates an owner, and reads `also` in the same call; a member is refused.
    pub async fn authenticate_owner(self, owner: &OwnerCaller, also: &[Key]) -> Result<(UserId, Items), Error> {
        let (item, items) = self.authenticate_person(owner, also).await?;
        if item.user.role != Role::Owner {
            return Err(Error::OwnerOnly);
        }
        Ok((item.user.id, items))
    }
}

/// Lets a transaction pass only while the user is not being removed: nothing may be created for a
/// user whose data was already searched for deletion.
pub(super) fn while_user_stays(user: UserId) -> Check {
    Check::new(keys::user(user), item_exists().and(attr("removing").absent()))
}

pub(super) fn one_more_owner() -> Update {
    Update::new(keys::owners()).add("owners", n(1))
}

/// One owner fewer, refused for the last one.
pub(super) fn one_owner_less() -> Update {
    Update::new(keys::owners()).decrease("owners", n(1)).when(attr("owners").gt(n(1)))
}
