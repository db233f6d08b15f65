//! When a failed delivery is attempted again.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use crate::clock::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The delays after the first attempt, the second and so on. After the last one the delivery fails.
pub const DELAYS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(MINUTE),
    Duration::from_secs(10 * MINUTE),
    Duration::from_secs(HOUR),
    Duration::from_secs(6 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// The longest `Retry-After` that is honoured: the longest visibility timeout of SQS, so that no
/// attempt uses up more than a few of the receives that the queue allows.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(12 * HOUR);

/// Whether a receiver that answers so may accept the same later.
pub fn is_temporary(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500..)
}

/// The delay after one more attempt than `attempts`: with jitter of up to a tenth, so that deliveries
/// which failed together are spread, or what the receiver asked for if that is longer. `None` after
/// the last attempt.
pub fn next_delay(attempts: u32, retry_after: Option<Duration>) -> Option<Duration> {
    let base = *DELAYS.get(usize::try_from(attempts).ok()?)?;
    let random = f64::from(u16::from_le_bytes(crate::random::bytes())) / f64::from(u16::MAX);
    let jittered = base + base.mul_f64(random / 10.0);
    Some(jittered.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER)))
}

/// How long a message is put off that found its channel crowded, when it was received `receives`
/// times: longer each time, up to a quarter longer by chance. A message that finds no room for three
/// days in a row is received fewer times than the queue allows.
pub fn throttled_delay(receives: u32) -> Duration {
    const BASE: f64 = 2.0;
    const MAX: f64 = (2 * HOUR) as f64;
    let exponent = i32::try_from(receives.min(MAX_EXPONENT)).unwrap_or(i32::MAX);
    let base = (BASE * 1.25_f64.powi(exponent)).min(MAX);
    let random = f64::from(u16::from_le_bytes(crate::random::bytes())) / f64::from(u16::MAX);
    Duration::from_secs_f64(base * (1.0 + random / 4.0))
}

/// From here on the delay is the longest.
const MAX_EXPONENT: u32 = 50;

/// Reads a `Retry-After`: seconds or a date.
pub fn parse_retry_after(retry_after: &str, now: Timestamp) -> Option<Duration> {
    let text = retry_after.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(now.until(Timestamp::from_millis(i64::try_from(at.as_millis()).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        for (attempts, base) in (0..).zip(DELAYS) {
            let delay = next_delay(attempts, None);
            assert!(delay.is_some_and(|it| it >= base && it <= base.mul_f64(1.1)), "{delay:?}");
        }
        assert_eq!(next_delay(6, None), None);
        assert_eq!(next_delay(6, Some(MAX_RETRY_AFTER)), None);
    }

    #[test]
    fn a_receiver_is_heeded_within_bounds_and_never_shortens_a_next_delay() {
        assert_eq!(next_delay(0, Some(Duration::from_secs(120))), Some(Duration::from_secs(120)));
        assert_eq!(next_delay(0, Some(Duration::from_secs(999_999))), Some(MAX_RETRY_AFTER));
        assert!(next_delay(1, Some(Duration::from_secs(1))) >= Some(DELAYS[1]));
    }

    #[test]
    fn a_throttled_message_returns_soon_at_first_and_is_not_given_up_for_three_days() {
        assert!(throttled_delay(1) < Duration::from_secs(4));
        let (mut waited, mut receives) = (Duration::ZERO, 0);
        while waited < Duration::from_secs(72 * HOUR) {
            receives += 1;
            waited += throttled_delay(receives);
        }
        // Failed attempts of the delivery use up some receives too.
        assert!(receives < 100 - 14, "{receives}");
        assert!(throttled_delay(u32::MAX) <= Duration::from_secs(2 * HOUR * 5 / 4));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("2015-10-21T07:27:00Z").unwrap_or_else(|| Timestamp::from_millis(0));
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
    }
}
