//! Turns: a few requests of each credential are processed at once, and further ones queue behind them.
//! A flood of requests from one caller leaves room for all others.
//!
//! Only a verified credential has turns and a rate of its own. Unverified ones share a few turns, so
//! made-up credentials take neither memory nor room.
//!
//! A request takes its turn before any work and keeps it until it ends. It gives the turn up while it
//! waits for something that costs nothing here: the rest of a body, a change, the response of another
//! host.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Settings;
use super::rate::Rate;
use crate::error::Error;
use crate::ids::UserId;
use crate::secrets::SecretHash;

/// The longest time a request queues for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Turns that all unverified credentials share.
const UNVERIFIED_TURNS: usize = 16;
/// How many verified credentials are remembered. A forgotten one counts as unverified again.
const MAX_REMEMBERED: usize = 10_000;
/// How many large bodies of one user may be in memory at once.
const MAX_LARGE_BODIES: usize = 4;

/// Every caller that this process has verified.
#[derive(Clone, Debug)]
pub struct Callers(Arc<State>);

#[derive(Debug)]
struct State {
    settings: Settings,
    unverified: Arc<Semaphore>,
    verified: Mutex<Verified>,
}

#[derive(Debug, Default)]
struct Verified {
    credentials: HashMap<SecretHash, Arc<Credential>>,
    users: HashMap<UserId, Weak<User>>,
}

#[derive(Debug)]
struct Credential {
    hashed: SecretHash,
    user: Arc<User>,
    turns: Arc<Semaphore>,
    rate: Rate,
}

#[derive(Debug)]
struct User {
    turns: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
}

/// The current request's turn.
struct Turn {
    callers: Callers,
    caller: Caller,
    permits: Vec<OwnedSemaphorePermit>,
    /// What its body takes of the memory, until the request ends.
    memory: Vec<OwnedSemaphorePermit>,
}

#[derive(Clone)]
enum Caller {
    Verified(Arc<Credential>),
    /// Has a credential that is not verified yet.
    Unverified,
    /// Has none.
    Anonymous,
}

tokio::task_local! {
    static TURN: RefCell<Turn>;
}

impl Callers {
    /// No verified callers yet.
    pub fn new(settings: &Settings) -> Self {
        Self(Arc::new(State {
            settings: *settings,
            unverified: Arc::new(Semaphore::new(UNVERIFIED_TURNS)),
            verified: Mutex::default(),
        }))
    }

    /// Runs the work of a request in its turn. `presented` are the hashes of its credentials.
    pub async fn in_turn<T>(&self, presented: &[SecretHash], work: impl Future<Output = T>) -> Result<T, Error> {
        let verified = self.find(presented);
        if let Some(credential) = &verified {
            self.charge(credential)?;
        }
        let caller = match verified {
            Some(credential) => Caller::Verified(credential),
            None if presented.is_empty() => Caller::Anonymous,
            None => Caller::Unverified,
        };
        let turn = Turn { callers: self.clone(), caller, permits: vec![], memory: vec![] };
        let work = async {
            let began = tokio::time::timeout(QUEUE_TIMEOUT, resume()).await;
            began.map_err(|_| too_many(QUEUE_TIMEOUT))?;
            Ok(work.await)
        };
        TURN.scope(RefCell::new(turn), work).await
    }

    fn find(&self, presented: &[SecretHash]) -> Option<Arc<Credential>> {
        let verified = self.lock();
        presented.iter().find_map(|hashed| verified.credentials.get(hashed)).cloned()
    }

    fn charge(&self, credential: &Credential) -> Result<(), Error> {
        let Settings { requests_per_second, burst, .. } = self.0.settings;
        let each = Duration::from_secs(1) / requests_per_second.max(1);
        credential.rate.take(each, burst).map_err(too_many)
    }

