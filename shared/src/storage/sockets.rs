//! Connections of the WebSocket API of a deployment: who they belong to, and which channels they watch. Rooms are sort
//! keys in their user's partition, so that an event of one user can't find a connection of another.

use std::time::Duration;

use dynamo::value::{n, s, to_item, to_value};
use dynamo::{Key, Put, Transaction, Update, attr, item_exists};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, StoredCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId, new_ulid};
use crate::storage::Store;
use crate::storage::keys::{self, Due};
use crate::storage::socket_events::SocketEvent;

/// API Gateway ends a connection after two hours.
const LIFE: Duration = Duration::from_secs(2 * 3600 + 600);
/// How long a client may take to present a credential; the schedule looks every minute.
const SIGN_IN_TIME: Duration = Duration::from_secs(60);
/// The time between two pings, below the gateway's ten idle minutes and [`PING_INTERVAL`].
const PING_AFTER: Duration = Duration::from_secs(200);
/// What the first frame says: a client gives up without a ping for this and [`PING_TIMEOUT`] together.
pub const PING_INTERVAL: Duration = Duration::from_secs(300);
/// See [`PING_INTERVAL`].
pub const PING_TIMEOUT: Duration = Duration::from_secs(200);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SocketItem {
    pk: String,
    sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller: Option<StoredCaller>,
    due_shard: String,
    due_sort: String,
    ttl: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoomItem {
    pk: String,
    sk: String,
    connection: String,
    credential: String,
    is_person: bool,
    ttl: i64,
}

/// What is stored of a connection.
#[derive(Clone, Debug)]
pub enum Socket {
    /// Nothing: it has ended.
    Ended,
    /// Its client has not presented a good credential yet.
    Anonymous,
    /// It has signed in.
    Of(Caller),
}

/// A connection that gets an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watcher {
    pub connection: String,
    pub is_person: bool,
}

/// The connections.
#[derive(Clone, Copy)]
pub struct Sockets<'a> {
    pub(super) store: &'a Store,
}

