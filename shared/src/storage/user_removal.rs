//! The end of a user and of everything under it.
//!
//! One transaction closes the account: it takes the address away, marks the user, and leaves a
//! removal record. The record is read with every check of a caller ([`Store::admit`]), so from
//! then on the user's sessions and API keys are refused, and nothing new can come to be under the
//! user. Then all goes, page by page, the user's own item last: whatever dies on the way, the user
//! stays in the list, and a repeat goes on from there.
//!
//! The record is in the index `due`: where nobody repeats the call, [`Store::finish_user_removal`]
//! goes on. It looks once more when nothing that was let in before can still arrive.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{Put, Update};
use serde::Deserialize;

use crate::auth::OwnerCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{Role, User};
use crate::secrets::Hashed;
use crate::storage::keys::{self, Key};
use crate::storage::removal::{PAGE, RemovalItem, TIME, in_time};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Blobs, Item, Store, read, text, trouble, written};

/// What is read of a session or an API key to end it.
#[derive(Deserialize)]
struct Listed {
    pk: String,
    sk: String,
    hash: String,
}

/// What lets somebody in.
#[derive(Clone, Copy)]
enum Access {
    Session,
    ApiKey,
}

impl Access {
    fn listed_under(self) -> &'static str {
        match self {
            Self::Session => keys::USER_SESSIONS,
            Self::ApiKey => keys::USER_API_KEYS,
        }
    }

    fn looked_up(self, hash: &Hashed) -> Key {
        match self {
            Self::Session => Key::session(hash),
            Self::ApiKey => Key::api_key(hash),
        }
    }
}

impl Store {
    /// Removes a user with all that is theirs; safe to repeat. [`Error::StillRemoving`] when there
    /// is more than fits one call.
    pub async fn remove_user(&self, owner: &OwnerCaller, id: Option<UserId>, blobs: &Blobs) -> Result<(), Error> {
        self.remove_user_within(owner, id, blobs, TIME).await
    }

    /// The same in a time of the caller's choice; however short, each call gets further.
    pub async fn remove_user_within(
        &self,
        owner: &OwnerCaller,
        id: Option<UserId>,
        blobs: &Blobs,
        time: Duration,
    ) -> Result<(), Error> {
        let until = Instant::now() + time;
        let user = self.close_account(owner, id).await?;
        self.clear_user(user, blobs, until).await
    }

    /// For what works off the index `due`: completes a user's removal whose call was cut short,
    /// and removes what came in late. The record goes with the last look; until then, and while
    /// this gives an error, it is due again.
    pub async fn finish_user_removal(&self, user: UserId, blobs: &Blobs) -> Result<(), Error> {
        let Some(record) = self.removal_record(&Key::user_removal(user)).await? else { return Ok(()) };
        self.clear_user(user, blobs, Instant::now() + TIME).await?;
        self.looked_after(record, user.ulid()).await
    }

    async fn clear_user(&self, user: UserId, blobs: &Blobs, until: Instant) -> Result<(), Error> {
        while self.end_some_access(user).await? {
            in_time(until)?;
        }
        self.remove_agents_of(user, blobs, until).await?;
        while self.delete_some_in(keys::log_partition(user)).await? {
            in_time(until)?;
        }
        // Once more: the index that lists agents may have lagged behind.
        self.remove_agents_of(user, blobs, until).await?;
        self.delete_item(&Key::changes(user)).await?;
        self.delete_item(&Key::user(user)).await
    }

    /// Ends a page's worth of a user's sessions and API keys; whether there were any. What is
    /// looked up goes before what lists it, so that a repeat finds it again.
    async fn end_some_access(&self, user: UserId) -> Result<bool, Error> {
        let mut found = false;
        for kind in [Access::Session, Access::ApiKey] {
            let page = self.query_partition(keys::user_partition(user), kind.listed_under()).limit(PAGE).send().await;
            let items = page.map_err(trouble)?.items.unwrap_or_default();
            let listed: Vec<Listed> = items.into_iter().map(read).collect::<Result<_, _>>()?;
            found |= !listed.is_empty();
            let (looked_up, listing): (Vec<Item>, Vec<Item>) = listed
                .into_iter()
                .map(|Listed { pk, sk, hash }| {
                    (kind.looked_up(&Hashed::stored(hash)).attributes(), Key { pk, sk }.attributes())
                })
                .unzip();
            self.delete_all(&looked_up).await?;
            self.delete_all(&listing).await?;
        }
        Ok(found)
    }

    /// Takes the address away, marks the user and leaves the removal's record, so that nothing of
    /// theirs lets anybody in from here on. That it was done before is as good.
    async fn close_account(&self, owner: &OwnerCaller, id: Option<UserId>) -> Result<UserId, Error> {
        const TRIES: u32 = 4;
        for _ in 0..TRIES {
            let item = self.managed_user(owner, id).await?.ok_or(Error::NotFound("user"))?;
            if item.user.id == owner.0.0.claimed {
                return Err(Error::OwnAccount);
            }
            if item.removing.is_some() {
                return Ok(item.user.id);
            }
            match self.commit(self.closing(&item.user)?).await? {
                Outcome::Done => return Ok(item.user.id),
                Outcome::Refused(3) => return Err(Error::LastOwner),
                Outcome::Refused(_) => {} // changed meanwhile
            }
        }
        Err(Error::unavailable("a user kept being changed by others"))
    }

    fn closing(&self, user: &User) -> Result<Transaction, Error> {
        let now = self.clock.now();
        let mark = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::user(user.id).attributes()))
            .update_expression("SET removing = :now")
            .condition_expression("email = :email AND #role = :role AND attribute_not_exists(removing)")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":email", text(&user.email))
            .expression_attribute_values(":role", text(user.role.word()))
            .expression_attribute_values(":now", text(now));
        let record = written(&RemovalItem::of_user(user.id, now))?;
        let mut transaction = Transaction::default();
        transaction.update(mark.build().map_err(Error::internal)?);
        transaction.delete_if(self, &Key::email(&Email::typed(&user.email)), "userId", &user.id.to_string())?;
        transaction.put_if(Put::builder().table_name(&*self.table).set_item(Some(record)))?;
        if user.role == Role::Owner {
            transaction.update(self.one_owner_less()?);
        }
        Ok(transaction)
    }
}