    /// The entry of a credential that was just verified.
    fn remember(&self, hashed: &SecretHash, user: UserId) -> Arc<Credential> {
        let mut verified = self.lock();
        if verified.credentials.len() >= MAX_REMEMBERED {
            // Those in use stay.
            verified.credentials.retain(|_, credential| Arc::strong_count(credential) > 1);
            verified.users.retain(|_, user| user.strong_count() > 0);
        }
        if let Some(credential) = verified.credentials.get(hashed) {
            return credential.clone();
        }
        let at_once = self.0.settings.at_once.max(1);
        let user = match verified.users.get(&user).and_then(Weak::upgrade) {
            Some(user) => user,
            None => {
                let turns = Arc::new(Semaphore::new(2 * at_once));
                let made = Arc::new(User { turns, large_bodies: Arc::new(Semaphore::new(MAX_LARGE_BODIES)) });
                verified.users.insert(user, Arc::downgrade(&made));
                made
            }
        };
        let turns = Arc::new(Semaphore::new(at_once));
        let made = Arc::new(Credential { hashed: hashed.clone(), user, turns, rate: Rate::full() });
        verified.credentials.insert(hashed.clone(), made.clone());
        made
    }

    fn lock(&self) -> MutexGuard<'_, Verified> {
        // The maps are whole even if a thread ended while it held them.
        self.0.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks the current request's credential as verified: it has turns of its own from now on.
pub(crate) async fn verified(hashed: &SecretHash, user: UserId) -> Result<(), Error> {
    let found = TURN.try_with(|turn| {
        let turn = turn.borrow();
        let is_same = matches!(&turn.caller, Caller::Verified(verified) if verified.hashed == *hashed);
        (!is_same).then(|| turn.callers.clone())
    });
    let Ok(Some(callers)) = found else { return Ok(()) };
    let credential = callers.remember(hashed, user);
    callers.charge(&credential)?;
    let _ = TURN.try_with(|turn| {
        let mut turn = turn.borrow_mut();
        turn.permits.clear();
        turn.caller = Caller::Verified(credential);
    });
    resume().await;
    Ok(())
}

/// Forgets a credential that is not, or no longer, valid.
pub(crate) fn forget(hashed: &SecretHash) {
    let callers = TURN.try_with(|turn| turn.borrow().callers.clone());
    if let Ok(callers) = callers {
        callers.lock().credentials.remove(hashed);
    }
}

/// Gives the turn up to another request of the same caller, until [`resume`].
pub fn step_aside() {
    let _ = TURN.try_with(|turn| turn.borrow_mut().permits.clear());
}

/// Takes a turn again, after [`step_aside`].
pub async fn resume() {
    let wanted = TURN.try_with(|turn| {
        let turn = turn.borrow();
        match &turn.caller {
            _ if !turn.permits.is_empty() => vec![],
            Caller::Verified(verified) => vec![verified.turns.clone(), verified.user.turns.clone()],
            Caller::Unverified => vec![turn.callers.0.unverified.clone()],
            Caller::Anonymous => vec![],
        }
    });
    let mut permits = vec![];
    for semaphore in wanted.unwrap_or_default() {
        // Nothing closes it.
        permits.extend(semaphore.acquire_owned().await.ok());
    }
    let _ = TURN.try_with(|turn| turn.borrow_mut().permits.extend(permits));
}

/// The large bodies of the current request's user; `None` outside of a verified request.
pub(super) fn large_bodies() -> Option<Arc<Semaphore>> {
    let found = TURN.try_with(|turn| match &turn.borrow().caller {
        Caller::Verified(verified) => Some(verified.user.large_bodies.clone()),
        _ => None,
    });
    found.ok().flatten()
}

/// Keeps permits of memory until the current request ends; gives them back outside of one.
pub(super) fn keep(memory: Vec<OwnedSemaphorePermit>) {
    let _ = TURN.try_with(|turn| turn.borrow_mut().memory.extend(memory));
}

fn too_many(wait: Duration) -> Error {
    Error::too_many("Too many requests of this caller", wait)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in tests a panic is a failed test")]
mod tests;
