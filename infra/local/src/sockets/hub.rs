//! Who watches which channel, and the frames on their way to them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use shared::ids::{AgentId, UserId};
use shared::socket_io::{MAX_CONNECTIONS_OF_USER, frames};
use shared::storage::{EndedCredential, SocketEvent, StreamImage};
use tokio::sync::mpsc;

/// Frames that may wait for one client. A client that reads slower is disconnected: it connects again, and nothing
/// is replayed.
const MAX_WAITING_FRAMES: usize = 1024;
/// Connections of all users.
const MAX_CONNECTIONS: usize = 10_000;

/// The connections of this process. Clones share them.
#[derive(Clone, Default)]
pub struct Hub(Arc<Shared>);

#[derive(Default)]
struct Shared {
    open: AtomicUsize,
    rooms: Mutex<Rooms>,
    /// The stream repeats a batch that failed: up to where each shard is done.
    published: Mutex<Option<u128>>,
}

#[derive(Default)]
struct Rooms {
    next_id: u64,
    members: HashMap<u64, Member>,
    by_channel: HashMap<AgentId, HashSet<u64>>,
    by_person: HashMap<UserId, HashSet<u64>>,
    /// How many connections each user has.
    by_user: HashMap<UserId, usize>,
}

struct Member {
    user: UserId,
    is_person: bool,
    /// The hash of the credential that it connected with.
    credential: String,
    channels: HashSet<AgentId>,
    frames: mpsc::Sender<Arc<str>>,
}

/// A connection that was accepted, until it is dropped.
pub struct Membership {
    hub: Hub,
    id: u64,
    pub user: UserId,
}

impl Hub {
    /// Adds a connection of `user`; nothing at the limit. `frames` ends when the connection must be closed.
    pub fn join(
        &self,
        user: UserId,
        is_person: bool,
        credential: String,
    ) -> Option<(Membership, mpsc::Receiver<Arc<str>>)> {
        let mut rooms = self.rooms();
        let of_user = rooms.by_user.get(&user).copied().unwrap_or_default();
        if rooms.members.len() >= MAX_CONNECTIONS || of_user >= MAX_CONNECTIONS_OF_USER {
            return None;
        }
        let (sender, receiver) = mpsc::channel(MAX_WAITING_FRAMES);
        let id = rooms.next_id;
        rooms.next_id += 1;
        let channels = HashSet::new();
        rooms.by_user.insert(user, of_user + 1);
        rooms.members.insert(id, Member { user, is_person, credential, channels, frames: sender });
        if is_person {
            rooms.by_person.entry(user).or_default().insert(id);
        }
        self.0.open.store(rooms.members.len(), Ordering::Relaxed);
        Some((Membership { hub: self.clone(), id, user }, receiver))
    }

    /// Sends what a batch of the table's stream means to the connections that it concerns, each event once, and closes
    /// those whose credential has ended.
    pub fn publish(&self, batch: &Event) {
        for record in &batch.records {
            if !self.is_new(record) || self.0.open.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let (old, new) = (image(&record.change.old_image), image(&record.change.new_image));
            if let Some(ended) = EndedCredential::of(old, new) {
                self.rooms().close(|member| member.credential == ended.hash);
            }
            match SocketEvent::of(old, new) {
                Ok(events) => events.iter().for_each(|event| self.send(event)),
                Err(err) => tracing::error!(code = err.code(), cause = ?err, "an event for sockets is given up"),
            }
        }
    }

    /// Whether a record was not published yet. Sequence numbers of the local stream only grow.
    fn is_new(&self, record: &EventRecord) -> bool {
        let number = record.change.sequence_number.as_deref().and_then(|text| text.parse::<u128>().ok());
        let mut published = self.0.published.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = number.is_none() || number > *published;
        *published = number.max(*published);
        is_new
    }

    fn send(&self, event: &SocketEvent) {
        let for_agents: Arc<str> = frames::event(event.name, &event.for_agents).into();
        let for_humans = event.for_humans.as_ref().map(|data| Arc::from(frames::event(event.name, data)));
        self.rooms().send((event.owner, event.channel), None, |member| match (&for_humans, member.is_person) {
            (Some(frame), true) => Arc::clone(frame),
            _ => for_agents.clone(),
        });
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Membership {
    /// Adds the connection to a channel that was opened with its credential.
    pub fn subscribe(&self, channel: AgentId) {
        let mut rooms = self.hub.rooms();
        if let Some(member) = rooms.members.get_mut(&self.id) {
            member.channels.insert(channel);
            rooms.by_channel.entry(channel).or_default().insert(self.id);
        }
    }

    /// Takes the connection out of a channel.
    pub fn unsubscribe(&self, channel: AgentId) {
        let mut rooms = self.hub.rooms();
        if let Some(member) = rooms.members.get_mut(&self.id) {
            member.channels.remove(&channel);
        }
        rooms.leave(self.id, channel);
    }

    /// Sends an event of this client to the others that watch the channel, which it must own.
    pub fn relay(&self, channel: AgentId, name: &str, data: &str) {
        let frame: Arc<str> = frames::event(name, data).into();
        self.hub.rooms().send((self.user, channel), Some(self.id), |_| frame.clone());
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut rooms = self.hub.rooms();
        rooms.remove(self.id);
        self.hub.0.open.store(rooms.members.len(), Ordering::Relaxed);
    }
}

impl Rooms {
    /// Sends a frame to those who watch a channel, if they are its owner's. A person watches all of their channels.
    fn send(&mut self, (owner, channel): (UserId, AgentId), but: Option<u64>, frame: impl Fn(&Member) -> Arc<str>) {
        let in_room = self.by_channel.get(&channel).into_iter().flatten();
        let people = self.by_person.get(&owner).into_iter().flatten();
        let watching: HashSet<u64> = in_room.chain(people).copied().filter(|id| Some(*id) != but).collect();
        let mut slow = vec![];
        for id in watching {
            let Some(member) = self.members.get(&id).filter(|member| member.user == owner) else { continue };
            if member.frames.try_send(frame(member)).is_err() {
                slow.push(id);
            }
        }
        slow.into_iter().for_each(|id| self.remove(id));
    }

    /// Ends the connections that match: dropping a sender does.
    fn close(&mut self, matches: impl Fn(&Member) -> bool) {
        let ended: Vec<u64> = self.members.iter().filter(|(_, it)| matches(it)).map(|(id, _)| *id).collect();
        ended.into_iter().for_each(|id| self.remove(id));
    }

    fn remove(&mut self, id: u64) {
        let Some(member) = self.members.remove(&id) else { return };
        if let Entry::Occupied(mut count) = self.by_user.entry(member.user) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        for channel in member.channels {
            self.leave(id, channel);
        }
        if let Some(ids) = self.by_person.get_mut(&member.user) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_person.remove(&member.user);
            }
        }
    }

    fn leave(&mut self, id: u64, channel: AgentId) {
        if let Some(ids) = self.by_channel.get_mut(&channel) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_channel.remove(&channel);
            }
        }
    }
}

fn image(image: &StreamImage) -> Option<&StreamImage> {
    Some(image).filter(|image| !image.is_empty())
}
