//! Sessions: the item that a presented token is looked up by, and the one in its user's list.

use std::time::Duration;

use dynamo::value::{s, to_item};
use dynamo::{Check, Conditional, Delete, Key, MAX_ATTEMPTS, Put, Transaction, attr, item_exists};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{UserId, new_ulid};
use crate::models::account::Email;
use crate::models::{Client, Session, User};
use crate::secrets::{Credential, PlainSecret, SecretHash};
use crate::storage::accounts::Accounts;
use crate::storage::keys;
use crate::storage::{collect_for_response, join_authorized};

/// A session ends this long after it was made or refreshed.
const SESSION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// A session ends this long after the password was typed, however often it is refreshed.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::storage) struct SessionItem {
    pk: String,
    sk: String,
    user_id: UserId,
    created_at: Timestamp,
    expires_at: Timestamp,
    ttl: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserSessionItem {
    pk: String,
    sk: String,
    pub hash: String,
    pub password_id: String,
    /// Stays the same over refreshes.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_in_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed_at: Option<Timestamp>,
    #[serde(flatten)]
    client: Client,
    ttl: i64,
}

impl UserSessionItem {
    /// What names the session; of one from before sessions had names, its hash.
    fn id(&self) -> String {
        format!("{SESSION_ID}{}", self.session_id.as_deref().unwrap_or(&self.hash))
    }
}

/// How the id of a session begins.
const SESSION_ID: &str = "ses_";

/// A sign-in that a session goes back to.
struct SignIn {
    session_id: String,
    at: Timestamp,
}

/// A session that was just made, with its token.
pub struct NewSession {
    pub user: User,
    pub token: PlainSecret,
    pub life: Duration,
}

/// The writes that replace a session.
enum Write {
    /// The password is still the one that the session was begun with.
    Password,
    Session,
}

