//! When a wait looks again: soon while an answer is likely (the first moments, and once somebody
//! has opened the review), less often otherwise. 29 s cost at most 110 reads unopened, 300 opened.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::models::Message;

const QUICK: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(320);
const QUICK_AT_FIRST: Duration = Duration::from_millis(1500);

/// The pause before the next look. It ends at the review's expiry, if that comes sooner.
pub fn pause(message: &Message, waited: Duration, now: Timestamp) -> Duration {
    let review = message.review.as_ref();
    let opened = review.is_some_and(|review| review.seen_at.is_some());
    let base = if opened || waited < QUICK_AT_FIRST { QUICK } else { SLOW };
    let pause = base + jitter(base / 10);
    review.map_or(pause, |review| pause.min(now.until(review.expires_at) + Duration::from_millis(1)))
}

/// Up to `most`, so that waiters who began together drift apart. It only ever adds.
fn jitter(most: Duration) -> Duration {
    let random = u16::from_le_bytes(shared::secrets::random());
    most.mul_f64(f64::from(random) / f64::from(u16::MAX))
}
