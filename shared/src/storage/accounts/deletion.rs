//! Deletion of a user with everything under it.
//!
//! One transaction closes the account: it deletes the address, marks the user, and writes a deletion record.
//! The record is read with every authentication ([`Store::authenticate`]), so from then on the user's sessions
//! and API keys are refused, and nothing new can be created under the user. Then everything is deleted page by
//! page, the user's own item last: if a process dies on the way, the user stays in the list, and a repeated
//! call continues.
//!
//! The record is in the index `due`: the expiry function continues the deletion
//! ([`Accounts::finish_user_deletion`]), and checks once more when no accepted write can still arrive.

use std::time::{Duration, Instant};

use dynamo::value::{s, to_item};
use dynamo::{Conditional, Delete, Key, Put, Transaction, Update, attr, until_applied};
use serde::Deserialize;

use crate::caller::OwnerCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{Role, User};
use crate::secrets::SecretHash;
use crate::storage::accounts::Accounts;
use crate::storage::accounts::one_owner_less;
use crate::storage::deletion::{DELETION_TIME, DeletionItem, PAGE, check_deadline};
use crate::storage::keys;

/// The attributes of a session, an API key or a browser that its deletion needs.
#[derive(Deserialize)]
struct Listed {
    pk: String,
    sk: String,
    hash: String,
}

/// A kind of credential, or of what a user's messages are sent to.
#[derive(Clone, Copy)]
enum Access {
    Session,
    ApiKey,
    /// A browser that gets push messages.
    Push,
}

impl Access {
    fn listed_under(self) -> &'static str {
        match self {
            Self::Session => keys::USER_SESSIONS,
            Self::ApiKey => keys::USER_API_KEYS,
            Self::Push => keys::PUSH_DEVICES,
        }
    }

    fn looked_up(self, hash: &SecretHash) -> Key {
        match self {
            Self::Session => keys::session(hash),
            Self::ApiKey => keys::api_key(hash),
            Self::Push => keys::push_owner(hash),
        }
    }
}

impl Accounts<'_> {
    /// Deletes a user with everything under it; safe to repeat. [`Error::StillRemoving`] when there is more
    /// than fits into `time`; every call makes progress, however short.
    pub async fn delete_user(self, owner: &OwnerCaller, id: UserId, time: Duration) -> Result<(), Error> {
        let until = Instant::now() + time;
        let user = self.close_account(owner, id).await?;
        self.delete_contents(user, until).await
    }

    /// For the expiry function: continues a user's deletion that was cut short, and deletes what arrived late.
    /// The record is deleted with the last check; until then, and while this gives an error, it is due again.
    pub async fn finish_user_deletion(self, user: UserId) -> Result<(), Error> {
        let Some(record) = self.store.deletion_record(&keys::user_removal(user)).await? else { return Ok(()) };
        self.delete_contents(user, Instant::now() + DELETION_TIME).await?;
        self.store.reschedule_or_finish(record, user.ulid()).await
    }

    async fn delete_contents(self, user: UserId, until: Instant) -> Result<(), Error> {
        while self.delete_some_credentials(user).await? {
            check_deadline(until)?;
        }
        self.store.agents().delete_all_of(user, until).await?;
        self.store.delete_all(self.store.table.query(keys::log_partition(user)), until).await?;
        // Once more: the index that lists agents may have lagged behind.
        self.store.agents().delete_all_of(user, until).await?;
        // After the agents: the deletion of a message may keep its history.
        self.store.delete_all(self.store.table.query(keys::history_partition(user)), until).await?;
        let notifications = self.store.query_partition(keys::user_partition(user), keys::NOTIFICATIONS);
        self.store.delete_all(notifications, until).await?;
        self.store.table.delete(&keys::notification_webhook(user)).await?;
        self.store.table.delete(&keys::changes(user)).await?;
        Ok(self.store.table.delete(&keys::user(user)).await?)
    }

    /// Deletes a page of a user's sessions, API keys and browsers. Gives whether there were any. The item that a
    /// credential is looked up by is deleted before the one that lists it, so that a repeated call finds it
    /// again.
    async fn delete_some_credentials(self, user: UserId) -> Result<bool, Error> {
        let mut found = false;
        for kind in [Access::Session, Access::ApiKey, Access::Push] {
            let query = self.store.query_partition(keys::user_partition(user), kind.listed_under()).limit(PAGE);
            let listed = query.first_page::<Listed>().await?;
            found |= !listed.is_empty();
            let (looked_up, listing): (Vec<Key>, Vec<Key>) = listed
                .into_iter()
                .map(|Listed { pk, sk, hash }| (kind.looked_up(&SecretHash::stored(hash)), Key { pk, sk }))
                .unzip();
            self.store.table.delete_items(&looked_up).await?;
            self.store.table.delete_items(&listing).await?;
        }
        Ok(found)
    }

    /// Deletes the address, marks the user and writes the deletion record, so that no credential of the user is
    /// accepted any more. An account that was closed before is no error.
    async fn close_account(self, owner: &OwnerCaller, id: UserId) -> Result<UserId, Error> {
        until_applied("a user", || async {
            let item = self.managed_user(owner, id).await?.ok_or(Error::NotFound("user"))?;
            if item.user.id == owner.0.0.claimed {
                return Err(Error::OwnAccount);
            }
            if item.removing.is_some() {
                return Ok(Some(item.user.id));
            }
            match self.closing(&item.user)?.commit(&self.store.table).await? {
                Conditional::Applied(()) => Ok(Some(item.user.id)),
                Conditional::Refused(Write::LastOwner) => Err(Error::LastOwner),
                Conditional::Refused(Write::Account) => Ok(None), // changed meanwhile
            }
        })
        .await
    }

    fn closing(self, user: &User) -> Result<Transaction<Write>, Error> {
        let now = self.store.clock.now();
        let mark = Update::new(keys::user(user.id))
            .set("removing", s(now))
            .when(attr("email").eq(s(&user.email)))
            .when(attr("role").eq(s(user.role.word())))
            .when(attr("removing").absent());
        let address = Delete::new(keys::email(&Email::typed(&user.email)));
        let mut transaction = Transaction::new();
        transaction.push(Write::Account, mark);
        transaction.push(Write::Account, address.when(attr("userId").eq(s(user.id))));
        transaction.push(Write::Account, Put::new(to_item(&DeletionItem::of_user(user.id, now))?));
        if user.role == Role::Owner {
            transaction.push(Write::LastOwner, one_owner_less());
        }
        Ok(transaction)
    }
}

/// The writes that close an account.
enum Write {
    Account,
    LastOwner,
}
