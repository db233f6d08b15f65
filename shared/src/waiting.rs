//! Waiting until something in the table changes: how long a caller is held, and when the next
//! look is. At once when this process itself stored the change, soon while one is likely (the first
//! moments, and whenever whoever waits says so), less often otherwise: 29 s cost at most 110 looks,
//! 300 hurried ones.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::{Nudged, Waits};
use crate::error::Error;
use crate::ids::MessageId;
use crate::input::Params;

const QUICK: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(320);
const QUICK_AT_FIRST: Duration = Duration::from_millis(1500);

/// The query parameter `timeout`: milliseconds. Absent, not a number, and nothing or less all
/// mean "as long as you can", which is `None`.
pub fn timeout(params: &Params) -> Option<Duration> {
    let millis = params.text("timeout").and_then(|text| text.parse::<f64>().ok());
    let seconds = millis.filter(|millis| *millis > 0.0).map(|millis| millis / 1000.0);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// One caller who is held.
pub struct Wait<'a> {
    waits: &'a Waits,
    began: Instant,
    deadline: Instant,
    nudged: Option<Nudged>,
    /// Somebody said that there is something to see.
    called: bool,
    last: bool,
}

impl<'a> Wait<'a> {
    /// From now on, for no longer than anybody is held.
    pub fn begin(waits: &'a Waits, timeout: Option<Duration>) -> Self {
        let began = Instant::now();
        let deadline = began + timeout.map_or(waits.max, |timeout| timeout.min(waits.max));
        Self { waits, began, deadline, nudged: None, called: false, last: false }
    }

    /// The same, and looks at once when this process decides on the message.
    pub fn for_message(self, message: Option<MessageId>) -> Self {
        Self { nudged: message.map(|message| self.waits.nudged(message)), ..self }
    }

    /// Whether the next look is to be strongly consistent. The last one is, so that what was stored
    /// in time is not missed, and so is one that somebody called for.
    pub fn is_sharp(&self) -> bool {
        self.last || self.called
    }

    /// Holds until it is time to look again, `at_most` this long. `false` when there is no other
    /// look: time is up, or the process is closing.
    pub async fn until_next_look(&mut self, hurried: bool, at_most: Duration) -> bool {
        if self.last {
            return false;
        }
        let base = if hurried || self.began.elapsed() < QUICK_AT_FIRST { QUICK } else { SLOW };
        let pause = (base + jitter(base / 10)).min(at_most);
        let called = async {
            match &mut self.nudged {
                Some(nudged) => nudged.heard().await,
                None => std::future::pending().await,
            }
        };
        self.called = tokio::select! {
            () = tokio::time::sleep_until((Instant::now() + pause).min(self.deadline)) => false,
            () = called => true,
            () = self.waits.closing() => return false,
        };
        self.last = Instant::now() >= self.deadline;
        true
    }

    /// What a look gave. Trouble that passes is `None` and does not end a wait, unless it was the
    /// last look: whoever waits would only call again.
    pub fn patiently<T>(&self, looked: Result<T, Error>) -> Result<Option<T>, Error> {
        match looked {
            Err(Error::Unavailable(_)) if !self.last => Ok(None),
            looked => looked.map(Some),
        }
    }
}

/// Up to `most`, so that waiters who began together drift apart. It only ever adds.
fn jitter(most: Duration) -> Duration {
    let random = u16::from_le_bytes(crate::secrets::random());
    most.mul_f64(f64::from(random) / f64::from(u16::MAX))
}
