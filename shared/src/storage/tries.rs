//! Tries of a password, counted per address: in the table, so that all instances count together.
//!
//! An address has several windows ([`Window`]), so that strangers who use up theirs keep out
//! neither a browser that has signed in before nor a person who is signed in.
//!
//! A try takes one of the window's places before it is judged, so that a burst of guesses cannot
//! outrun the count: of any number at once, at most ten are looked at. A right one gives its
//! place back, and those of the failures before it; a wrong one keeps it and is a failure. When
//! all places are taken but not all by failures, a further try waits a little for one: many right
//! ones at once all get in. A process that dies with a try in its hands leaves the place taken
//! until the window ends.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::device_cookie::Device;
use crate::error::Error;
use crate::models::account::Email;
use crate::storage::accounts::EmailItem;
use crate::storage::keys::{self, Key};
use crate::storage::updating::{self, Updated};
use crate::storage::{Store, backoff, number, read, text, trouble, written};

/// Tries are counted per address over this window.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// How many tries may be failed or under way.
const PLACES: u64 = 10;
/// How long a try waits for a place that others may give back.
const PATIENCE: Duration = Duration::from_secs(12);
/// When to come back after that, in seconds.
const COME_BACK: u64 = 5;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginItem {
    /// Failed ones and those under way.
    tries: u64,
    failures: u64,
    window_ends: Timestamp,
}

/// Whose tries a window counts.
pub(super) enum Window {
    /// Those who present nothing but the address.
    Strangers,
    /// One browser that signed in with the current password.
    Device(Ulid),
    /// All browsers that signed in with a former password.
    FormerDevices,
    /// Somebody who is signed in, on whatever browser.
    Session,
}

impl Window {
    /// The window of somebody who presents these devices to sign in to an account.
    pub fn of(presented: &[Device], account: Option<&EmailItem>) -> Option<Self> {
        let account = account?;
        let mut devices = presented.iter().filter(|device| device.user == account.user_id).peekable();
        devices.peek()?;
        let current = devices.find(|device| device.knows(&account.password_id));
        Some(current.map_or(Self::FormerDevices, |device| Self::Device(device.id)))
    }

    fn key(&self, email: &Email) -> Key {
        match self {
            Self::Strangers => Key::login(email),
            Self::Device(device) => Key::device_login(email, *device),
            Self::FormerDevices => Key::former_device_login(email),
            Self::Session => Key::session_login(email),
        }
    }
}

/// A try that has a place: which window, and the window as it was then.
pub(super) struct Try {
    key: Key,
    window: LoginItem,
}

/// What became of a try.
pub(super) enum Judged {
    Right,
    Wrong,
    /// Storage failed before it was looked at.
    Not,
}

enum Place {
    Taken(LoginItem),
    /// None is left in this window.
    Full(LoginItem),
    NoWindow,
}

/// What an update found.
enum Found {
    Updated(LoginItem),
    Refused(Option<LoginItem>),
}

impl Store {
    /// Takes a place in a window of the address's, or opens a new one. `is_new` is a guess that
    /// saves a call when it is right.
    pub(super) async fn begin_try(&self, email: &Email, window: &Window, is_new: bool) -> Result<Try, Error> {
        const SLOWEST: u32 = 3;
        let (key, patience) = (window.key(email), Instant::now() + PATIENCE);
        for again in 0.. {
            let now = self.clock.now();
            let place = if is_new && again == 0 { Place::NoWindow } else { self.take_place(&key, now).await? };
            match place {
                Place::Taken(window) => return Ok(Try { key, window }),
                Place::Full(window) if window.failures >= PLACES => {
                    // A clock that is behind the one that opened the window would say a little more.
                    let wait = now.until(window.window_ends).min(WINDOW);
                    let retry_after_seconds = wait.as_millis().div_ceil(1000) as u64;
                    return Err(Error::TooManyTries { retry_after_seconds });
                }
                Place::Full(_) if Instant::now() >= patience => break,
                Place::Full(_) => tokio::time::sleep(backoff(again.min(SLOWEST))).await,
                Place::NoWindow => {
                    // Lost when another try opened the window meanwhile; then that one has places.
                    if let Some(window) = self.open_window(&key, now).await? {
                        return Ok(Try { key, window });
                    }
                }
            }
        }
        Err(Error::TooManyTries { retry_after_seconds: COME_BACK })
    }

