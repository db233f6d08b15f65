//! Waiting until something in the table changes: how long a caller is held, and when the next
//! look is. Soon while a change is likely (the first moments, and whenever whoever waits says so),
//! less often otherwise: 29 s cost at most 110 looks, 300 hurried ones. Waits for the same message
//! in one process help each other: what one of them finds, or the process itself stores, all are
//! told, and many together look no more often than tells them soon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::Error;
use crate::ids::MessageId;
use crate::input::Params;
use crate::models::Message;

const QUICK: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(320);
const QUICK_AT_FIRST: Duration = Duration::from_millis(1500);
/// The least between two looks at one message, over all waits of this process.
const APART: Duration = Duration::from_millis(20);

/// How long waits may hold, whether they should come back early, and what they tell each other.
#[derive(Clone)]
pub struct Waits {
    pub max: Duration,
    closing: watch::Receiver<bool>,
    companies: Arc<Mutex<HashMap<MessageId, watch::Sender<Known>>>>,
}

/// What the waits for one message know together.
#[derive(Default)]
struct Known {
    looked: Option<Instant>,
    decided: Option<Arc<Message>>,
}

/// The waits for one message, to one of them.
struct Company {
    waits: Waits,
    message: MessageId,
    all: watch::Sender<Known>,
    told: watch::Receiver<Known>,
}

impl Waits {
    pub fn new(max: Duration, closing: watch::Receiver<bool>) -> Self {
        Self { max, closing, companies: Arc::default() }
    }

    /// Tells the waits of this process that are for this message that it is decided. Others find
    /// out by themselves, a little later.
    pub fn tell(&self, decided: &Message) {
        if let Some(all) = self.companies().get(&decided.id) {
            tell(all, decided);
        }
    }

    fn company(&self, message: MessageId) -> Company {
        let mut companies = self.companies();
        let all = companies.entry(message).or_default();
        Company { waits: self.clone(), message, all: all.clone(), told: all.subscribe() }
    }

    fn companies(&self) -> MutexGuard<'_, HashMap<MessageId, watch::Sender<Known>>> {
        // The map is whole even if a thread ended while it held it.
        self.companies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends once the process is about to stop; never, if nobody will say so.
    async fn closing(&self) {
        if self.closing.clone().wait_for(|closing| *closing).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Company {
    /// Ends when one of them knows the decision.
    async fn told(&mut self) -> Arc<Message> {
        let known = self.told.wait_for(|known| known.decided.is_some()).await;
        match known.ok().and_then(|known| known.decided.clone()) {
            Some(message) => message,
            None => std::future::pending().await,
        }
    }

    /// Whether it is time that one of them looks. Then the others need not for a while.
    fn takes_a_turn(&self) -> bool {
        let mut turn = false;
        self.all.send_if_modified(|known| {
            turn = known.looked.is_none_or(|at| at.elapsed() >= APART);
            if turn {
                known.looked = Some(Instant::now());
            }
            // Nothing that anybody would wake up for.
            false
        });
        turn
    }
}

fn tell(all: &watch::Sender<Known>, decided: &Message) {
    all.send_modify(|known| known.decided = Some(Arc::new(decided.clone())));
}

impl Drop for Company {
    fn drop(&mut self) {
        let mut companies = self.waits.companies();
        // Its own is still counted.
        if self.all.receiver_count() == 1 {
            companies.remove(&self.message);
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
pub struct Wait<'a> {
    waits: &'a Waits,
    began: Instant,
    deadline: Instant,
    company: Option<Company>,
    last: bool,
}

/// What a pause ended with.
pub enum Next {
    /// It is time to look.
    Look,
    /// Another wait for the same message has just looked, and would have told.
    Spared,
    /// The message is decided: here it is.
    Told(Arc<Message>),
    /// There is no other look: time is up, or the process is closing.
    Over,
}

impl<'a> Wait<'a> {
    /// From now on, for no longer than anybody is held.
    pub fn begin(waits: &'a Waits, timeout: Option<Duration>) -> Self {
        let began = Instant::now();
        let deadline = began + timeout.map_or(waits.max, |timeout| timeout.min(waits.max));
        Self { waits, began, deadline, company: None, last: false }
    }

    /// The same, together with others that are for this message.
    pub fn for_message(self, message: Option<MessageId>) -> Self {
        Self { company: message.map(|message| self.waits.company(message)), ..self }
    }

    /// Tells the others that the message is decided.
    pub fn tell(&self, decided: &Message) {
        if let Some(company) = self.company.as_ref().filter(|it| it.all.receiver_count() > 1) {
            tell(&company.all, decided);
        }
    }

    /// Whether the next look is to be strongly consistent: the last one is, so that what was stored
    /// in time is not missed.
    pub fn is_sharp(&self) -> bool {
        self.last
    }

    /// Holds until it is time to look again, `at_most` this long, or there is nothing to look for.
    pub async fn next(&mut self, hurried: bool, at_most: Duration) -> Next {
        if self.last {
            return Next::Over;
        }
        let base = if hurried || self.began.elapsed() < QUICK_AT_FIRST { QUICK } else { SLOW };
        let pause = (base + jitter(base / 10)).min(at_most);
        let told = async {
            match &mut self.company {
                Some(company) => company.told().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = told => return Next::Told(message),
            () = tokio::time::sleep_until((Instant::now() + pause).min(self.deadline)) => {}
            () = self.waits.closing() => return Next::Over,
        }
        self.last = Instant::now() >= self.deadline;
        let turn = self.company.as_ref().is_none_or(Company::takes_a_turn);
        if turn || self.last { Next::Look } else { Next::Spared }
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
