//! Login throttling: attempts at a password, counted per address in the table, so that all instances count
//! together.
//!
//! An address has several windows ([`Window`]), so that an attacker who uses up the strangers' window locks out
//! neither a browser that has signed in before nor a person who is signed in.
//!
//! An attempt takes one of the window's slots before the password is checked, so that a burst of guesses cannot
//! outrun the count: of any number at once, at most ten are checked. A right password gives back its slot and
//! those of the failures before it; a wrong one keeps its slot and is a failure. When all slots are taken, but
//! not all by failures, a further attempt waits a little for one: many right passwords at once all succeed. A
//! process that dies during an attempt leaves its slot taken until the window ends.
//!
//! Where the source of a request is known, its network has a window too, so that one source cannot try a password
//! on many addresses. A right password gives back only its own slot there: a source has many people, and may have an
//! account of its own.

use std::time::{Duration, Instant};

use dynamo::value::{n, s, to_item};
use dynamo::{Conditional, Key, Put, Update, attr, item_absent, pause};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::models::SourceAddress;
use crate::models::account::Email;
use crate::secrets::Device;
use crate::storage::accounts::Accounts;
use crate::storage::accounts::EmailItem;
use crate::storage::keys;

/// Attempts are counted per address over this window.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// How many attempts may have failed or be in progress.
const SLOTS: u64 = 10;
/// The same of a source, which may be an office.
const SLOTS_OF_SOURCE: u64 = 50;
/// How long an attempt waits for a slot that others may give back.
const SLOT_TIMEOUT: Duration = Duration::from_secs(12);
/// How far the clocks of two instances may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// `Retry-After` in seconds when no slot became free.
const RETRY_AFTER_SECONDS: u64 = 5;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginWindowItem {
    /// Attempts that failed or are in progress.
    tries: u64,
    failures: u64,
    window_ends: Timestamp,
}

impl LoginWindowItem {
    fn is_open(&self, now: Timestamp) -> bool {
        now < self.window_ends && self.window_ends <= latest_end(now)
    }
}

/// The latest end of a window that is open now. One that ends later was opened before the clock was set back.
fn latest_end(now: Timestamp) -> Timestamp {
    now.plus(WINDOW + CLOCK_SKEW)
}

/// Whose attempts a window counts.
pub(super) enum Window {
    /// Callers that present nothing but the address.
    Strangers,
    /// One browser that signed in with the current password.
    Device(Ulid),
    /// All browsers that signed in with a former password.
    FormerDevices,
    /// A caller that is signed in, in any browser.
    Session,
    /// The network of the caller, at whatever address.
    Source(SourceAddress),
}

impl Window {
    /// The window of a caller that presents these devices to sign in to an account.
    pub fn of(presented: &[Device], account: Option<&EmailItem>) -> Option<Self> {
        let account = account?;
        let mut devices = presented.iter().filter(|device| device.user == account.user_id).peekable();
        devices.peek()?;
        let current = devices.find(|device| device.knows(&account.password_id));
        Some(current.map_or(Self::FormerDevices, |device| Self::Device(device.id)))
    }

    fn key(&self, email: &Email) -> Key {
        match self {
            Self::Strangers => keys::login(email),
            Self::Device(device) => keys::device_login(email, *device),
            Self::FormerDevices => keys::former_device_login(email),
            Self::Session => keys::session_login(email),
            Self::Source(source) => keys::source_login(*source),
        }
    }

    fn slots(&self) -> u64 {
        if matches!(self, Self::Source(_)) { SLOTS_OF_SOURCE } else { SLOTS }
    }
}

/// An attempt that has a slot: its window, as it was when the slot was taken.
pub(super) struct LoginAttempt {
    key: Key,
    window: LoginWindowItem,
}

/// How an attempt ended.
pub(super) enum AttemptResult {
    Right,
    Wrong,
    /// Storage failed before the password was checked.
    Not,
}

enum Slot {
    Taken(LoginWindowItem),
    /// None is left in this window.
    Full(LoginWindowItem),
    NoWindow,
}

