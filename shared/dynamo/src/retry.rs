//! How often a call is repeated, and how long to wait before it.

use std::time::Duration;

use crate::error::Error;

/// The most attempts at one write that meets other writes of the same items, and at one batch that
/// DynamoDB processes in part.
pub const MAX_ATTEMPTS: u32 = 8;

/// Reads and writes again until the write is made. `attempt` reads `what`, and writes on the condition that it is still
/// as it was read: `None` when another write came first. [`Error::Unavailable`] after [`MAX_ATTEMPTS`].
pub async fn until_applied<T, E, F>(what: &str, attempt: impl Fn() -> F) -> Result<T, E>
where
    E: From<Error>,
    F: Future<Output = Result<Option<T>, E>>,
{
    for _ in 0..MAX_ATTEMPTS {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
    }
    Err(kept_changing(what))
}

/// The same for `what` was read before: `read` reads it again before each attempt but the first.
pub async fn until_applied_from<R, T, E, F, G>(
    what: &str,
    first: R,
    read: impl Fn() -> G,
    attempt: impl Fn(R) -> F,
) -> Result<T, E>
where
    E: From<Error>,
    F: Future<Output = Result<Option<T>, E>>,
    G: Future<Output = Result<R, E>>,
{
    let mut known = first;
    for _ in 1..MAX_ATTEMPTS {
        if let Some(done) = attempt(known).await? {
            return Ok(done);
        }
        known = read().await?;
    }
    attempt(known).await?.ok_or_else(|| kept_changing(what))
}

fn kept_changing<E: From<Error>>(what: &str) -> E {
    Error::unavailable(format!("{what} kept being changed by others")).into()
}

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