impl Sockets<'_> {
    /// Records a connection whose client has not presented a credential yet.
    pub async fn create(self, id: &str) -> Result<(), Error> {
        let Key { pk, sk } = keys::socket(id);
        let due = self.due_in(SIGN_IN_TIME, id);
        let item = SocketItem { pk, sk, caller: None, due_shard: due.shard, due_sort: due.sort, ttl: self.ttl() };
        Ok(self.store.table.put(to_item(&item)?).await?)
    }

    /// Records that a connection gets its first frame. False if it had one, or has ended.
    pub async fn open(self, id: &str) -> Result<bool, Error> {
        let is_closed = item_exists().and(attr("openedAt").absent());
        let update = Update::new(keys::socket(id)).set("openedAt", s(self.store.clock.now())).when(is_closed);
        Ok(update.send_item(&self.store.table).await?.is_applied())
    }

    /// Records who a connection belongs to. False if it has ended, or has an owner already.
    pub async fn join(self, id: &str, user: UserId, caller: &Caller) -> Result<bool, Error> {
        let due = self.due_in(PING_AFTER, id);
        let update = Update::new(keys::socket(id))
            .set("caller", to_value(&StoredCaller::from(caller))?)
            .set("dueShard", s(due.shard))
            .set("dueSort", s(due.sort))
            .when(item_exists().and(attr("caller").absent()));
        let mut transaction = Transaction::new();
        transaction.add(update);
        transaction.add(Put::new(to_item(&self.room(keys::user_socket(user, id), id, caller))?));
        Ok(transaction.commit(&self.store.table).await?.is_applied())
    }

    /// What is stored of a connection.
    pub async fn find(self, id: &str) -> Result<Socket, Error> {
        let item = self.store.table.get::<SocketItem>(&keys::socket(id)).await?;
        Ok(match item.map(|item| item.caller) {
            None => Socket::Ended,
            Some(None) => Socket::Anonymous,
            Some(Some(caller)) => Socket::Of(caller.into()),
        })
    }

    /// Adds a connection to a channel of its user.
    pub async fn subscribe(self, id: &str, user: UserId, channel: AgentId, caller: &Caller) -> Result<(), Error> {
        let room = self.room(keys::channel_socket(user, channel, id), id, caller);
        Ok(self.store.table.put(to_item(&room)?).await?)
    }

    /// Takes a connection out of a channel.
    pub async fn unsubscribe(self, id: &str, user: UserId, channel: AgentId) -> Result<(), Error> {
        Ok(self.store.table.delete(&keys::channel_socket(user, channel, id)).await?)
    }

    fn room(self, Key { pk, sk }: Key, id: &str, caller: &Caller) -> RoomItem {
        RoomItem {
            pk,
            sk,
            connection: id.to_owned(),
            credential: caller.credential_hash().to_owned(),
            is_person: matches!(caller, Caller::Human(_)),
            ttl: self.ttl(),
        }
    }

    /// The connections that get the events of a channel, each once: those in it, and those of its owner as a person.
    pub async fn watchers(self, user: UserId, channel: AgentId) -> Result<Vec<Watcher>, Error> {
        let of_channel = keys::channel_sockets(channel);
        let (in_channel, of_user) =
            tokio::try_join!(self.rooms(user, &of_channel), self.rooms(user, keys::USER_SOCKETS))?;
        let people = of_user.into_iter().filter(|item| item.is_person);
        let watcher = |item: RoomItem| Watcher { connection: item.connection, is_person: item.is_person };
        let mut watchers: Vec<Watcher> = in_channel.into_iter().chain(people).map(watcher).collect();
        watchers.sort();
        watchers.dedup();
        Ok(watchers)
    }

    /// How many connections a user has.
    pub async fn count(self, user: UserId) -> Result<usize, Error> {
        Ok(self.rooms(user, keys::USER_SOCKETS).await?.len())
    }

    /// The connections of a user that presented this credential.
    pub async fn of_credential(self, user: UserId, credential: &str) -> Result<Vec<String>, Error> {
        let all = self.rooms(user, keys::USER_SOCKETS).await?;
        Ok(all.into_iter().filter(|item| item.credential == credential).map(|item| item.connection).collect())
    }

    /// Claims an event of a channel by its number in the table's stream, which repeats batches. False if it, or a later
    /// one, was sent.
    pub async fn claim_event(self, event: &SocketEvent, number: &str) -> Result<bool, Error> {
        // Sequence numbers have up to 40 digits: more than a number of the table keeps.
        let number = s(format!("{number:0>40}"));
        let update = Update::new(keys::sent_event(event.owner, event.channel, event.is_of_agent()))
            .set("number", number.clone())
            .set("ttl", n(self.ttl()))
            .when(attr("number").absent().or(attr("number").lt(number)));
        Ok(update.send_item(&self.store.table).await?.is_applied())
    }

    /// Sets the next ping of a connection. False if it has ended.
    pub async fn pinged(self, id: &str) -> Result<bool, Error> {
        let due = self.due_in(PING_AFTER, id);
        let update =
            Update::new(keys::socket(id)).set("dueShard", s(due.shard)).set("dueSort", s(due.sort)).when(item_exists());
        Ok(update.send_item(&self.store.table).await?.is_applied())
    }

    /// Removes a connection from everywhere.
    pub async fn close(self, id: &str) -> Result<(), Error> {
        match self.find(id).await? {
            Socket::Ended => Ok(()),
            Socket::Anonymous => Ok(self.store.table.delete(&keys::socket(id)).await?),
            Socket::Of(caller) => self.close_of(caller.claimed(), id).await,
        }
    }

    /// Removes a connection of a user from everywhere, and what was stored of it while it ended.
    pub async fn close_of(self, user: UserId, id: &str) -> Result<(), Error> {
        let rooms = self.rooms(user, keys::ROOMS).await?.into_iter().filter(|room| room.connection == id);
        let gone: Vec<Key> = rooms.map(|room| Key::new(room.pk, room.sk)).chain([keys::socket(id)]).collect();
        Ok(self.store.table.delete_items(&gone).await?)
    }

    async fn rooms(self, user: UserId, prefix: &str) -> Result<Vec<RoomItem>, Error> {
        Ok(self.store.query_partition(keys::socket_partition(user), prefix).collect_all().await?)
    }

    fn due_in(self, time: Duration, id: &str) -> Due {
        let at = self.store.clock.now();
        keys::due(at.plus(time), new_ulid(at), &keys::socket(id))
    }

    fn ttl(self) -> i64 {
        let end: Timestamp = self.store.clock.now().plus(LIFE);
        end.epoch_seconds()
    }
}
