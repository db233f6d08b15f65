//! Users as their owners manage them. A deployment is one organisation's: its owners manage all
//! of its users, and see nothing of what is theirs.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update};

use crate::auth::OwnerCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{CreateUser, CreatedUser, PatchUser, Role, User};
use crate::secrets::Plain;
use crate::storage::accounts::{EmailItem, StoredPassword, UserItem, UserToMake};
use crate::storage::keys::{self, Key};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Store, as_many_as_fit, beside, text, written};

/// What it means that a write of a user's transaction was refused.
enum Refused {
    /// Somebody changed the user meanwhile: look again.
    Changed,
    LastOwner,
    EmailTaken,
}

impl Store {
    /// All users, oldest first: the list is read beside the check of the caller.
    pub async fn users(&self, owner: &OwnerCaller) -> Result<Vec<User>, Error> {
        let query = self.query_partition(keys::USERS.to_owned(), keys::USER_ITEMS).scan_index_forward(true);
        let users = as_many_as_fit(query, |item: UserItem| Some(item.user));
        beside(self.admit_owner(owner, &[]), users).await.map(|(_, users)| users)
    }

    /// Adds a user, who has to change the password that somebody else knows.
    pub async fn add_user(&self, owner: &OwnerCaller, new: CreateUser) -> Result<CreatedUser, Error> {
        self.admit_owner(owner, &[]).await?;
        let (password, temporary) = match new.password {
            Some(password) => (password, None),
            None => {
                let made = Plain::temporary_password();
                (made.as_password(), Some(made))
            }
        };
        let (email, name, role) = (&new.email, new.display_name.as_str(), new.role);
        let made = self.make_user(UserToMake { email, password, name, role, must_change_password: true }).await?;
        let user = made.ok_or(Error::EmailTaken)?;
        Ok(CreatedUser { user, temporary_password: temporary.map(Plain::reveal) })
    }

    /// Changes what `patch` has. A new password ends the user's sessions, and failed sign-ins before
    /// it count no more.
    pub async fn change_user(&self, owner: &OwnerCaller, id: Option<UserId>, patch: PatchUser) -> Result<User, Error> {
        const TRIES: u32 = 4;
        let password = match &patch.password {
            Some(password) => {
                self.admit_owner(owner, &[]).await?; // before the costly hash
                Some(self.stored(password.clone()).await?)
            }
            None => None,
        };
        for _ in 0..TRIES {
            let item = self.managed_user(owner, id).await?;
            let before = item.filter(|it| it.removing.is_none()).ok_or(Error::NotFound("user"))?.user;
            if let Some(after) = self.write_change(before, &patch, password.as_ref()).await? {
                if let Some(password) = &password {
                    self.end_sessions(after.id, |session| session.password_id == password.id).await?;
                    self.forget_tries(&Email::typed(&after.email)).await?;
                }
                return Ok(after);
            }
        }
        Err(Error::unavailable("a user kept being changed by others"))
    }

    /// A user as an owner finds one; also one whose removal has begun.
    pub(super) async fn managed_user(
        &self,
        owner: &OwnerCaller,
        id: Option<UserId>,
    ) -> Result<Option<UserItem>, Error> {
        let key = id.map(Key::user);
        let (_, mut items) = self.admit_owner(owner, key.as_slice()).await?;
        key.map(|key| items.take(&key)).transpose().map(Option::flatten)
    }

    /// The user after the change; `None` when somebody else changed them meanwhile.
    async fn write_change(
        &self,
        before: User,
        patch: &PatchUser,
        password: Option<&StoredPassword>,
    ) -> Result<Option<User>, Error> {
        let after = patch.applied_to(&before);
        if password.is_none() && after == before {
            return Ok(Some(before));
        }
        let mut transaction = Transaction::default();
        let mut meaning = vec![Refused::Changed];
        transaction.update(self.update_user(&before, &after)?);
        match (before.role, after.role) {
            (Role::Member, Role::Owner) => {
                transaction.update(self.one_more_owner()?);
                meaning.push(Refused::Changed);
            }
            (Role::Owner, Role::Member) => {
                transaction.update(self.one_owner_less()?);
                meaning.push(Refused::LastOwner);
            }
            _ => {}
        }
        self.change_account(&mut transaction, &mut meaning, (&before, &after), password).await?;
        match self.commit(transaction).await? {
            Outcome::Done => Ok(Some(after)),
            Outcome::Refused(position) => match meaning.get(position) {
                Some(Refused::LastOwner) => Err(Error::LastOwner),
                Some(Refused::EmailTaken) => Err(Error::EmailTaken),
                Some(Refused::Changed) | None => Ok(None),
            },
        }
    }

    /// The part of a change that the address's item has: a new password, or the item's move.
    async fn change_account(
        &self,
        transaction: &mut Transaction,
        meaning: &mut Vec<Refused>,
        (before, after): (&User, &User),
        password: Option<&StoredPassword>,
    ) -> Result<(), Error> {
        if password.is_none() && before.email == after.email {
            return Ok(());
        }
        let (from, to) = (Email::typed(&before.email), Email::typed(&after.email));
        let account = self.account_at(&from).await?.filter(|it| it.user_id == before.id);
        // It went with a change after `before` was read; the user's own condition says so too.
        let Some(account) = account else { return Ok(()) };
        if let (Some(new), true) = (password, from == to) {
            transaction.update(self.set_password(&from, &account.password_id, new)?);
            meaning.push(Refused::Changed);
            return Ok(());
        }
        let kept = StoredPassword { id: account.password_id.clone(), hash: account.password_hash };
        let stored = password.map_or(kept, |new| StoredPassword { id: new.id.clone(), hash: new.hash.clone() });
        transaction.delete_if(self, &Key::email(&from), "passwordId", &account.password_id)?;
        meaning.push(Refused::Changed);
        transaction.create(self, written(&EmailItem::at(&to, before.id, stored))?)?;
        meaning.push(Refused::EmailTaken);
        Ok(())
    }

    /// Sets what differs, while what was read is still so.
    fn update_user(&self, before: &User, after: &User) -> Result<Update, Error> {
        let role = |user: &User| text(user.role.word());
        let values: HashMap<String, AttributeValue> = HashMap::from([
            (":email".into(), text(&after.email)),
            (":name".into(), text(&after.display_name)),
            (":role".into(), role(after)),
            (":must".into(), AttributeValue::Bool(after.must_change_password)),
            (":oldEmail".into(), text(&before.email)),
            (":oldName".into(), text(&before.display_name)),
            (":oldRole".into(), role(before)),
            (":oldMust".into(), AttributeValue::Bool(before.must_change_password)),
        ]);
        Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::user(before.id).attributes()))
            .update_expression("SET email = :email, displayName = :name, #role = :role, mustChangePassword = :must")
            .condition_expression(
                "email = :oldEmail AND displayName = :oldName AND #role = :oldRole \
                 AND mustChangePassword = :oldMust AND attribute_not_exists(removing)",
            )
            .expression_attribute_names("#role", "role")
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(Error::internal)
    }
}
