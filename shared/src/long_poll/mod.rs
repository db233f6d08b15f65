//! Long polls: requests that wait until something in the table changes.
//!
//! A long poll looks at the table repeatedly, at the interval of its [`Pace`]. A process that hears of every change
//! by itself (the local runner) looks hardly ever: its stream of the table ends the long polls.
//!
//! - `pace`: the intervals, and how many looks they make at most
//! - `waiters`: long polls for the same message in one process share what they find
//! - `slots`: how many long polls one user may hold, and how often they look

mod pace;
mod slots;
mod waiters;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Error;
use crate::ids::MessageId;
use crate::limits::{Settings, turns};
use crate::models::Message;
use crate::validation::Params;
pub use pace::Pace;
use pace::Pacer;
pub use slots::Holder;
use slots::{PollSlot, PollSlots};
use waiters::{MIN_POLL_GAP, WaiterGroup, WaiterGroups};

/// How a review that is waited for ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    Decided(Arc<Message>),
    /// The message was deleted.
    Deleted,
}

/// The long polls of this process. Clones share them.
#[derive(Clone)]
pub struct LongPolls {
    pub max: Duration,
    closing: watch::Receiver<bool>,
    waiter_groups: WaiterGroups<Outcome>,
    slots: PollSlots,
    hears_all: bool,
}

impl LongPolls {
    /// Long polls that hold for `max` at most and end early once `closing` is true.
    pub fn new(max: Duration, closing: watch::Receiver<bool>) -> Self {
        let slots = PollSlots::new(Settings::default().waits_per_user, None);
        Self { max, closing, waiter_groups: WaiterGroups::default(), slots, hears_all: false }
    }

    /// The same with at most `per_user` long polls of one user's API keys. All together look at most
    /// `polls_per_second` times a second.
    pub fn limited(self, per_user: usize, polls_per_second: Option<u32>) -> Self {
        Self { slots: PollSlots::new(per_user, polls_per_second), ..self }
    }

    /// The same in a process that calls [`notify`](Self::notify) and [`notify_deleted`](Self::notify_deleted) for
    /// every change of a review, whichever process made it.
    pub fn hearing_all(self) -> Self {
        Self { hears_all: true, ..self }
    }

    /// Whether this process hears of every change by itself: waiting costs nothing then.
    pub fn hears_all(&self) -> bool {
        self.hears_all
    }

    /// Gives a decided message to the long polls of this process that wait for it. Other processes
    /// find it at their next look.
    pub fn notify(&self, decided: &Message) {
        self.waiter_groups.notify(decided.id, || Outcome::Decided(Arc::new(decided.clone())));
    }

    /// Ends the long polls of this process that wait for a message that was deleted.
    pub fn notify_deleted(&self, message: MessageId) {
        self.waiter_groups.notify(message, || Outcome::Deleted);
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
    deadline: Instant,
    groups: Vec<WaiterGroup<Outcome>>,
    slot: Option<PollSlot>,
    pacer: Pacer,
    last: bool,
}

/// How a pause between two looks ended.
pub enum Next {
    /// It is time to look.
    Look,
    /// The review of this message ended.
    Heard(MessageId, Outcome),
    /// No further look: the time is up, or the process is closing.
    Ended,
}

impl<'a> LongPoll<'a> {
    /// Starts now and lasts for `timeout`, at most [`LongPolls::max`].
    pub fn begin(polls: &'a LongPolls, timeout: Option<Duration>) -> Self {
        let deadline = Instant::now() + timeout.map_or(polls.max, |timeout| timeout.min(polls.max));
        Self { polls, deadline, groups: vec![], slot: None, pacer: Pacer::begin(), last: false }
    }

    /// The same, in a group with the other long polls for each of these messages.
    pub fn for_messages(self, messages: impl IntoIterator<Item = MessageId>) -> Self {
        let groups = messages.into_iter().map(|message| self.polls.waiter_groups.join(message)).collect();
        Self { groups, ..self }
    }

    /// Leaves the groups of messages that are waited for no longer.
    pub fn retain(&mut self, is_awaited: impl Fn(MessageId) -> bool) {
        self.groups.retain(|group| is_awaited(group.message()));
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
        if let Some(group) = self.groups.iter().find(|group| group.message() == decided.id) {
            group.notify(|| Outcome::Decided(Arc::new(decided.clone())));
        }
    }

    /// Whether the next look is the last one.
    pub fn is_final(&self) -> bool {
        self.last
    }

    /// Waits until the next look is due, at most `at_most`. If another waiter of the one message looked within
    /// `MIN_POLL_GAP`, the look is skipped and the wait goes on.
    pub async fn next(&mut self, pace: Pace, at_most: impl Fn() -> Duration) -> Next {
        turns::step_aside();
        while !self.last {
            let interval = self.interval(pace).min(at_most().max(MIN_POLL_GAP));
            let heard = async {
                match self.groups.is_empty() {
                    true => std::future::pending().await,
                    false => select_all(self.groups.iter_mut().map(|it| Box::pin(heard_by(it)))).await.0,
                }
            };
            tokio::select! {
                (message, outcome) = heard => return Next::Heard(message, outcome),
                () = tokio::time::sleep_until((Instant::now() + interval).min(self.deadline)) => {}
                () = self.polls.closing() => return Next::Ended,
            }
            self.last = Instant::now() >= self.deadline;
            if self.last && self.polls.hears_all && pace.is_of_reviews() {
                return Next::Ended;
            }
            if self.last || self.may_look() {
                turns::resume().await;
                return Next::Look;
            }
        }
        Next::Ended
    }

    fn interval(&mut self, pace: Pace) -> Duration {
        let at_least = self.slot.as_ref().map_or(Duration::ZERO, PollSlot::min_interval);
        self.pacer.interval(pace, self.polls.hears_all).max(at_least)
    }

    /// One message is looked at by one long poll at a time; long polls for several messages do not share their looks.
    fn may_look(&self) -> bool {
        match self.groups.as_slice() {
            [group] => group.try_poll(),
            _ => true,
        }
    }

    /// Turns an outage of storage into `None`, so that the wait goes on: the caller would only call
    /// again. The last look reports it.
    pub fn tolerate_outage<T>(&self, read: Result<T, Error>) -> Result<Option<T>, Error> {
        match read {
            Err(Error::Unavailable(_)) if !self.last => Ok(None),
            read => read.map(Some),
        }
    }
}

async fn heard_by(group: &mut WaiterGroup<Outcome>) -> (MessageId, Outcome) {
    let message = group.message();
    (message, group.ended().await)
}