impl Accounts<'_> {
    /// Creates a session, on the condition that the password which was checked is still the current one: a
    /// session never outlives the change of its password.
    pub(super) async fn create_session(
        self,
        user: User,
        email: &Email,
        password_id: &str,
        client: Client,
    ) -> Result<NewSession, Error> {
        let (token, now) = (PlainSecret::session(user.id), self.store.clock.now());
        let sign_in = SignIn { session_id: new_ulid(now).to_string(), at: now };
        let mut transaction = Transaction::new();
        let is_current = attr("passwordId").eq(s(password_id));
        transaction.add(Check::new(keys::email(email), is_current));
        let (items, life) = self.session_items(user.id, &token, password_id, (sign_in, client))?;
        for item in items {
            transaction.add(item);
        }
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => Ok(NewSession { user, token, life }),
            Conditional::Refused(()) => Err(Error::WrongPassword),
        }
    }

    /// The items of a session, and how long it lasts.
    fn session_items(
        self,
        user: UserId,
        token: &PlainSecret,
        password_id: &str,
        (sign_in, client): (SignIn, Client),
    ) -> Result<([Put; 2], Duration), Error> {
        let (now, hash) = (self.store.clock.now(), token.hashed());
        let expires_at = now.plus(SESSION_LIFE).min(sign_in.at.plus(MAX_AGE));
        let ttl = expires_at.epoch_seconds();
        let Key { pk, sk } = keys::session(&hash);
        let session = to_item(&SessionItem { pk, sk, user_id: user, created_at: now, expires_at, ttl })?;
        let Key { pk, sk } = keys::user_session(user, &hash);
        let listed = to_item(&UserSessionItem {
            pk,
            sk,
            hash: hash.as_str().to_owned(),
            password_id: password_id.to_owned(),
            session_id: Some(sign_in.session_id),
            signed_in_at: Some(sign_in.at),
            refreshed_at: Some(now),
            client,
            ttl,
        })?;
        Ok(([Put::create(session), Put::create(listed)], now.until(expires_at)))
    }

    /// Where the caller is signed in, the latest refresh first, read while the caller is authenticated.
    pub async fn list_sessions(self, human: &HumanCaller) -> Result<Vec<Session>, Error> {
        let (caller, now) = (Caller::from(human), self.store.clock.now());
        let query = self.store.query_partition(keys::user_partition(caller.claimed()), keys::USER_SESSIONS);
        let sessions = collect_for_response(query, |item: UserSessionItem| {
            let expires_at = Timestamp::from_millis(item.ttl.saturating_mul(1000));
            (expires_at > now).then(|| Session {
                id: item.id(),
                current: item.hash == human.0.hashed.as_str(),
                device: item.client.device,
                address: item.client.address,
                signed_in_at: item.signed_in_at,
                refreshed_at: item.refreshed_at,
                expires_at,
            })
        });
        let (_, mut sessions) = join_authorized(self.store.authenticate(caller, &[]), sessions).await?;
        sessions.sort_by_key(|session| std::cmp::Reverse((session.current, session.refreshed_at)));
        Ok(sessions)
    }

    /// Ends one of the caller's sessions, also if it is refreshed meanwhile.
    pub async fn end_session(self, human: &HumanCaller, id: &str) -> Result<(), Error> {
        let sessions = self.list_sessions(human).await?;
        if !sessions.iter().any(|session| session.id == id) {
            return Err(Error::NotFound("session"));
        }
        self.delete_all_sessions(human.0.claimed, |session| session.id() != id).await
    }

    /// The user of a presented session, if it is stored, has not expired, and belongs to the user that it
    /// names.
    pub(in crate::storage) fn verify_session(
        self,
        session: &Credential,
        item: Option<SessionItem>,
    ) -> Result<UserId, Error> {
        let now = self.store.clock.now();
        item.filter(|item| item.user_id == session.claimed && item.expires_at > now)
            .map(|item| item.user_id)
            .ok_or(Error::NoSession)
    }

    /// Replaces a session by a new one, of the same sign-in. Of several refreshes at once one succeeds; for the others the session
    /// has ended. A session that was created with an old password is never refreshed, so ending a user's
    /// sessions after a change terminates.
    pub async fn refresh_session(self, human: &HumanCaller, client: Client) -> Result<NewSession, Error> {
        let mut outdated = None;
        for _ in 0..MAX_ATTEMPTS {
            let listed = keys::user_session(human.0.claimed, &human.0.hashed);
            let (item, mut items) = self.authenticate_person(human, std::slice::from_ref(&listed)).await?;
            let old = items.take::<UserSessionItem>(&listed)?.ok_or(Error::NoSession)?;
            let email = keys::email(&Email::typed(&item.user.email));
            let token = PlainSecret::session(item.user.id);
            let is_same = || attr("passwordId").eq(s(&old.password_id));
            let mut transaction = Transaction::new();
            transaction.push(Write::Password, Check::new(email.clone(), is_same()));
            let session = Delete::new(keys::session(&human.0.hashed)).when(item_exists());
            transaction.push(Write::Session, session);
            // Refused when the password was changed in between: the change may have kept the session, so it is
            // read again.
            transaction.push(Write::Session, Delete::new(listed).when(is_same()));
            let session_id = old.session_id.clone().unwrap_or_else(|| old.hash.clone());
            let sign_in = SignIn { session_id, at: old.signed_in_at.unwrap_or_else(|| self.store.clock.now()) };
            let (items, life) =
                self.session_items(item.user.id, &token, &old.password_id, (sign_in, client.clone()))?;
            for item in items {
                transaction.push(Write::Session, item);
            }
            match transaction.commit(&self.store.table).await? {
                Conditional::Applied(()) => return Ok(NewSession { user: item.user, token, life }),
                Conditional::Refused(Write::Password) => {
                    let looked_at = Some((email, old.password_id));
                    if outdated == looked_at {
                        return Err(Error::NoSession);
                    }
                    outdated = looked_at;
                }
                Conditional::Refused(Write::Session) => {}
            }
        }
        Err(Error::unavailable("a session kept changing"))
    }

    /// Ends a session; one that does not exist counts as ended.
    pub async fn delete_session(self, human: &HumanCaller) -> Result<(), Error> {
        self.delete_sessions(human.0.claimed, std::slice::from_ref(&human.0.hashed)).await
    }

    /// Ends a user's sessions except those to `keep`. A session can be refreshed between the read and its end,
    /// so this repeats until there is none to end.
    pub(super) async fn delete_all_sessions(
        self,
        user: UserId,
        keep: impl Fn(&UserSessionItem) -> bool,
    ) -> Result<(), Error> {
        const MAX_READS: u32 = 20;
        for _ in 0..MAX_READS {
            if self.delete_listed_sessions(user, &keep).await? == 0 {
                return Ok(());
            }
        }
        Err(Error::unavailable("a user's sessions kept being refreshed"))
    }

    /// Ends a user's sessions except those to `keep`, as one read finds them. Gives how many there were.
    pub(super) async fn delete_listed_sessions(
        self,
        user: UserId,
        keep: impl Fn(&UserSessionItem) -> bool,
    ) -> Result<usize, Error> {
        let query = self.store.query_partition(keys::user_partition(user), keys::USER_SESSIONS);
        let mut sessions = query.collect_all::<UserSessionItem>().await?;
        sessions.retain(|session| !keep(session));
        let hashes: Vec<SecretHash> = sessions.into_iter().map(|it| SecretHash::stored(it.hash)).collect();
        // Two items each; a transaction has at most 100.
        for some in hashes.chunks(50) {
            self.delete_sessions(user, some).await?;
        }
        Ok(hashes.len())
    }

    async fn delete_sessions(self, user: UserId, hashes: &[SecretHash]) -> Result<(), Error> {
        let mut transaction = Transaction::new();
        for hash in hashes {
            transaction.add(Delete::new(keys::session(hash)));
            transaction.add(Delete::new(keys::user_session(user, hash)));
        }
        let _ = transaction.commit(&self.store.table).await?;
        Ok(())
    }
}