    async fn take_place(&self, key: &Key, now: Timestamp) -> Result<Place, Error> {
        let take = self
            .update_window(key, "ADD tries :one", "windowEnds > :now AND tries < :max")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(PLACES))
            .expression_attribute_values(":now", text(now));
        Ok(match found(take).await? {
            Found::Updated(window) => Place::Taken(window),
            Found::Refused(Some(window)) if window.window_ends > now => Place::Full(window),
            Found::Refused(_) => Place::NoWindow,
        })
    }

    /// The first place of a new window, unless there is a window already.
    async fn open_window(&self, key: &Key, now: Timestamp) -> Result<Option<LoginItem>, Error> {
        let window = LoginItem { tries: 1, failures: 0, window_ends: now.plus(WINDOW) };
        let mut item = key.attributes();
        item.extend(written(&window)?);
        item.insert("ttl".to_owned(), number(window.window_ends.epoch_seconds().unsigned_abs()));
        let put = self
            .db
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR windowEnds <= :now")
            .expression_attribute_values(":now", text(now));
        match put.send().await {
            Ok(_) => Ok(Some(window)),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) => Ok(None),
            Err(err) => Err(trouble(err)),
        }
    }

    /// Notes what became of a try. In a window that has ended there is nothing to note.
    pub(super) async fn end_try(&self, Try { key, window }: Try, judged: Judged) -> Result<(), Error> {
        const SAME: &str = "windowEnds = :window";
        let update = match judged {
            Judged::Right => return self.forget_failures(&key, window).await,
            Judged::Wrong => self.update_window(&key, "ADD failures :one", SAME),
            Judged::Not => {
                self.update_window(&key, "SET tries = tries - :one", "windowEnds = :window AND tries >= :one")
            }
        };
        let update = update
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":window", text(window.window_ends));
        found(update).await.map(drop)
    }

    /// Gives back the place of a right try and those of the failures before it; not those of
    /// tries that are still under way.
    async fn forget_failures(&self, key: &Key, mut window: LoginItem) -> Result<(), Error> {
        // Seen anew only when a try failed meanwhile, and there are not more than that.
        for _ in 0..=PLACES {
            let back = window.tries.min(window.failures + 1);
            let condition = "windowEnds = :window AND failures = :seen AND tries >= :back";
            let update = self
                .update_window(key, "SET tries = tries - :back, failures = :none", condition)
                .expression_attribute_values(":back", number(back))
                .expression_attribute_values(":none", number(0))
                .expression_attribute_values(":seen", number(window.failures))
                .expression_attribute_values(":window", text(window.window_ends));
            match found(update).await? {
                Found::Refused(Some(now)) if now.window_ends == window.window_ends => window = now,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Ends all windows of an address: its password was reset, so former guesses count no more.
    pub(super) async fn forget_tries(&self, email: &Email) -> Result<(), Error> {
        let query = self.query_partition(keys::email_partition(email), keys::LOGINS).projection_expression("pk, sk");
        let windows = query.send().await.map_err(trouble)?.items.unwrap_or_default();
        self.delete_all(&windows).await
    }

    fn update_window(&self, key: &Key, update: &str, condition: &str) -> UpdateItemFluentBuilder {
        self.updating(key).update_expression(update).condition_expression(condition)
    }
}

async fn found(update: UpdateItemFluentBuilder) -> Result<Found, Error> {
    Ok(match updating::sent(update).await? {
        Updated::Made(item) => Found::Updated(read(item)?),
        Updated::Missed(item) => Found::Refused(item.map(read).transpose()?),
    })
}
