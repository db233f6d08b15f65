//! Waiting until something in the table changes: how long a caller is held, and when the next
//! look is. At once for who is answered by a program, soon while a change is likely (the first
//! moments, and whenever whoever waits says so), less often otherwise: 29 s cost at most 110 looks,
//! 300 hurried ones.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::Waits;
use crate::error::Error;
use crate::input::Params;

/// Programs answer at once, if they do: the first looks are for them.
const AT_ONCE: Duration = Duration::from_millis(20);
const LOOKS_AT_ONCE: u32 = 5;
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
    /// Looks until now.
    looks: u32,
    last: bool,
}

impl<'a> Wait<'a> {
    /// From now on, for no longer than anybody is held.
    pub fn begin(waits: &'a Waits, timeout: Option<Duration>) -> Self {
        let began = Instant::now();
        let deadline = began + timeout.map_or(waits.max, |timeout| timeout.min(waits.max));
        Self { waits, began, deadline, looks: 0, last: false }
    }

    /// Whether the next look is the last one, which is to be strongly consistent: what was stored
    /// in time is not missed.
    pub fn is_last(&self) -> bool {
        self.last
    }

    /// Holds until it is time to look again, `at_most` this long. `false` when there is no other
    /// look: time is up, or the process is closing.
    pub async fn until_next_look(&mut self, hurried: bool, at_most: Duration) -> bool {
        if self.last {
            return false;
        }
        let base = if hurried || self.began.elapsed() < QUICK_AT_FIRST { QUICK } else { SLOW };
        let base = if self.looks < LOOKS_AT_ONCE { AT_ONCE } else { base };
        self.looks += 1;
        let pause = (base + jitter(base / 10)).min(at_most);
        tokio::select! {
            () = tokio::time::sleep_until((Instant::now() + pause).min(self.deadline)) => {}
            () = self.waits.closing() => return false,
        }
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
