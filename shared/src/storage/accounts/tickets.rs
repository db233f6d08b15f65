//! Tickets: how a page, which cannot read its session's cookie, presents its person to a socket. A ticket is good for
//! one connection within [`TICKET_LIFE`], and only as long as the session that asked for it.

use std::time::Duration;

use dynamo::value::{s, to_item};
use dynamo::{Conditional, Key, Update, attr, item_exists};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::secrets::{Credential, PlainSecret, SecretHash};
use crate::storage::accounts::Accounts;
use crate::storage::keys;

/// How long a ticket is good.
pub const TICKET_LIFE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TicketItem {
    pk: String,
    sk: String,
    user_id: UserId,
    session: String,
    expires_at: Timestamp,
    ttl: i64,
}

impl Accounts<'_> {
    /// A new ticket of the caller's.
    pub async fn create_ticket(self, human: &HumanCaller) -> Result<PlainSecret, Error> {
        let (user, _) = self.store.authenticate(human, &[]).await?;
        let ticket = PlainSecret::ticket(user);
        let expires_at = self.store.clock.now().plus(TICKET_LIFE);
        let Key { pk, sk } = keys::ticket(&ticket.hashed());
        let session = Caller::from(human).hashed().as_str().to_owned();
        let ttl = expires_at.epoch_seconds();
        let item = TicketItem { pk, sk, user_id: user, session, expires_at, ttl };
        self.store.table.put_new(to_item(&item)?).await?;
        Ok(ticket)
    }

    /// The session that a ticket stands for, which is not verified here. The ticket cannot be used again.
    pub async fn use_ticket(self, ticket: &str) -> Result<HumanCaller, Error> {
        let presented = Credential::ticket(ticket).ok_or(Error::NoSession)?;
        let now = self.store.clock.now();
        let update = Update::new(keys::ticket(&presented.hashed))
            .set("usedAt", s(now))
            .when(item_exists().and(attr("usedAt").absent()).and(attr("expiresAt").gt(s(now))));
        match update.send::<TicketItem>(&self.store.table).await? {
            Conditional::Applied(item) if item.user_id == presented.claimed => {
                let hashed = SecretHash::stored(item.session);
                Ok(HumanCaller(Credential { hashed, claimed: item.user_id, agent: None, prefix: String::new() }))
            }
            _ => Err(Error::NoSession),
        }
    }
}
