//! Long polls: requests that wait until something in the table changes.
//!
//! A long poll reads one item repeatedly: every 100 ms while a change is likely (the first 1.5
//! seconds, and whenever the caller says so), every 320 ms otherwise. 29 seconds cost at most 110
//! reads, or 300 frequent ones.
//!
//! - `waiters`: long polls for the same message in one process share what they find
//! - `slots`: how many long polls one user may hold, and how often they read

mod slots;
mod waiters;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Error;
use crate::ids::MessageId;
use crate::limits::{Settings, turns};
use crate::models::Message;
use crate::validation::Params;
pub use slots::Holder;
use slots::{PollSlot, PollSlots};
use waiters::{MIN_POLL_GAP, WaiterGroup, WaiterGroups};

const FAST_INTERVAL: Duration = Duration::from_millis(100);
const SLOW_INTERVAL: Duration = Duration::from_millis(320);
const FAST_PHASE: Duration = Duration::from_millis(1500);

/// The long polls of this process. Clones share them.
#[derive(Clone)]
pub struct LongPolls {
    pub max: Duration,
    closing: watch::Receiver<bool>,
    waiter_groups: WaiterGroups<Message>,
    slots: PollSlots,
}

impl LongPolls {
    /// Long polls that hold for `max` at most and end early once `closing` is true.
    pub fn new(max: Duration, closing: watch::Receiver<bool>) -> Self {
        let slots = PollSlots::new(Settings::default().waits_per_user, None);
        Self { max, closing, waiter_groups: WaiterGroups::default(), slots }
    }

    /// The same with at most `per_user` long polls of one user's API keys. All together read at most
    /// `polls_per_second` times a second, where the process itself learns of decisions.
    pub fn limited(self, per_user: usize, polls_per_second: Option<u32>) -> Self {
        Self { slots: PollSlots::new(per_user, polls_per_second), ..self }
    }

    /// Gives a decided message to the long polls of this process that wait for it. Other processes
    /// find it at their next read.
    pub fn notify(&self, decided: &Message) {
        self.waiter_groups.notify(decided.id, decided);
    }

    /// Whether a long poll of this process waits for this message.
    pub fn is_awaited(&self, message: MessageId) -> bool {
        self.waiter_groups.is_awaited(message)
    }

    /// Completes once the process is about to stop; never, if it stops without notice.
    async fn closing(&self) {
        if self.closing.clone().wait_for(|closing| *closing).await.is_err() {
            std::future::pending().await
        }
    }
}

/// The query parameter `timeout`, in milliseconds. `None` (as long as possible) when it is absent,
/// not a number, zero or less.
pub fn timeout(params: &Params) -> Option<Duration> {
    let millis = params.text("timeout").and_then(|text| text.parse::<f64>().ok());
    let seconds = millis.filter(|millis| *millis > 0.0).map(|millis| millis / 1000.0);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// One request that waits.
pub struct LongPoll<'a> {
    polls: &'a LongPolls,
    started: Instant,
    deadline: Instant,
    group: Option<WaiterGroup<Message>>,
    slot: Option<PollSlot>,
    last: bool,
}

/// How a pause between two reads ended.
pub enum Next {
    /// It is time to read.
    Poll,
    /// The message is decided: here it is.
    Decided(Arc<Message>),
    /// No further read: the time is up, or the process is closing.
    Ended,
}

impl<'a> LongPoll<'a> {
    /// Starts now and lasts for `timeout`, at most [`LongPolls::max`].
    pub fn begin(polls: &'a LongPolls, timeout: Option<Duration>) -> Self {
        let started = Instant::now();
        let deadline = started + timeout.map_or(polls.max, |timeout| timeout.min(polls.max));
        Self { polls, started, deadline, group: None, slot: None, last: false }
    }

    /// The same, in a group with the other long polls for this message.
    pub fn for_message(self, message: MessageId) -> Self {
        Self { group: Some(self.polls.waiter_groups.join(message)), ..self }
    }

    /// Takes one of the slots of `holder`, if this long poll has none yet.
    pub fn acquire_slot(&mut self, holder: Holder) -> Result<(), Error> {
        if self.slot.is_none() {
            self.slot = Some(self.polls.slots.acquire(holder)?);
        }
        Ok(())
    }

    /// Gives the decided message to the other long polls for it.
    pub fn notify(&self, decided: &Message) {
        if let Some(group) = &self.group {
            group.notify(decided);
        }
    }

    /// Whether the next read is the last one. It has to be strongly consistent, so that a decision
    /// stored in time is not missed.
    pub fn is_final(&self) -> bool {
        self.last
    }

    /// Waits until the next read is due, at most `at_most`. If another waiter of the group polled
    /// within `MIN_POLL_GAP`, the poll is skipped and the wait goes on.
    pub async fn next(&mut self, is_urgent: bool, at_most: impl Fn() -> Duration) -> Next {
        turns::step_aside();
        while !self.last {
            let base = if is_urgent || self.started.elapsed() < FAST_PHASE { FAST_INTERVAL } else { SLOW_INTERVAL };
            let base = base.max(self.slot.as_ref().map_or(Duration::ZERO, PollSlot::min_interval));
            let pause = (base + jitter(base / 10)).min(at_most().max(MIN_POLL_GAP));
            let decided = async {
                match &mut self.group {
                    Some(group) => group.decided().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                message = decided => return Next::Decided(message),
                () = tokio::time::sleep_until((Instant::now() + pause).min(self.deadline)) => {}
                () = self.polls.closing() => return Next::Ended,
            }
            self.last = Instant::now() >= self.deadline;
            if self.last || self.group.as_ref().is_none_or(WaiterGroup::try_poll) {
                turns::resume().await;
                return Next::Poll;
            }
        }
        Next::Ended
    }

    /// Turns an outage of storage into `None`, so that the wait goes on: the caller would only call
    /// again. The last read reports it.
    pub fn tolerate_outage<T>(&self, read: Result<T, Error>) -> Result<Option<T>, Error> {
        match read {
            Err(Error::Unavailable(_)) if !self.last => Ok(None),
            read => read.map(Some),
        }
    }
}

/// A random delay of up to `max`, so that long polls which started together drift apart.
fn jitter(max: Duration) -> Duration {
    let random = u16::from_le_bytes(crate::random::bytes());
    max.mul_f64(f64::from(random) / f64::from(u16::MAX))
}
