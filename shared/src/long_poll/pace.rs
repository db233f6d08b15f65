//! How often long polls look.
//!
//! | pace | interval | looks in 29 s at most |
//! |---|---|---:|
//! | a review | 205 ms, in the first second 100 ms | 150 |
//! | a review that somebody is about to answer | 25 ms, at most 150 such looks in a wait | 300 with the former |
//! | several reviews | 10 ms for each, at least as for one | 150; 29 of a hundred reviews |
//! | an inbox | 320 ms, in the first 1.5 seconds 100 ms | 110 |
//! | reviews, in a process that hears of every change | 20 s | 1 |

use std::time::Duration;

use tokio::time::Instant;

const FIRST_INTERVAL: Duration = Duration::from_millis(100);
const REVIEW_INTERVAL: Duration = Duration::from_millis(205);
const REVIEW_FIRST_PHASE: Duration = Duration::from_secs(1);
const NEAR_INTERVAL: Duration = Duration::from_millis(25);
const MAX_NEAR_LOOKS: u32 = 150;
const INTERVAL_PER_REVIEW: Duration = Duration::from_millis(10);
const INBOX_INTERVAL: Duration = Duration::from_millis(320);
const INBOX_FIRST_PHASE: Duration = Duration::from_millis(1500);
/// A safety net: the process hears of a change within milliseconds.
const HEARING_INTERVAL: Duration = Duration::from_secs(20);

/// What a long poll looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A pending review.
    Review,
    /// A pending review that somebody is about to answer.
    NearReview,
    /// So many pending reviews.
    Reviews(u32),
    /// The version of an inbox.
    Inbox,
}

impl Pace {
    /// Whether it looks at reviews.
    pub fn is_of_reviews(self) -> bool {
        self != Self::Inbox
    }
}

/// The looks of one long poll.
pub struct Pacer {
    started: Instant,
    near_looks_left: u32,
}

impl Pacer {
    /// A long poll that starts now.
    pub fn begin() -> Self {
        Self { started: Instant::now(), near_looks_left: MAX_NEAR_LOOKS }
    }

    /// The interval until the next look, up to a tenth longer at random, so that long polls that started together
    /// drift apart.
    pub fn interval(&mut self, pace: Pace, hears_all: bool) -> Duration {
        let base = match pace {
            Pace::Inbox => self.phased(INBOX_FIRST_PHASE, INBOX_INTERVAL),
            _ if hears_all => HEARING_INTERVAL,
            Pace::NearReview if self.near_looks_left > 0 => {
                self.near_looks_left -= 1;
                return NEAR_INTERVAL;
            }
            Pace::Review | Pace::NearReview => self.phased(REVIEW_FIRST_PHASE, REVIEW_INTERVAL),
            Pace::Reviews(count) => self.phased(REVIEW_FIRST_PHASE, REVIEW_INTERVAL).max(INTERVAL_PER_REVIEW * count),
        };
        base + jitter(base / 10)
    }

    fn phased(&self, first_phase: Duration, interval: Duration) -> Duration {
        if self.started.elapsed() < first_phase { FIRST_INTERVAL } else { interval }
    }
}

fn jitter(max: Duration) -> Duration {
    let random = u16::from_le_bytes(crate::random::bytes());
    max.mul_f64(f64::from(random) / f64::from(u16::MAX))
}
