//! Waiting for reviews: what the routes that wait share.
//!
//! - `one`: until one review is decided
//! - `several`: until one of several reviews is decided
//!
//! A *patient* call holds shortly after the review was asked, and while somebody has it open. Later it answers at once
//! and says when to ask again. Where the process hears of every decision by itself, it holds as every call.

mod one;
mod several;

use std::time::{Duration, Instant};

use utoipa::IntoParams;

use crate::clock::Timestamp;
use crate::http::App;
use crate::long_poll;
use crate::models::Message;
use crate::storage::{Look, PendingReview};
use crate::validation::{FromParams, Params};

pub use several::SeveralWaited;

/// How long after a review was asked a patient call for it holds.
const HOLD_AFTER_ASKING: Duration = Duration::from_secs(60);
/// How long after the last sign of a reader a patient call holds. Pages give one every 15 s while they are used.
const HOLD_WHILE_OPEN: Duration = Duration::from_secs(20);
/// How long a patient client sleeps before it asks again.
const POLL_AFTER: Duration = Duration::from_secs(15);
/// A review that the index does not list although it is pending is read again after this time, then after twice
/// the time, and so on up to [`MAX_RECHECK`].
const FIRST_RECHECK: Duration = Duration::from_millis(500);
const MAX_RECHECK: Duration = Duration::from_secs(4);

/// How a call wants to wait: two parameters of its query.
#[derive(Clone, Copy, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Patience {
    /// Milliseconds; absent, not a number, and nothing or less mean the longest possible (29,000).
    #[param(value_type = Option<f64>, example = 30000)]
    pub timeout: Option<Duration>,
    /// Whether the client heeds `pollAfterMs`: the call may then answer before its time.
    #[param(rename = "patient", value_type = Option<bool>, default = false)]
    pub is_patient: bool,
}

impl FromParams for Patience {
    fn from_params(params: &mut Params) -> Option<Self> {
        Some(Self { timeout: long_poll::timeout(params), is_patient: params.flag("patient")? })
    }
}

/// How a wait for one review ended.
pub enum Waited {
    Decided(Box<Message>),
    TimedOut {
        /// How long a patient client may sleep before it asks again.
        poll_after: Duration,
    },
}

/// When a review that the index does not list is read again.
#[derive(Default)]
struct Recheck {
    not_before: Option<Instant>,
    pause: Option<Duration>,
}

impl Recheck {
    fn is_due(&self) -> bool {
        self.not_before.is_none_or(|at| Instant::now() >= at)
    }

    /// The review was read, and was pending.
    fn postpone(&mut self) {
        let pause = self.pause.map_or(FIRST_RECHECK, |pause| (pause * 2).min(MAX_RECHECK));
        (self.not_before, self.pause) = (Some(Instant::now() + pause), Some(pause));
    }
}

impl App {
    /// Whether a patient call for this review holds.
    fn holds(&self, pending: &PendingReview, look: Option<&Look>) -> bool {
        let now = self.clock.now();
        self.long_polls.hears_all()
            || now < pending.created_at.plus(HOLD_AFTER_ASKING)
            || look.is_some_and(|look| look.is_within(HOLD_WHILE_OPEN, now))
    }
}

fn poll_after(holds: bool) -> Duration {
    if holds { Duration::ZERO } else { POLL_AFTER }
}

/// The time from now to the moment at which a pending review is an expired one.
fn until_expiry(now: Timestamp, expires_at: Timestamp) -> Duration {
    now.until(expires_at) + Duration::from_millis(1)
}