impl Accounts<'_> {
    /// Takes a slot in a window of the address's, or opens a new window. `is_new` is a guess that saves a call
    /// when it is right.
    pub(super) async fn begin_attempt(
        self,
        email: &Email,
        window: &Window,
        is_new: bool,
    ) -> Result<LoginAttempt, Error> {
        const MAX_PAUSE: u32 = 3;
        let (key, slots, deadline) = (window.key(email), window.slots(), Instant::now() + SLOT_TIMEOUT);
        for again in 0.. {
            let now = self.store.clock.now();
            let slot = if is_new && again == 0 { Slot::NoWindow } else { self.take_slot(&key, slots, now).await? };
            match slot {
                Slot::Taken(window) => return Ok(LoginAttempt { key, window }),
                Slot::Full(window) if window.failures >= slots => {
                    let retry_after_seconds = now.until(window.window_ends).as_millis().div_ceil(1000) as u64;
                    return Err(Error::TooManyTries { retry_after_seconds });
                }
                Slot::Full(_) if Instant::now() >= deadline => break,
                Slot::Full(_) => pause(again.min(MAX_PAUSE)).await,
                Slot::NoWindow => {
                    // Another attempt may have opened the window first; then that window has slots.
                    if let Some(window) = self.open_window(&key, now).await? {
                        return Ok(LoginAttempt { key, window });
                    }
                }
            }
        }
        Err(Error::TooManyTries { retry_after_seconds: RETRY_AFTER_SECONDS })
    }

    async fn take_slot(self, key: &Key, slots: u64, now: Timestamp) -> Result<Slot, Error> {
        let take = Update::new(key.clone())
            .add("tries", n(1))
            .when(attr("windowEnds").gt(s(now)))
            .when(attr("windowEnds").le(s(latest_end(now))))
            .when(attr("tries").lt(n(slots)));
        Ok(match take.send::<LoginWindowItem>(&self.store.table).await? {
            Conditional::Applied(window) => Slot::Taken(window),
            Conditional::Refused(Some(window)) if window.is_open(now) => Slot::Full(window),
            Conditional::Refused(_) => Slot::NoWindow,
        })
    }

    /// Opens a window and takes its first slot, unless there is a window already.
    async fn open_window(self, key: &Key, now: Timestamp) -> Result<Option<LoginWindowItem>, Error> {
        let window = LoginWindowItem { tries: 1, failures: 0, window_ends: now.plus(WINDOW) };
        let mut item = key.attributes();
        item.extend(to_item(&window)?);
        item.insert("ttl".to_owned(), n(window.window_ends.epoch_seconds()));
        let has_ended = attr("windowEnds").le(s(now)).or(attr("windowEnds").gt(s(latest_end(now))));
        let put = Put::new(item).when(item_absent().or(has_ended));
        Ok(put.send(&self.store.table).await?.then_some(window))
    }

    /// Records how an attempt ended. A window that has ended is left alone.
    pub(super) async fn finish_attempt(
        self,
        LoginAttempt { key, window }: LoginAttempt,
        result: AttemptResult,
    ) -> Result<(), Error> {
        let update = Update::new(key.clone()).when(attr("windowEnds").eq(s(window.window_ends)));
        let update = match result {
            AttemptResult::Right => return self.clear_failures(&key, window).await,
            AttemptResult::Wrong => update.add("failures", n(1)),
            AttemptResult::Not => update.decrease("tries", n(1)).when(attr("tries").ge(n(1))),
        };
        let _ = update.send_item(&self.store.table).await?;
        Ok(())
    }

    /// Gives back the slot of a right password and those of the failures before it, but not those of attempts
    /// in progress.
    async fn clear_failures(self, key: &Key, mut window: LoginWindowItem) -> Result<(), Error> {
        // Repeated only when an attempt failed in between, and there are at most so many of them.
        for _ in 0..=SLOTS {
            let back = window.tries.min(window.failures + 1);
            let update = Update::new(key.clone())
                .decrease("tries", n(back))
                .set("failures", n(0))
                .when(attr("windowEnds").eq(s(window.window_ends)))
                .when(attr("failures").eq(n(window.failures)))
                .when(attr("tries").ge(n(back)));
            match update.send::<LoginWindowItem>(&self.store.table).await? {
                Conditional::Refused(Some(now)) if now.window_ends == window.window_ends => window = now,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Deletes all windows of an address: its password was reset, so former guesses no longer count.
    pub(super) async fn clear_attempts(self, email: &Email) -> Result<(), Error> {
        let windows = self.store.query_partition(keys::email_partition(email), keys::LOGINS).first_keys().await?;
        Ok(self.store.table.delete_items(&windows).await?)
    }
}
