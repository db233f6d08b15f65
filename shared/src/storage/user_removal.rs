//! The end of a user and of everything under it. Access goes first, the user's own item last:
//! whatever dies on the way, the user stays in the list and a repeat goes on from there.

use aws_sdk_dynamodb::types::{DeleteRequest, Update, WriteRequest};

use crate::auth::OwnerCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{Role, User};
use crate::storage::keys::{self, Key};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Blobs, Item, Store, backoff, text, trouble};

impl Store {
    /// Removes a user with all that is theirs; safe to repeat.
    pub async fn remove_user(&self, owner: &OwnerCaller, id: Option<UserId>, blobs: &Blobs) -> Result<(), Error> {
        let user = self.close_account(owner, id).await?;
        self.end_sessions(user, |_| false).await?;
        self.remove_api_keys(user).await?;
        self.remove_agents_of(user, blobs).await?;
        self.clear_partition(keys::user_partition(user)).await?;
        self.clear_partition(keys::log_partition(user)).await?;
        let key = Key::user(user).attributes();
        self.db.delete_item().table_name(&*self.table).set_key(Some(key)).send().await.map_err(trouble)?;
        Ok(())
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

    /// Removes everything in a partition, page by page.
    async fn clear_partition(&self, pk: String) -> Result<(), Error> {
        let query = self
            .query()
            .key_condition_expression("pk = :pk")
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", text(pk))
            .consistent_read(true);
        let mut from = None;
        loop {
            let page = query.clone().set_exclusive_start_key(from).send().await.map_err(trouble)?;
            // BatchWriteItem takes 25.
            for some in page.items.unwrap_or_default().chunks(25) {
                self.delete_all(some).await?;
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    async fn delete_all(&self, keys: &[Item]) -> Result<(), Error> {
        const TRIES: u32 = 8;
        let delete = |key: &Item| {
            let delete = DeleteRequest::builder().set_key(Some(key.clone())).build().map_err(Error::internal)?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        };
        let mut left = keys.iter().map(delete).collect::<Result<Vec<_>, Error>>()?;
        for again in 0..TRIES {
            let output = self.db.batch_write_item().request_items(&*self.table, left).send().await.map_err(trouble)?;
            left = output.unprocessed_items.into_iter().flatten().flat_map(|(_, writes)| writes).collect();
            if left.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(backoff(again)).await;
        }
        Err(Error::unavailable("BatchWriteItem kept leaving items unprocessed"))
    }
}
