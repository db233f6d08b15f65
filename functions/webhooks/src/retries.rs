//! When a delivery that failed is tried again.

use std::time::{Duration, SystemTime};

use shared::clock::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The pauses after the first try, the second and so on; after the last there is none.
pub const PAUSES: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(MINUTE),
    Duration::from_secs(10 * MINUTE),
    Duration::from_secs(HOUR),
    Duration::from_secs(6 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// The longest that a receiver's Retry-After is heeded: as long as the queue hides a message, so
/// that no try takes more than a few of the receives that the queue allows.
pub const LONGEST_ASKED: Duration = Duration::from_secs(12 * HOUR);

/// The pause after one more try than `attempts`, up to a tenth longer so that deliveries which
/// failed together do not come back together; what the receiver asked for, if that is longer.
/// `None` when it was the last try.
pub fn pause(attempts: u32, asked: Option<Duration>) -> Option<Duration> {
    let base = *PAUSES.get(usize::try_from(attempts).ok()?)?;
    let random = f64::from(u16::from_le_bytes(shared::random::bytes())) / f64::from(u16::MAX);
    let jittered = base + base.mul_f64(random / 10.0);
    Some(jittered.max(asked.unwrap_or_default().min(LONGEST_ASKED)))
}

/// How long a message is put off that found its channel crowded, when it was received `receives`
/// times: longer each time, up to a quarter longer by chance. A message that finds no room for three
/// days in a row is received fewer times than the queue allows.
pub fn crowded(receives: u32) -> Duration {
    const FIRST: f64 = 2.0;
    const LONGEST: f64 = (2 * HOUR) as f64;
    let exponent = i32::try_from(receives.min(MANY)).unwrap_or(i32::MAX);
    let base = (FIRST * 1.25_f64.powi(exponent)).min(LONGEST);
    let random = f64::from(u16::from_le_bytes(shared::random::bytes())) / f64::from(u16::MAX);
    Duration::from_secs_f64(base * (1.0 + random / 4.0))
}

/// From here on the pause is the longest.
const MANY: u32 = 50;

/// What a Retry-After says: seconds or a date.
pub fn asked(retry_after: &str, now: Timestamp) -> Option<Duration> {
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
    fn pauses_grow_and_end() {
        for (attempts, base) in (0..).zip(PAUSES) {
            let pause = pause(attempts, None);
            assert!(pause.is_some_and(|it| it >= base && it <= base.mul_f64(1.1)), "{pause:?}");
        }
        assert_eq!(pause(6, None), None);
        assert_eq!(pause(6, Some(LONGEST_ASKED)), None);
    }

    #[test]
    fn a_receiver_is_heeded_within_bounds_and_never_shortens_a_pause() {
        assert_eq!(pause(0, Some(Duration::from_secs(120))), Some(Duration::from_secs(120)));
        assert_eq!(pause(0, Some(Duration::from_secs(999_999))), Some(LONGEST_ASKED));
        assert!(pause(1, Some(Duration::from_secs(1))) >= Some(PAUSES[1]));
    }

    #[test]
    fn what_finds_no_room_comes_back_soon_at_first_and_is_not_given_up_for_three_days() {
        assert!(crowded(1) < Duration::from_secs(4));
        let (mut waited, mut receives) = (Duration::ZERO, 0);
        while waited < Duration::from_secs(72 * HOUR) {
            receives += 1;
            waited += crowded(receives);
        }
        // The tries of a delivery that fails take some, too.
        assert!(receives < 100 - 14, "{receives}");
        assert!(crowded(u32::MAX) <= Duration::from_secs(2 * HOUR * 5 / 4));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("2015-10-21T07:27:00Z").unwrap_or_else(|| Timestamp::from_millis(0));
        assert_eq!(asked("120", now), Some(Duration::from_secs(120)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(asked("soon", now), None);
    }
}
