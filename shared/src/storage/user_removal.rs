//! The end of a user and of everything under it. Access goes first, the user's own item last:
//! whatever dies on the way, the user stays in the list and a repeat goes on from there.

use std::time::Instant;

use aws_sdk_dynamodb::types::Update;

use crate::auth::OwnerCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{Role, User};
use crate::storage::keys::{self, Key};
use crate::storage::removal::{TIME, in_time};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Blobs, Store, text};

impl Store {
    /// Removes a user with all that is theirs; safe to repeat. [`Error::StillRemoving`] when there
    /// is more than fits one call.
    pub async fn remove_user(&self, owner: &OwnerCaller, id: Option<UserId>, blobs: &Blobs) -> Result<(), Error> {
        let until = Instant::now() + TIME;
        let user = self.close_account(owner, id).await?;
        self.end_sessions(user, |_| false).await?;
        self.remove_api_keys(user).await?;
        self.remove_agents_of(user, blobs).await?;
        for partition in [keys::user_partition(user), keys::log_partition(user)] {
            while self.delete_some_in(partition.clone()).await? {
                in_time(until)?;
            }
        }
        // Once more: the index that lists agents may have lagged behind.
        self.remove_agents_of(user, blobs).await?;
        self.delete_item(&Key::user(user)).await
    }

    /// Takes the address away and marks the user, so that neither a sign-in nor a new API key
    /// can succeed from here on. That it was done before is as good.
    async fn close_account(&self, owner: &OwnerCaller, id: Option<UserId>) -> Result<UserId, Error> {
        const TRIES: u32 = 4;
        for _ in 0..TRIES {
            let item = self.managed_user(owner, id).await?.ok_or(Error::NotFound("user"))?;
            if item.removing.is_some() {
                return Ok(item.user.id);
            }
            match self.commit(self.closing(&item.user)?).await? {
                Outcome::Done => return Ok(item.user.id),
                Outcome::Refused(2) => return Err(Error::LastOwner),
                Outcome::Refused(_) => {} // changed meanwhile
            }
        }
        Err(Error::unavailable("a user kept being changed by others"))
    }

    fn closing(&self, user: &User) -> Result<Transaction, Error> {
        let mark = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::user(user.id).attributes()))
            .update_expression("SET removing = :now")
            .condition_expression("email = :email AND #role = :role AND attribute_not_exists(removing)")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":email", text(&user.email))
            .expression_attribute_values(":role", text(user.role.word()))
            .expression_attribute_values(":now", text(self.clock.now()));
        let mut transaction = Transaction::default();
        transaction.update(mark.build().map_err(Error::internal)?);
        transaction.delete_if(self, &Key::email(&Email::typed(&user.email)), "userId", &user.id.to_string())?;
        if user.role == Role::Owner {
            transaction.update(self.one_owner_less()?);
        }
        Ok(transaction)
    }
}
