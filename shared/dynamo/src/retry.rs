//! How often a call is repeated, and how long to wait before it.

use std::time::Duration;

/// The most attempts at one write that meets other writes of the same items, and at one batch that
/// DynamoDB processes in part.
pub const MAX_ATTEMPTS: u32 = 8;

/// Waits before attempt `attempt + 1`: 20 ms, doubled with each attempt up to 1.28 s, jittered to
/// between half and the whole of it.
pub async fn pause(attempt: u32) {
    tokio::time::sleep(backoff(attempt)).await;
}

fn backoff(attempt: u32) -> Duration {
    let whole = 20_000_u64 << attempt.min(6);
    // Without randomness the pause is the shortest one.
    let jitter = getrandom::u64().unwrap_or_default() % (whole / 2);
    Duration::from_micros(whole / 2 + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_are_jittered_down_to_half() {
        for (attempt, whole) in [(0, 20), (1, 40), (6, 1280), (60, 1280)] {
            let pause = backoff(attempt);
            assert!(pause >= Duration::from_millis(whole / 2) && pause < Duration::from_millis(whole), "{attempt}");
        }
    }
}
