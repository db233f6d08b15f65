//! Waiting until something in the table changes: how long a caller is held, and when the next
//! look is. Soon while a change is likely (the first moments, and whenever whoever waits says so),
//! less often otherwise: 29 s cost at most 110 looks, 300 hurried ones. Long polls for the same message
//! in one process help each other.

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

const QUICK: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(320);
const QUICK_AT_FIRST: Duration = Duration::from_millis(1500);

/// How long waits may hold, whether they should come back early, and what they tell each other.
#[derive(Clone)]
pub struct LongPolls {
    pub max: Duration,
    closing: watch::Receiver<bool>,
    waiter_groups: WaiterGroups<Message>,
    slots: PollSlots,
}

impl LongPolls {
    pub fn new(max: Duration, closing: watch::Receiver<bool>) -> Self {
        let slots = PollSlots::new(Settings::default().waits_per_user, None);
        Self { max, closing, waiter_groups: WaiterGroups::default(), slots }
    }

    /// The same with at most so many waits of one user's API keys, and so many looks a second of all
    /// waits together, if a process hears of what it waits for by itself.
    pub fn limited(self, per_user: usize, looks: Option<u32>) -> Self {
        Self { slots: PollSlots::new(per_user, looks), ..self }
    }

    /// Tells the waits of this process that are for this message that it is decided. Others find
    /// out by themselves, a little later.
    pub fn notify(&self, decided: &Message) {
        self.waiter_groups.notify(decided.id, decided);
    }

    /// Ends once the process is about to stop; never, if nobody will say so.
    async fn closing(&self) {
        if self.closing.clone().wait_for(|closing| *closing).await.is_err() {
            std::future::pending().await
        }
    }
}

/// The query parameter `timeout`: milliseconds. Absent, not a number, and nothing or less all
/// mean "as long as you can", which is `None`.
pub fn timeout(params: &Params) -> Option<Duration> {
    let millis = params.text("timeout").and_then(|text| text.parse::<f64>().ok());
    let seconds = millis.filter(|millis| *millis > 0.0).map(|millis| millis / 1000.0);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// One caller who is held.
pub struct LongPoll<'a> {
    polls: &'a LongPolls,
    began: Instant,
    deadline: Instant,
    group: Option<WaiterGroup<Message>>,
    slot: Option<PollSlot>,
    last: bool,
}

/// What a pause ended with.
pub enum Next {
    /// It is time to look.
    Poll,
    /// The message is decided: here it is.
    Decided(Arc<Message>),
    /// There is no other look: time is up, or the process is closing.
    Ended,
}

impl<'a> LongPoll<'a> {
    /// From now on, for no longer than anybody is held.
    pub fn begin(polls: &'a LongPolls, timeout: Option<Duration>) -> Self {
        let began = Instant::now();
        let deadline = began + timeout.map_or(polls.max, |timeout| timeout.min(polls.max));
        Self { polls, began, deadline, group: None, slot: None, last: false }
    }

    /// The same, together with others that are for this message.
    pub fn for_message(self, message: MessageId) -> Self {
        Self { group: Some(self.polls.waiter_groups.join(message)), ..self }
    }

    /// Counts from now on among the waits that this caller holds, if they hold no more than they may.
    pub fn acquire_slot(&mut self, holder: Holder) -> Result<(), Error> {
        if self.slot.is_none() {
            self.slot = Some(self.polls.slots.acquire(holder)?);
        }
        Ok(())
    }

    /// Tells the others that the message is decided.
    pub fn notify(&self, decided: &Message) {
        if let Some(group) = &self.group {
            group.notify(decided);
        }
    }

    /// Whether the next look is to be strongly consistent: the last one is, so that what was stored
    /// in time is not missed.
    pub fn is_final(&self) -> bool {
        self.last
    }

    /// Holds until it is time to look again, `at_most` this long, or there is nothing to look for.
    /// Whom a companion has just spared the look, who would have told, is held on.
    pub async fn next(&mut self, hurried: bool, at_most: impl Fn() -> Duration) -> Next {
        turns::step_aside();
        while !self.last {
            let base = if hurried || self.began.elapsed() < QUICK_AT_FIRST { QUICK } else { SLOW };
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

    /// What a look gave. Trouble that passes is `None` and does not end a wait, unless it was the
    /// last look: whoever waits would only call again.
    pub fn tolerate_outage<T>(&self, looked: Result<T, Error>) -> Result<Option<T>, Error> {
        match looked {
            Err(Error::Unavailable(_)) if !self.last => Ok(None),
            looked => looked.map(Some),
        }
    }
}

/// Up to `most`, so that waiters who began together drift apart. It only ever adds.
fn jitter(most: Duration) -> Duration {
    let random = u16::from_le_bytes(crate::random::bytes());
    most.mul_f64(f64::from(random) / f64::from(u16::MAX))
}
