//! Users as owners manage them. A deployment belongs to one organisation: its owners manage all of its users,
//! and see none of their data.

use dynamo::value::{Value, s, to_item};
use dynamo::{Conditional, Delete, Put, Transaction, Update, attr, until_applied};

use crate::caller::OwnerCaller;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::account::Email;
use crate::models::{CreateUser, CreatedUser, PatchUser, Role, User};
use crate::secrets::PlainSecret;
use crate::storage::accounts::Accounts;
use crate::storage::accounts::passwords::set_password;
use crate::storage::accounts::{EmailItem, StoredPassword, UserItem, UserToMake, one_more_owner, one_owner_less};
use crate::storage::keys;
use crate::storage::{collect_for_response, join_authorized};

/// The writes that change a user, by what a refusal means.
enum Write {
    /// The user was changed in between: read it again.
    Changed,
    LastOwner,
    EmailTaken,
}

impl Accounts<'_> {
    /// All users, oldest first, read while the caller is authenticated.
    pub async fn list_users(self, owner: &OwnerCaller) -> Result<Vec<User>, Error> {
        let query = self.store.query_partition(keys::USERS.to_owned(), keys::USER_ITEMS);
        let users = collect_for_response(query, |item: UserItem| Some(item.user));
        join_authorized(self.authenticate_owner(owner, &[]), users).await.map(|(_, users)| users)
    }

    /// Adds a user, who has to change the password at the first sign-in, as another person knows it.
    pub async fn add_user(self, owner: &OwnerCaller, new: CreateUser) -> Result<CreatedUser, Error> {
        self.authenticate_owner(owner, &[]).await?;
        let (password, temporary) = match new.password {
            Some(password) => (password, None),
            None => {
                let made = PlainSecret::temporary_password();
                (made.as_password(), Some(made))
            }
        };
        let (email, name, role) = (&new.email, new.display_name.as_str(), new.role);
        let made = self.insert_user(UserToMake { email, password, name, role, must_change_password: true }).await?;
        let user = made.ok_or(Error::EmailTaken)?;
        Ok(CreatedUser { user, temporary_password: temporary.map(PlainSecret::reveal) })
    }

    /// Changes the members that `patch` has. A new password ends the user's sessions, and failed login attempts
    /// before it are forgotten.
    pub async fn update_user(self, owner: &OwnerCaller, id: UserId, patch: PatchUser) -> Result<User, Error> {
        let password = match &patch.password {
            Some(password) => {
                self.authenticate_owner(owner, &[]).await?; // before the costly hash
                Some(self.hash_password(password.clone()).await?)
            }
            None => None,
        };
        until_applied("a user", || async {
            let item = self.managed_user(owner, id).await?;
            let before = item.filter(|it| it.removing.is_none()).ok_or(Error::NotFound("user"))?.user;
            if password.is_some() {
                // None survives a process that dies after the password is set.
                self.delete_listed_sessions(before.id, |_| false).await?;
            }
            let after = self.write_update(before, &patch, password.as_ref()).await?;
            if let (Some(after), Some(password)) = (&after, &password) {
                self.delete_all_sessions(after.id, |session| session.password_id == password.id).await?;
                self.clear_attempts(&Email::typed(&after.email)).await?;
            }
            Ok(after)
        })
        .await
    }

    /// A user as an owner finds it, also during its deletion.
    pub(super) async fn managed_user(self, owner: &OwnerCaller, id: UserId) -> Result<Option<UserItem>, Error> {
        let key = keys::user(id);
        let (_, mut items) = self.authenticate_owner(owner, std::slice::from_ref(&key)).await?;
        Ok(items.take(&key)?)
    }

    /// The user after the change; `None` when another change was first.
    async fn write_update(
        self,
        before: User,
        patch: &PatchUser,
        password: Option<&StoredPassword>,
    ) -> Result<Option<User>, Error> {
        let after = patch.applied_to(&before);
        if password.is_none() && after == before {
            return Ok(Some(before));
        }
        let mut transaction = Transaction::new();
        transaction.push(Write::Changed, update_user(&before, &after));
        match (before.role, after.role) {
            (Role::Member, Role::Owner) => transaction.push(Write::Changed, one_more_owner()),
            (Role::Owner, Role::Member) => transaction.push(Write::LastOwner, one_owner_less()),
            _ => {}
        }
        self.update_account(&mut transaction, (&before, &after), password).await?;
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => Ok(Some(after)),
            Conditional::Refused(Write::LastOwner) => Err(Error::LastOwner),
            Conditional::Refused(Write::EmailTaken) => Err(Error::EmailTaken),
            Conditional::Refused(Write::Changed) => Ok(None),
        }
    }

    /// The writes that concern the address's item: a new password, or a move to another address.
    async fn update_account(
        self,
        transaction: &mut Transaction<Write>,
        (before, after): (&User, &User),
        password: Option<&StoredPassword>,
    ) -> Result<(), Error> {
        if password.is_none() && before.email == after.email {
            return Ok(());
        }
        let (from, to) = (Email::typed(&before.email), Email::typed(&after.email));
        let account = self.account_at(&from).await?.filter(|it| it.user_id == before.id);
        // The address was changed after `before` was read; the condition on the user's item refuses the
        // transaction.
        let Some(account) = account else { return Ok(()) };
        if let (Some(new), true) = (password, from == to) {
            transaction.push(Write::Changed, set_password(&from, &account.password_id, new));
            return Ok(());
        }
        let kept = StoredPassword { id: account.password_id.clone(), hash: account.password_hash };
        let stored = password.map_or(kept, |new| StoredPassword { id: new.id.clone(), hash: new.hash.clone() });
        let is_same = attr("passwordId").eq(s(&account.password_id));
        transaction.push(Write::Changed, Delete::new(keys::email(&from)).when(is_same));
        transaction.push(Write::EmailTaken, Put::create(to_item(&EmailItem::at(&to, before.id, stored))?));
        Ok(())
    }
}

/// Sets what differs, while what was read is still so.
fn update_user(before: &User, after: &User) -> Update {
    Update::new(keys::user(before.id))
        .set("email", s(&after.email))
        .set("displayName", s(&after.display_name))
        .set("role", s(after.role.word()))
        .set("mustChangePassword", Value::Bool(after.must_change_password))
        .when(attr("email").eq(s(&before.email)))
        .when(attr("displayName").eq(s(&before.display_name)))
        .when(attr("role").eq(s(before.role.word())))
        .when(attr("mustChangePassword").eq(Value::Bool(before.must_change_password)))
        .when(attr("removing").absent())
}
